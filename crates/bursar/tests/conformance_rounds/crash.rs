//! Hard kills in the middle of settling (docs/spec/rounds.md C26, R54).

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::evidence::Evidence;
use crate::harness::{Join, Place, START_MS, Server};
use crate::scene::{END_MS, MARKETS, ROUND, Scene, play, round_id};

/// The two transactions of settling, each before its commit and after it.
const PLACES: [&str; 4] =
    ["rounds.freeze.commit", "rounds.freeze.committed", "rounds.post.commit", "rounds.post.committed"];
/// The longest wait for a server to reach a place. Real time.
const PATIENCE: Duration = Duration::from_secs(20);

/// Six rounds of five entries each, the first four of one pool as odd as stakes allow.
fn fill(scene: &Scene) -> Server {
    let server = scene.setup().env("BURSAR_FAILPOINTS", scene.place.folder().to_str().unwrap()).start();
    for (index, market) in MARKETS.into_iter().enumerate() {
        scene.prices.set_round(market, START_MS, 100, if index % 2 == 0 { 101 } else { 99 });
        let bets = [("UP", 25), ("UP", 10), ("DOWN", 100), ("DOWN", 5), ("UP", 5)];
        for (player, (direction, bucks)) in (1..).zip(bets) {
            let join = Join::new(&format!("{market}-{player}")).round(market, START_MS).wallet(player);
            join.with("direction", direction).with("stakeBucks", bucks).accepted(&server);
        }
    }
    server
}

/// Moves the clock to the end of the rounds and kills the server when it stands at `place`.
fn kill_at(place: &str, server: Server, folder: &Path) {
    std::fs::write(folder.join(place), "").unwrap();
    let body = json!({"nowMs": END_MS}).to_string();
    let head = format!("POST /dev/clock HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut stream = TcpStream::connect(server.base().trim_start_matches("http://")).unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let held = folder.join(format!("{place}.held"));
    let patience = Instant::now() + PATIENCE;
    while !held.exists() {
        assert!(Instant::now() < patience, "the server does not come to {place}");
        std::thread::yield_now();
    }
    server.kill();
    std::fs::remove_file(held).unwrap();
}

/// What settling came to: every balance, every settlement, every payout with the entry it was made for.
fn outcome(place: &Place) -> Vec<String> {
    let evidence = Evidence::of(place);
    let paths: Vec<String> = evidence.column("SELECT path FROM ledger_account ORDER BY path", &[]);
    let balances = paths.iter().map(|path| format!("{path} {}", evidence.balance(path)));
    let payouts =
        "SELECT kind || ' for ' || cause FROM ledger_transfer WHERE kind > 100 ORDER BY kind, cause";
    let rows = evidence.domain();
    let settlements = rows.into_iter().filter(|row| row.starts_with("rounds_settlement "));
    balances.chain(evidence.column(payouts, &[])).chain(settlements).collect()
}

/// Per round: five payouts or none, and payouts and fee are the pool of 145 bucks.
#[track_caller]
fn assert_exact(server: &Server) {
    let summary = server.ops("/api/ops/summary");
    let fees = summary["recentSettlements"].as_array().unwrap();
    assert_eq!(fees.len(), 6);
    let results: Vec<_> = (1..=5).map(|player| server.results(player)).collect();
    for market in MARKETS {
        let id = round_id(market, START_MS);
        let fee = fees.iter().find(|fee| fee["roundId"] == id.as_str()).unwrap();
        let entries = results.iter().flat_map(|results| results["rounds"].as_array().unwrap());
        let entries = entries.filter(|entry| entry["roundId"] == id.as_str());
        let paid: i64 = entries.map(|entry| entry["payoutLamports"].as_i64().unwrap()).sum();
        assert_eq!((paid + fee["feeCents"].as_i64().unwrap(), &fee["feeCents"]), (14_500, &json!(870)));
    }
    assert_eq!(server.settle().expect(200)["checked"], 0);
}

/// Kills a server at each of `places` and compares what came of it with an undisturbed run.
fn assert_kills_do_not_matter(engine: fn() -> Place, places: &[&str]) {
    let scene = || Scene { place: engine(), ..Scene::sqlite() };
    let undisturbed = scene();
    let server = fill(&undisturbed);
    server.move_clock(END_MS);
    assert_exact(&server);
    let expected = outcome(&undisturbed.place);
    for place in places {
        let killed = scene();
        let server = fill(&killed);
        let setup = server.setup().clone();
        kill_at(place, server, killed.place.folder());
        let server = setup.start();
        server.settle().expect(200);
        assert_exact(&server);
        assert_eq!(outcome(&killed.place), expected, "killed at {place}");
    }
}

#[test]
fn example_c26_a_server_killed_while_it_settles_six_rounds_ends_as_an_undisturbed_one_does() {
    assert_kills_do_not_matter(Place::sqlite, &PLACES);
}

#[test]
fn example_c26_on_postgresql_a_kill_between_plan_and_payout_changes_nothing_either() {
    assert_kills_do_not_matter(Place::postgres, &["rounds.post.commit"]);
}

#[test]
fn r54_after_a_hard_kill_and_a_restart_due_rounds_settle_within_one_interval_by_themselves() {
    let scene = Scene::sqlite();
    scene.rises("SOL", START_MS);
    let server = scene.start();
    play(&server, "SOL", START_MS);
    server.kill();
    let restarted_at = END_MS + 60_001;
    let server = scene.setup().manual_clock(restarted_at).start();
    assert_eq!(server.outcome(1).0, "PENDING");
    server.move_clock(restarted_at + 5_000);
    let entry = &server.results(1)["rounds"][0];
    assert_eq!((&entry["roundId"], &entry["status"]), (&json!(ROUND), &json!("WIN")));
    let lag_ms = entry["settlement"]["settledAtMs"].as_i64().unwrap() - restarted_at;
    assert!((0..=5_000).contains(&lag_ms), "{lag_ms} ms");
}
