//! Joins come back last (docs/spec/rounds.md R49).

use serde_json::json;

use crate::evidence::Evidence;
use crate::harness::{Join, START_MS, Tool};
use crate::scene::{END_MS, Scene, play};

const REASONS: &str = "SELECT actor || ' ' || reason FROM rounds_config WHERE key = 'pause_joins'";

#[test]
fn r49_joins_are_refused_by_command_and_by_http_while_a_due_round_waits_and_resume_when_none_does() {
    Scene::for_each_engine(|scene| {
        let server = scene.start();
        let tool = Tool::beside(&server);
        play(&server, "SOL", START_MS);
        server.switch("all", "on").expect(200);
        server.move_clock(END_MS);
        let refused = tool.run(&["ops", "resume", "joins", "--reason", "hope"]);
        assert_eq!((refused.status, &refused.json()["code"]), (1, &json!("rounds_pending")));
        assert_eq!(refused.json()["pendingDueRounds"], 1);
        assert_eq!(server.switch("joins", "off").expect_code(409), "rounds_pending");
        assert_eq!(server.status()["joinsPaused"], true);
        tool.json(&["ops", "resume", "sim-settlement"]);
        server.settle().expect(200);
        tool.json(&["ops", "resume", "joins", "--reason", "settled again"]);
        Join::new("back").round("SOL", START_MS + 360_000).accepted(&server);
    });
}

#[test]
fn r49_joins_are_refused_while_no_living_server_follows_the_settlement_job() {
    Scene::for_each_engine(|scene| {
        let server = scene.start();
        server.switch("joins", "on").expect(200);
        server.kill();
        let resume = |now_ms: i64, options: &[&str]| {
            let tool = Tool::of(&scene.setup().manual_clock(now_ms));
            tool.run(&[&["ops", "resume", "joins"], options].concat())
        };
        // Three missed heartbeats of 5 s.
        let refused = resume(START_MS + 15_001, &[]);
        assert_eq!((refused.status, &refused.json()["code"]), (1, &json!("worker_silent")));
        assert_eq!(refused.json()["silentMs"], 15_001);
        assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
        assert_eq!(resume(START_MS + 15_000, &[]).status, 0);

        let server = scene.setup().manual_clock(START_MS + 60_000).start();
        assert_eq!(server.switch("joins", "on").expect(200)["ok"], true);
        assert_eq!(server.switch("joins", "off").expect(200)["ok"], true, "a fresh server follows its jobs");
    });
}

#[test]
fn r49_whoever_forces_joins_says_why_and_the_log_keeps_it() {
    let scene = Scene::sqlite();
    let server = scene.start();
    let tool = Tool::beside(&server);
    play(&server, "SOL", START_MS);
    server.switch("all", "on").expect(200);
    server.move_clock(END_MS);
    let unexplained = tool.run(&["ops", "resume", "joins", "--force"]);
    assert_eq!(unexplained.status, 1);
    assert!(unexplained.stderr.contains("--reason"), "{}", unexplained.stderr);
    let forced = ["ops", "resume", "joins", "--force", "--reason", "feed is back", "--actor", "ann"];
    assert_eq!(tool.json(&forced)["state"], "running");
    assert_eq!(server.status()["joinsPaused"], false);
    assert_eq!(Evidence::of(&scene.place).column::<String>(REASONS, &[]), ["cli:ann feed is back"]);
    let changes = tool.json(&["audit", "list", "--actor", "cli:ann"]);
    assert!(changes.to_string().contains("feed is back"), "{changes}");
}
