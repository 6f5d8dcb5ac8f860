//! The price route: its limit, its cache, and what it shows while the feed fails (docs/spec/rounds.md 3.2, 4.8).

use bursar_devnet::prices::{Failing, Faults};
use serde_json::json;

use crate::harness::{Answer, Place, START_MS, Server, feed_id};
use crate::scene::Scene;

fn price(server: &Server) -> Answer {
    server.get("/api/oracle")
}

/// Status, price, and whether it is marked as an old one.
fn shown(server: &Server) -> (u16, i64, bool) {
    let answer = price(server);
    let is_stale = answer.header("x-pancho-oracle-stale") == Some("1");
    assert_eq!(answer.json()["warning"].is_string(), is_stale);
    (answer.status, answer.json()["price"].as_i64().unwrap_or(-1), is_stale)
}

fn failing(status: u16) -> Faults {
    Faults { fail: Some(Failing { status, requests: u32::MAX }), ..Faults::default() }
}

/// A server that has shown the price 100 at [`START_MS`], before the feed goes wrong.
fn with_a_price(scene: &Scene, faults: Faults) -> Server {
    let server = scene.setup().env("PANCHO_RL_ORACLE_IP_LIMIT", "1000").start();
    assert_eq!(shown(&server), (200, 100, false));
    scene.prices.set_faults(faults);
    server
}

#[test]
fn r13_price_reads_of_an_address_follow_their_limit_and_window_settings() {
    let scene = Scene::sqlite();
    let setup = scene.setup().env("PANCHO_RL_ORACLE_IP_LIMIT", "3");
    let server = setup.env("PANCHO_RL_ORACLE_IP_WINDOW_MS", "2000").start();
    (1..=3).for_each(|_| _ = price(&server).expect(200));
    let limited = price(&server);
    assert_eq!(limited.expect(429)["retryAfterSec"], 2);
    assert_eq!(limited.header("retry-after"), Some("2"));
    server.move_clock(START_MS + 1_999);
    assert_eq!(price(&server).expect(429)["retryAfterSec"], 1);
    server.move_clock(START_MS + 2_000);
    price(&server).expect(200);
}

#[test]
fn a_price_is_told_with_the_fields_of_the_original_and_kept_by_nobody_else() {
    let scene = Scene::sqlite();
    let server = scene.start();
    server.move_clock(START_MS + 5_000);
    scene.prices.feed().set_now(START_MS / 1_000);
    let answer = server.get("/api/oracle?market=btc");
    let expected = json!({
        "market": "BTC", "asset": "BTC/USD", "source": "Pyth Hermes", "feedId": feed_id("BTC"), "price": 100,
        "confidence": 0, "publishTime": START_MS / 1_000, "devnetSlot": 0, "devnetEndpoint": "",
        "fetchedAt": "2023-11-14T22:14:05Z",
    });
    assert_eq!(answer.expect(200), expected);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(server.get("/api/oracle").expect(200)["market"], "SOL");
    assert_eq!(server.get("/api/oracle?market=DOGE").status, 400);
}

#[test]
fn a_price_is_reused_for_ten_seconds() {
    let scene = Scene::sqlite();
    let server = with_a_price(&scene, Faults::default());
    let asked = || scene.prices.feed().request_count();
    server.move_clock(START_MS + 10_000);
    assert_eq!((shown(&server), asked()), ((200, 100, false), 1));
    server.move_clock(START_MS + 10_001);
    assert_eq!((shown(&server), asked()), ((200, 100, false), 2));
}

#[test]
fn while_the_feed_limits_our_rate_a_price_is_good_for_180_s_and_marked_until_600_s() {
    let scene = Scene::sqlite();
    let server = with_a_price(&scene, failing(429));
    for (second, expected) in [(60, (200, 100, false)), (180, (200, 100, false)), (181, (200, 100, true))] {
        server.move_clock(START_MS + second * 1_000);
        assert_eq!(shown(&server), expected, "{second} s");
    }
    server.move_clock(START_MS + 600_000);
    assert_eq!(shown(&server), (200, 100, true));
    server.move_clock(START_MS + 600_001);
    assert_eq!(price(&server).expect_code(503), "price_unavailable");
}

#[test]
fn whatever_else_the_feed_does_wrong_a_price_is_marked_until_600_s_and_then_there_is_none() {
    let healthy = Faults::default;
    let wrong = [failing(500), Faults { wrong_id: true, ..healthy() }, Faults { silent: true, ..healthy() }];
    for faults in wrong {
        let scene = Scene::sqlite();
        let server = with_a_price(&scene, faults);
        server.move_clock(START_MS + 600_000);
        assert_eq!(shown(&server), (200, 100, true));
        server.move_clock(START_MS + 600_001);
        assert_eq!(price(&server).expect_code(503), "price_unavailable");
        scene.prices.set_faults(healthy());
        assert_eq!(shown(&server), (200, 100, false));
    }
}

#[test]
fn readers_of_a_silent_feed_wait_for_one_question_together_and_keep_nobody_else_waiting() {
    let scene = Scene::sqlite();
    let server = scene.start();
    scene.prices.set_faults(Faults { silent: true, ..Faults::default() });
    std::thread::scope(|threads| {
        let readers: Vec<_> = (0..20).map(|_| threads.spawn(|| price(&server).status)).collect();
        while scene.prices.feed().request_count() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(server.get("/api/status").status, 200);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() == 503));
    });
    // Those who came before the first question ended share it; a straggler may have asked a second one.
    assert!(scene.prices.feed().request_count() <= 2, "{}", scene.prices.feed().request_count());
}

#[test]
fn when_calls_cannot_be_counted_the_last_price_is_shown_as_an_old_one() {
    let scene = Scene { place: Place::postgres(), prices: crate::harness::Prices::start() };
    let server = with_a_price(&scene, Faults::default());
    scene.place.psql().batch_execute("ALTER TABLE web_rate_windows RENAME TO web_rate_gone").unwrap();
    assert_eq!(shown(&server), (200, 100, true));
    assert_eq!(server.get("/api/oracle?market=BTC").status, 500);
    assert_eq!(server.get("/api/sim/pool?roundId=x").status, 500);
    let status = server.get("/api/status").expect(200);
    assert_eq!((&status["status"], &status["pendingDueRounds"]), (&json!("degraded"), &json!(-1)));
}
