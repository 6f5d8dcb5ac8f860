//! Hard kills in the middle of settling (docs/spec/rounds.md C26, R54).

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::{Join, Place, Prices, START_MS, Server, Setup};
use crate::scene::{END_MS, MARKETS, ROUND, Scene, play, round_id};

/// Entries of each of the six rounds: together more than one transaction pays out.
const ENTRIES: u64 = 360;
/// How often a kill that came too late is tried again.
const TRIES: usize = 20;

/// Six rounds full of entries, and prices that let each second one rise.
fn fill(scene: &Scene) -> Server {
    let limits = ["PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT"];
    let setup = limits.iter().fold(scene.setup(), |setup, name| setup.env(name, "100000"));
    let server = setup.env("PANCHO_RL_SIM_RESULTS_IP_LIMIT", "100000").start();
    std::thread::scope(|threads| {
        for (index, market) in MARKETS.into_iter().enumerate() {
            let end = if index % 2 == 0 { 101 } else { 99 };
            scene.prices.set_round(market, START_MS, 100, end);
            let server = &server;
            threads.spawn(move || {
                for player in 1..=ENTRIES {
                    let join =
                        Join::new(&format!("{market}-{player}")).round(market, START_MS).wallet(player);
                    let bucks = [5, 10, 25, 50, 100, 250][usize::try_from(player % 6).unwrap()];
                    if player % 5 < 2 { join.down(bucks) } else { join.up(bucks) }.accepted(server);
                }
            });
        }
    });
    server
}

/// What the settlement came to: every balance, every settlement's figures, and how often each payout was made.
fn outcome(place: &Place) -> Vec<Vec<String>> {
    let evidence = Evidence::of(place);
    let paths: Vec<String> = evidence.column("SELECT path FROM ledger_account ORDER BY path", &[]);
    let balances = paths.iter().map(|path| format!("{path} {}", evidence.balance(path))).collect();
    let figures = "SELECT round_id || ' ' || state || ' ' || mode || ' ' || COALESCE(winner, -1) || ' ' || \
                   COALESCE(remainder_entry, -1) || ' ' || start_mantissa || ' ' || end_mantissa || ' ' || stakes \
                   FROM rounds_settlement JOIN rounds_pool USING (round_key) ORDER BY round_id";
    let transfers =
        "SELECT kind || ' for ' || cause FROM ledger_transfer WHERE kind > 100 ORDER BY kind, cause";
    vec![balances, evidence.column(figures, &[]), evidence.column(transfers, &[])]
}

/// Every payout was made once, and per round payouts and fee are what was staked.
fn assert_settled_once(server: &Server, place: &Place) {
    let mut transfers = outcome(place).remove(2);
    let made = transfers.len();
    transfers.dedup();
    assert_eq!(transfers.len(), made);
    let summary = server.ops("/api/ops/summary");
    let results: Vec<Value> = (1..=ENTRIES).map(|player| server.results(player)).collect();
    for market in MARKETS {
        let id = round_id(market, START_MS);
        let of_round = |list: &Value| -> Vec<Value> {
            list.as_array().unwrap().iter().filter(|item| item["roundId"] == id.as_str()).cloned().collect()
        };
        let entries: Vec<Value> = results.iter().flat_map(|result| of_round(&result["rounds"])).collect();
        let settlement = &of_round(&summary["recentSettlements"])[0];
        let sum = |field: &str| entries.iter().map(|entry| entry[field].as_i64().unwrap()).sum::<i64>();
        assert_eq!(u64::try_from(entries.len()).unwrap(), ENTRIES);
        assert_eq!(sum("payoutLamports") + settlement["feeCents"].as_i64().unwrap(), sum("stakeLamports"));
    }
}

fn copy_database(from: &Place, to: &Place) {
    for file in std::fs::read_dir(from.folder()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.folder().join(file.file_name())).unwrap();
    }
}

/// Starts settling on a copy of the database and kills the server as soon as a plan is frozen and not paid out.
/// `None` = everything was paid out before the kill.
fn kill_while_settling(filled: &Place, setup: &dyn Fn(&Place) -> Setup) -> Option<Place> {
    let place = Place::sqlite();
    copy_database(filled, &place);
    let server = setup(&place).start();
    let evidence = Evidence::of(&place);
    let address = server.base().trim_start_matches("http://").to_owned();
    let moving = std::thread::spawn(move || ask_to_move_clock(&address));
    let patience = Instant::now() + Duration::from_secs(10);
    while evidence.column::<i64>("SELECT round_key FROM rounds_pool WHERE state > 0", &[]).is_empty() {
        assert!(Instant::now() < patience, "nothing was settled");
    }
    server.kill();
    moving.join().unwrap();
    let settling = evidence.column::<i64>("SELECT round_key FROM rounds_pool WHERE state = 1", &[]);
    drop(evidence);
    (!settling.is_empty()).then_some(place)
}

/// Sends the move and does not mind that nobody answers.
fn ask_to_move_clock(address: &str) {
    use std::io::{Read, Write};
    let body = json!({"nowMs": END_MS}).to_string();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!("POST /dev/clock HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let _ = stream.read(&mut [0; 64]);
}

#[test]
fn example_c26_a_server_killed_while_it_settles_six_rounds_ends_as_an_undisturbed_one_does() {
    let scene = Scene::sqlite();
    let server = fill(&scene);
    let setup = server.setup().clone();
    assert!(server.stop().success());
    let elsewhere = |place: &Place| setup.clone().env("DATABASE_URL", &place.url());

    let undisturbed = Place::sqlite();
    copy_database(&scene.place, &undisturbed);
    let server = elsewhere(&undisturbed).start();
    server.move_clock(END_MS);
    assert_settled_once(&server, &undisturbed);

    let killed = (0..TRIES).find_map(|_| kill_while_settling(&scene.place, &elsewhere));
    let killed = killed.expect("a kill between plan and payout");
    let server = elsewhere(&killed).start();
    server.move_clock(END_MS);
    assert_settled_once(&server, &killed);
    assert_eq!(outcome(&killed), outcome(&undisturbed));
}
