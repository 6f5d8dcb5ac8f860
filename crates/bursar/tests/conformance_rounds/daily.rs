//! The day's look and the alert channel (docs/spec/rounds.md section 6, rows R26a, R50, R51).

use serde_json::{Value, json};

use crate::harness::{Join, START_MS, Server, Tool, Webhook};
use crate::scene::{END_MS, Scene, play};

#[test]
fn r50_the_days_look_shows_how_many_rounds_settled_how_fast_and_what_was_refused() {
    Scene::for_each_engine(|scene| {
        scene.rises("SOL", START_MS);
        let server = scene.setup().env("PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT", "1").start();
        play(&server, "SOL", START_MS);
        assert_eq!(Join::new("too many").send(&server).status, 429);
        server.move_clock(END_MS);
        let answer = Tool::beside(&server).json(&["ops", "daily"]);
        let settlement = &answer["settlement"];
        assert_eq!([&settlement["settled"], &settlement["voided"], &settlement["failedRuns"]], [1, 0, 0]);
        assert_eq!(
            (&settlement["withinSeconds"]["0.1"], &settlement["withinSeconds"]["3"]),
            (&json!(1), &json!(1))
        );
        let refusal = json!({"route": "/api/sim/entries", "bucket": "sim-entries:wallet", "count": 1});
        assert_eq!(answer["refusals"], json!([refusal]));
        assert_eq!((&answer["joins"]["created"], &answer["totals"]["entries"]), (&json!(2), &json!(2)));
        assert_eq!((&answer["countedSinceMs"], &answer["uptimeMs"]), (&json!(START_MS), &json!(360_000)));
        let look_at = answer["lookAt"].to_string();
        assert!(look_at.contains("1 buckets refused calls") && look_at.contains("No backup"), "{look_at}");
    });
}

#[test]
fn the_days_look_is_exit_1_when_the_server_does_not_tell() {
    let scene = Scene::sqlite();
    let server = scene.setup().env("METRICS_TOKEN", "metrics-token-of-the-tests-0123456").start();
    assert_eq!(Tool::beside(&server).run(&["ops", "daily"]).status, 0);
    let wrong = Tool::beside(&server).env("METRICS_TOKEN", "another-token-of-the-tests-0123456");
    let refused = wrong.run(&["ops", "daily"]);
    assert_eq!((refused.status, &refused.json()["path"]), (1, &json!("/metrics")));
    assert!(!refused.stderr.contains("another-token"), "{}", refused.stderr);
}

fn problems(server: &Server, tool: &Tool) -> (i32, Value) {
    let output = tool.run(&["ops", "alert"]);
    assert_eq!(output.json()["base"], server.base());
    (output.status, output.json()["problems"].clone())
}

#[test]
fn the_alert_command_names_each_problem_and_tells_the_webhook() {
    let scene = Scene::sqlite();
    let server = scene.start();
    let webhook = Webhook::start();
    let tool = Tool::beside(&server).env("OPS_ALERT_WEBHOOK_URL", &webhook.url());
    assert_eq!(problems(&server, &tool), (0, json!([])));
    assert_eq!(webhook.received().len(), 0);
    server.switch("sim-settlement", "on").expect(200);
    for market in ["SOL", "BTC", "ETH", "XRP"] {
        Join::new(market).round(market, START_MS).accepted(&server);
    }
    server.move_clock(END_MS + 180_001);
    let all = json!(["health_not_ok", "pending_due_rounds_threshold", "settlement_lag_threshold"]);
    assert_eq!(problems(&server, &tool), (1, all.clone()));
    assert_eq!((webhook.received().len(), &webhook.received()[0].json()["problems"]), (1, &all));
    let bounds = [("OPS_ALERT_PENDING_ROUNDS", "4"), ("OPS_ALERT_MAX_LAG_MS", "180001")];
    let patient = bounds.iter().fold(tool.clone(), |tool, (name, value)| tool.env(name, value));
    assert_eq!(
        problems(&server, &patient),
        (1, json!(["health_not_ok"])),
        "the bounds themselves are no problem"
    );
    let refused = tool.env("OPS_API_KEY", "another-key-0123456789-0123456789");
    assert_eq!(problems(&server, &refused), (1, json!(["ops_health_http_401"])));
}

#[test]
fn r26a_a_test_alert_takes_the_way_of_real_ones_and_is_waited_for() {
    Scene::for_each_engine(|scene| {
        let webhook = Webhook::start();
        let server = scene.setup().env("AUDIT_WEBHOOK_URL", &webhook.url()).start();
        let answer = Tool::beside(&server).json(&["ops", "alert", "--test", "--actor", "ann"]);
        assert_eq!((&answer["state"], &answer["name"]), (&json!("delivered"), &json!("ops.alert_test")));
        let delivered = webhook.wait_for_event("ops.alert_test").json();
        assert_eq!((&delivered["level"], &delivered["id"]), (&json!("WARN"), &answer["event"]));
        assert_eq!(delivered["payload"]["actor"], "cli:ann");
    });
}

#[test]
fn r26a_a_test_alert_that_nobody_receives_is_exit_1() {
    let scene = Scene::sqlite();
    let webhook = Webhook::start();
    webhook.answer_with(500);
    let server = scene.setup().env("AUDIT_WEBHOOK_URL", &webhook.url()).start();
    let output = Tool::beside(&server).run(&["ops", "alert", "--test"]);
    assert_eq!((output.status, &output.json()["state"]), (1, &json!("waiting")));
    assert!(output.stderr.contains("did not take it"), "{output:?}");
}
