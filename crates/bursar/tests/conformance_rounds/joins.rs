//! Which joins are accepted (docs/spec/rounds.md 4.1).

use serde_json::{Value, json};

use crate::harness::{Answer, Join, START_MS, feed_id};
use crate::scene::{LOCK_MS, ROUND, Scene};

#[test]
fn example_c13_the_window_is_open_from_the_start_up_to_the_last_millisecond_before_the_lock() {
    Scene::for_each_engine(|scene| {
        let server = scene.setup().manual_clock(START_MS - 1).start();
        let join = |id: &str| Join::new(id).send(&server);
        assert_eq!(join("early").expect_code(400), "outside_open_window");
        server.move_clock(START_MS);
        join("first").expect(200);
        server.move_clock(LOCK_MS - 1);
        join("last").expect(200);
        server.move_clock(LOCK_MS);
        assert_eq!(join("late").expect_code(400), "outside_open_window");
        assert_eq!(server.pool(ROUND)["entries"], 2);
    });
}

#[test]
fn example_c16_what_is_not_exactly_a_join_is_refused_with_400() {
    Scene::for_each_engine(|scene| {
        let server = scene.start();
        let with =
            |field: &str, value: Value| Join::new("a").with(field, value).send(&server).expect_code(400);
        assert_eq!(with("id", "x".repeat(129).into()), "invalid_payload");
        assert_eq!(with("stakeBucks", 20.into()), "invalid_stake_tier");
        assert_eq!(with("stakeBucks", "10".into()), "invalid_payload");
        assert_eq!(with("direction", "up".into()), "invalid_direction");
        assert_eq!(with("market", "sol".into()), "invalid_market");
        assert_eq!(with("feedId", feed_id("BTC").into()), "market_feed_mismatch");
        assert_eq!(server.pool(ROUND)["entries"], 0);
        Join::new(&"x".repeat(128)).accepted(&server);
        assert_eq!(server.pool(ROUND)["entries"], 1);
    });
}

#[test]
fn example_c17_one_id_sent_100_times_at_once_makes_one_entry_and_other_content_is_409() {
    Scene::for_each_engine(|scene| {
        let server = scene.start();
        let answers: Vec<Answer> = std::thread::scope(|threads| {
            let callers: Vec<_> = (0..100).map(|_| threads.spawn(|| Join::new("a").send(&server))).collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        let said = |created: bool| {
            answers
                .iter()
                .filter(|answer| answer.expect(200) == json!({"ok": true, "created": created}))
                .count()
        };
        assert_eq!((said(true), said(false)), (1, 99));
        assert_eq!(Join::new("a").up(25).send(&server).expect_code(409), "entry_id_conflict");
        let canary = json!({"totalBucks": 0, "upBucks": 0, "downBucks": 0, "players": 0, "entries": 0});
        let pool = json!({"roundId": ROUND, "market": "SOL", "totalBucks": 10, "upBucks": 10, "downBucks": 0,
                          "players": 1, "entries": 1, "canary": canary});
        assert_eq!(server.pool(ROUND), pool);
    });
}

#[test]
fn r6_joins_pass_by_default_turn_503_once_paused_and_pass_again_once_resumed() {
    Scene::for_each_engine(|scene| {
        let server = scene.start();
        Join::new("a").accepted(&server);
        server.switch("joins", "on").expect(200);
        assert_eq!(Join::new("b").send(&server).expect_code(503), "joins_paused");
        server.switch("joins", "off").expect(200);
        Join::new("b").accepted(&server);
        drop(server);

        let server = scene.setup().env("PANCHO_PAUSE_JOINS", "on").start();
        assert_eq!(Join::new("c").send(&server).expect_code(503), "joins_paused");
        drop(server);
        let server = scene.setup().env("PANCHO_PAUSE_JOINS", "off").start();
        Join::new("c").accepted(&server);
        assert_eq!(server.pool(ROUND)["entries"], 3);
    });
}
