//! Joins marked by the operators' key, over HTTP (docs/spec/rounds.md 4.1, 4.2, 4.11).

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::{Answer, Join, START_MS, Server};
use crate::scene::{END_MS, OPS_KEY, ROUND, SETTLE_KEY, Scene};

fn send(server: &Server, join: &Join, key: &str) -> Answer {
    server.post_with("/api/sim/entries", &[("x-canary-key", key)], &join.body.to_string())
}

fn canary(server: &Server, join: &Join) {
    assert_eq!(send(server, join, OPS_KEY).expect(200), json!({"ok": true, "created": true}));
}

fn figures([total, up, down, players, entries]: [i64; 5]) -> Value {
    json!({"totalBucks": total, "upBucks": up, "downBucks": down, "players": players, "entries": entries})
}

#[test]
fn the_operators_key_marks_a_join_and_pool_and_summary_show_the_canaries_part() {
    Scene::for_each_engine(|scene| {
        scene.rises("SOL", START_MS);
        let server = scene.start();
        Join::new("player").wallet(1).up(100).accepted(&server);
        canary(&server, &Join::new("canary-up").wallet(2).up(10));
        canary(&server, &Join::new("canary-down").wallet(3).down(25));
        let mut stats = figures([135, 110, 25, 3, 3]);
        stats["roundId"] = ROUND.into();
        stats["market"] = "SOL".into();
        stats["canary"] = figures([35, 10, 25, 2, 2]);
        assert_eq!(server.pool(ROUND), stats);
        let summary = server.ops("/api/ops/summary");
        assert_eq!(summary["totals"]["entries"], 3);
        assert_eq!(summary["marketBreakdown"], json!({"SOL": {"entries": 3, "stakeBucks": 135}}));
        let markets = json!({"SOL": {"entries": 2, "stakeBucks": 35}});
        assert_eq!(summary["canary"], json!({"entries": 2, "stakeBucks": 35, "marketBreakdown": markets}));
        server.move_clock(END_MS);
        // Pool 13500, fee 810: the canary with 10 of 110 on the winning side gets its share and the odd cent.
        assert_eq!(server.outcome(2), ("WIN".to_owned(), 1_154));
        assert_eq!(server.outcome(1), ("WIN".to_owned(), 11_536));
        assert_eq!(Evidence::of(&scene.place).balance("rounds/treasury"), 810);
    });
}

#[test]
fn another_key_is_refused_rather_than_taken_for_a_player_and_an_unset_key_marks_nothing() {
    let scene = Scene::sqlite();
    let server = scene.start();
    let join = Join::new("canary");
    for key in ["wrong", "", SETTLE_KEY] {
        assert_eq!(send(&server, &join, key).expect_code(401), "unauthorized");
    }
    assert_eq!(server.pool(ROUND)["entries"], 0);
    assert_eq!(Evidence::of(&scene.place).events("join.unauthorized").len(), 3);
    drop(server);
    let server = scene.setup().without("OPS_API_KEY").start();
    assert_eq!(send(&server, &join, "").expect_code(401), "unauthorized");
    join.accepted(&server);
    assert_eq!(server.pool(ROUND)["canary"]["entries"], 0);
}
