//! The day's look and the alert channel (docs/spec/rounds.md section 6, rows R26a, R29, R50 to R52).

use serde_json::{Value, json};

use crate::harness::{Join, START_MS, Server, Tool, Webhook, wallet};
use crate::scene::{END_MS, Scene, play};

const HOUR_MS: i64 = 3_600_000;

/// What was counted is stored when a server ends in order; the look needs no server.
fn stop(server: Server) -> Tool {
    let tool = Tool::beside(&server);
    assert!(server.stop().success());
    tool
}

#[test]
fn r50_the_days_look_shows_how_many_rounds_settled_how_fast_and_what_was_refused() {
    Scene::for_each_engine(|scene| {
        scene.rises("SOL", START_MS);
        let server = scene.setup().env("PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT", "1").start();
        play(&server, "SOL", START_MS);
        assert_eq!(Join::new("too many").send(&server).status, 429);
        server.move_clock(END_MS);
        let answer = stop(server).env("BURSAR_CLOCK", &clock(END_MS)).json(&["ops", "daily"]);
        let settlement = &answer["settlement"];
        assert_eq!([&settlement["settled"], &settlement["voided"], &settlement["failedRuns"]], [1, 0, 0]);
        assert_eq!(settlement["lagUpToSeconds"], json!({"0.1": 1}));
        let (route, bucket) = ("/api/sim/entries", "sim-entries:wallet");
        let refusal = json!({"desk": "rounds", "route": route, "bucket": bucket, "calls": 1});
        assert_eq!(answer["rateLimited"], json!([refusal]));
        assert_eq!((&answer["joins"]["created"], &answer["totals"]["entries"]), (&json!(2), &json!(2)));
        assert_eq!(
            (&answer["health"]["status"], &answer["backup"]["lastAtMs"]),
            (&json!("ok"), &Value::Null)
        );
        let look_at = answer["lookAt"].to_string();
        assert!(look_at.contains("1 buckets refused calls") && look_at.contains("No backup"), "{look_at}");
    });
}

fn clock(now_ms: i64) -> String {
    format!("manual:{now_ms}")
}

#[test]
fn r29_the_look_back_covers_the_hours_asked_for_over_restarts() {
    Scene::for_each_engine(|scene| {
        let limited = scene.setup().env("PANCHO_RL_STATUS_IP_LIMIT", "2");
        for now_ms in [START_MS, START_MS + 20 * HOUR_MS] {
            let server = limited.clone().manual_clock(now_ms).start();
            (0..3).for_each(|_| _ = server.get("/api/status"));
            stop(server);
        }
        let tool = Tool::of(&scene.setup()).env("BURSAR_CLOCK", &clock(START_MS + 23 * HOUR_MS));
        let looked = |options: &[&str]| {
            let answer = tool.json(&[&["ops", "daily"], options].concat());
            let requests = &answer["requests"];
            assert!(requests["latencyUpToSeconds"]["p95"].is_string(), "{answer}");
            (requests["byStatus"].clone(), requests["successBps"].clone())
        };
        assert_eq!(looked(&[]), (json!({"200": 4, "429": 2}), json!(10_000)));
        assert_eq!(looked(&["--hours", "4"]), (json!({"200": 2, "429": 1}), json!(10_000)));
        assert_eq!(looked(&["--since", "3h"]).0, json!({"200": 2, "429": 1}));
        let first = "2023-11-14T22:14:00Z";
        assert_eq!(looked(&["--since", first, "--hours", "1"]).0, json!({"200": 2, "429": 1}));
        let none = tool.json(&["ops", "daily", "--since", "60m"]);
        assert_eq!(
            (&none["requests"]["answered"], &none["requests"]["successBps"]),
            (&json!(0), &Value::Null)
        );
    });
}

#[test]
fn r51_the_days_look_shows_refusals_by_route_and_kind_of_bucket() {
    let scene = Scene::sqlite();
    let limits =
        scene.setup().env("PANCHO_RL_STATUS_IP_LIMIT", "1").env("PANCHO_RL_SIM_RESULTS_IP_LIMIT", "1");
    let server = limits.start();
    (0..4).for_each(|_| _ = server.get("/api/status"));
    (0..3).for_each(|_| _ = server.get(&format!("/api/sim/results?wallet={}", wallet(1))));
    let answer = stop(server).json(&["ops", "daily"]);
    let line = |route: &str, bucket: &str, calls: i64| json!({"desk": "rounds", "route": route, "bucket": bucket, "calls": calls});
    let expected = [line("/api/sim/results", "sim-results:ip", 2), line("/api/status", "status:ip", 3)];
    assert_eq!(answer["rateLimited"], json!(expected));
}

#[test]
fn r52_the_days_look_lists_the_most_refused_wallets_and_names_those_that_stand_out() {
    Scene::for_each_engine(|scene| {
        let limits = scene.setup().env("PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT", "1");
        let server = limits.env("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "1000").start();
        for (player, calls) in [(1, 101), (2, 4), (3, 3), (4, 1)] {
            (0..calls)
                .for_each(|call| _ = Join::new(&format!("{player}-{call}")).wallet(player).send(&server));
        }
        let tool = stop(server);
        let answer = tool.json(&["ops", "daily", "--top", "2"]);
        let refused = |player, calls: i64| json!({"desk": "rounds", "wallet": wallet(player), "calls": calls, "codes": {"rate_limited": calls}});
        assert_eq!(answer["refusedWallets"], json!([refused(1, 100), refused(2, 3)]));
        let look_at = answer["lookAt"].to_string();
        assert!(look_at.contains(&format!("{} was refused 100 times", wallet(1))), "{look_at}");
        assert!(!look_at.contains(&wallet(2)), "{look_at}");
        let text = tool.run(&["ops", "daily", "--text"]).stdout;
        assert!(text.contains("From 2023-11-13 22:15 UTC to 2023-11-14 22:15 UTC\n"), "{text}");
        assert!(text.contains("Answers: 109, of them 100.00 % no fault of ours"), "{text}");
        assert!(text.contains("  /api/sim/entries sim-entries:wallet  105\n"), "{text}");
        assert!(text.contains(&format!("  {}  100: rate_limited 100\n", wallet(1))), "{text}");
    });
}

#[test]
fn the_days_look_is_exit_1_where_there_is_no_database_and_for_a_span_that_is_none() {
    let scene = Scene::sqlite();
    let tool = Tool::of(&scene.setup());
    let missing = tool.run(&["ops", "daily"]);
    assert_eq!((missing.status, &missing.json()["code"]), (1, &json!("no_database")));
    for options in [["--hours", "0"], ["--since", "yesterday"], ["--top", "0"]] {
        assert_eq!(tool.run(&[&["ops", "daily"][..], &options].concat()).status, 1, "{options:?}");
    }
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
