//! A backup that is taken while players join holds one moment, and the game goes on from it on either engine.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};

use crate::campaign::{Asked, Bet, Book, Connection, Crowd, Heard, Outcomes, Player, Random, setup};
use crate::evidence::Evidence;
use crate::harness::{Place, Prices, START_MS, Server, Tool};

const LENGTH_MS: i64 = 360_000;
/// The second round: it opens when the first one has ended.
const SECOND_MS: i64 = START_MS + LENGTH_MS;
const PLAYERS: usize = 4;

/// Players that keep joining the rounds that start at `start_ms`.
fn crowd(server: &Server, start_ms: i64, random: &mut Random) -> Crowd {
    Crowd::start((0..PLAYERS).map(|place| {
        let (mut random, mut number) = (random.part(), 0);
        let player: Player = Box::new(move |_| {
            number += 1;
            Bet::any(format!("{start_ms}-{place}-{number}"), start_ms, &mut random)
        });
        (server.base().to_owned(), player)
    }))
}

fn accepted(asked: &[Asked]) -> Vec<Bet> {
    for asked in asked {
        assert!(matches!(asked.heard, Heard::Created), "{asked:?}");
    }
    asked.iter().map(|asked| asked.bet.clone()).collect()
}

/// Ids of the entries in a database.
fn ids(place: &Place) -> BTreeSet<String> {
    Evidence::of(place).column::<String>("SELECT id FROM rounds_entry", &[]).into_iter().collect()
}

fn assert_holds_one_moment(engine: fn() -> Place, other: fn() -> Place) {
    let (place, prices, to) = (engine(), Prices::start(), other());
    let (mut random, mut outcomes) = (Random::of_campaign(), Outcomes::default());
    for start_ms in [START_MS, SECOND_MS] {
        outcomes.publish(&prices, start_ms, &mut random);
    }
    let server = setup(&place, &prices).start();
    let first = crowd(&server, START_MS, &mut random);
    first.wait_for(150);
    let mut played = accepted(&first.stop());
    server.move_clock(SECOND_MS);
    let second = crowd(&server, SECOND_MS, &mut random);
    second.wait_for(100);
    let (began, tool) = (Instant::now(), Tool::beside(&server));
    let backup = tool.json(&["backup", "create"]);
    let ended = Instant::now();
    second.wait_for(400);
    let asked = second.stop();
    server.kill();

    let restored = tool.json(&["backup", "restore", "--to", &to.url(), "--reason", "drill"]);
    assert_eq!((&restored["ok"], &restored["generation"]), (&json!(true), &json!(1)));
    let kept = ids(&to);
    for asked in &asked {
        let is_kept = kept.contains(&asked.bet.id);
        assert!(
            is_kept || asked.ended > began,
            "acknowledged before the backup began, and not in it: {asked:?}"
        );
        assert!(!is_kept || asked.began < ended, "in the backup, and sent after it: {asked:?}");
    }
    let during = asked.iter().filter(|asked| asked.began > began && asked.ended < ended).count();
    println!("{during} joins while the backup was made, {} entries in it", kept.len());
    played.extend(accepted(&asked).into_iter().filter(|bet| kept.contains(&bet.id)));
    let book = Book::of(&to);
    book.check_sums_and_audit();
    book.snapshot().check_entries(&played);
    book.snapshot().check_consistent();
    assert_eq!(trial(&tool, &to), backup["ledger"], "totals as the manifest says");
    drop(book);
    play_on(&to, &prices, &outcomes, played);
}

/// The totals of the book, as the command line prints them.
fn trial(tool: &Tool, place: &Place) -> Value {
    let trial = tool.json(&["ledger", "trial", "--database", &place.url()]);
    let totals = trial["assets"].as_array().unwrap().iter().map(|line| {
        assert_eq!(line["sum"], "0");
        json!({
            "asset": line["asset"], "accounts": line["accounts"], "debits": line["debits"], "credits": line["credits"],
        })
    });
    totals.collect()
}

/// A server on the restored database knows every entry, takes new ones, and settles all of them to the cent.
fn play_on(place: &Place, prices: &Prices, outcomes: &Outcomes, mut played: Vec<Bet>) {
    let server = setup(place, prices).manual_clock(SECOND_MS).start();
    let mut connection = Connection::open(server.base()).unwrap();
    for bet in played.iter().filter(|bet| bet.start_ms == SECOND_MS) {
        let heard = connection.join(bet);
        assert!(matches!(heard, Heard::Known), "{bet:?}: {heard:?}");
    }
    let bet = Bet { id: "after-the-restore".into(), ..played.last().unwrap().clone() };
    assert!(matches!(connection.join(&bet), Heard::Created));
    played.push(bet);
    server.move_clock(SECOND_MS + LENGTH_MS);
    let book = Book::of(place);
    book.check_sums_and_audit();
    book.snapshot().check_entries(&played);
    book.snapshot().check_settled(outcomes, SECOND_MS + LENGTH_MS);
}

#[test]
fn a_backup_of_an_embedded_database_under_load_goes_on_in_either_engine() {
    assert_holds_one_moment(Place::sqlite, Place::sqlite);
    assert_holds_one_moment(Place::sqlite, Place::postgres);
}

#[test]
fn a_backup_of_a_shared_database_under_load_goes_on_in_either_engine() {
    assert_holds_one_moment(Place::postgres, Place::postgres);
    assert_holds_one_moment(Place::postgres, Place::sqlite);
}
