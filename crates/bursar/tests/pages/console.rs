//! What the console shows to a signed-in operator.

use crate::evidence::Evidence;
use crate::harness::{Join, Place, Prices, START_MS, Setup};
use crate::operator::{Operator, words};

#[test]
fn the_overview_shows_rounds_prices_switches_and_settlements() {
    let (place, prices) = (Place::sqlite(), Prices::start());
    prices.set_round("SOL", START_MS, 100, 101);
    let server = Setup::rounds(&place).env("HERMES_URL", &prices.url()).start();
    let session = Operator::add(&server, "ann", "viewer").sign_in(&server);
    Join::new("a").up(10).accepted(&server);
    Join::new("b").down(25).wallet(2).accepted(&server);
    let page = words(&session.get("/console").text);
    assert!(page.contains("Desk ok Waiting to be settled 0"), "{page}");
    assert!(page.contains("open 1:00 UP 10 DOWN 25 2"), "{page}");
    assert!(page.contains("joins running sim-settlement running settle-api running"), "{page}");
    assert!(page.contains("Nothing was settled yet."), "{page}");
    server.move_clock(START_MS + 360_000);
    let page = words(&session.get("/console").text);
    assert!(page.contains("SOL 22:20:00 UP 100 101 2.10"), "{page}");
}

#[test]
fn a_settlement_is_shown_with_the_evidence_of_both_prices() {
    Place::for_each_engine(|place| {
        let prices = Prices::start();
        prices.set("SOL", 1_700_000_100, 14_907_377_194, -8);
        prices.set("SOL", 1_700_000_400, 1_480_330, -4);
        let server = Setup::rounds(place).env("HERMES_URL", &prices.url()).start();
        let session = Operator::add(&server, "ann", "viewer").sign_in(&server);
        Join::new("a").up(10).accepted(&server);
        Join::new("b").down(25).wallet(2).accepted(&server);
        Join::new("c").round("BTC", START_MS).up(5).wallet(3).accepted(&server);
        server.move_clock(START_MS + 360_000);
        let page = words(&session.get("/console/settlements").text);
        let confidences: Vec<i64> = Evidence::of(place)
            .column("SELECT start_confidence FROM rounds_settlement WHERE start_confidence IS NOT NULL", &[]);
        let expected = format!(
            "SOL-1700000040-5m 2023-11-14 22:20:00 DOWN 35.00 2.10 lock 22:15:00 22:15:00 14907377194 -8 {}",
            confidences[0]
        );
        assert!(page.contains(&expected), "{page}");
        assert!(page.contains("end 22:20:00 22:20:00 1480330 -4"), "{page}");
        assert!(
            page.contains(
                "BTC-1700000040-5m 2023-11-14 22:20:00 refund one sided 5.00 0.00 lock none was needed"
            ),
            "{page}"
        );
    });
}

#[test]
fn jobs_are_shown_with_their_holder_runs_and_failures() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("HERMES_URL", "http://127.0.0.1:9").start();
    let session = Operator::add(&server, "ann", "viewer").sign_in(&server);
    server.move_clock(START_MS + 600_000);
    let page = words(&session.get("/console/jobs").text);
    let runs: Vec<i64> =
        Evidence::of(&place).column("SELECT runs FROM job_runs WHERE name = 'ledger.zero_sum'", &[]);
    let (_, process) = page.split_once("made by process ").unwrap();
    let process = process.split(' ').next().unwrap();
    let row = format!(
        "ledger.zero_sum {process} 2023-11-14 22:20:00 2023-11-14 22:20:00 2023-11-14 22:25:00 0 {} 0",
        runs[0]
    );
    assert!(page.contains(&row), "{row} in {page}");
    for name in ["rounds.settle", "platform.purge", "platform.audit_outbox"] {
        assert!(page.contains(name), "{name} in {page}");
    }
}

#[test]
fn the_ledgers_sum_is_zero_for_every_asset() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).start();
        let session = Operator::add(&server, "ann", "viewer").sign_in(&server);
        Join::new("a").up(10).accepted(&server);
        Join::new("b").down(250).wallet(2).accepted(&server);
        let page = words(&session.get("/console/ledger").text);
        assert!(page.contains("as of 2023-11-14 22:14:00 UTC"), "{page}");
        assert!(page.contains("PB 4 260.00 260.00 0.00 zero"), "{page}");
    });
}

#[test]
fn without_the_rounds_desk_the_console_says_so() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("BURSAR_DESKS", "arena").start();
    let session = Operator::add(&server, "ann", "admin").sign_in(&server);
    for (path, text) in [
        ("/console", "The rounds desk is off."),
        ("/console/settlements", "The rounds desk is off."),
        ("/console/switches", "there is nothing to stop"),
        ("/console/ledger", "its sum is zero"),
    ] {
        let page = session.get(path);
        assert!(page.status == 200 && words(&page.text).contains(text), "{path}: {}", page.text);
    }
    assert_eq!(session.change("stop", "joins", "drill", &[]).status, 404);
}
