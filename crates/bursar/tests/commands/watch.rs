//! Watching the desk, from the database and over HTTP (docs/spec/rounds.md R38, R39, R56 and section 6).

use bursar_store::EngineKind;
use serde_json::{Value, json};

use crate::scene::{Scene, on_each_engine, parse};
use crate::stub::Stub;
use crate::switches::open_due_round;

const HEALTHY: &str = r#"{"ok":true,"status":"ok","totals":{"pendingDueRounds":0}}"#;
const DEGRADED: &str = r#"{"ok":false,"status":"degraded","totals":{"pendingDueRounds":3},
                           "settlement":{"maxSettlementLagMs":5000}}"#;

fn scene() -> Scene {
    Scene::on(EngineKind::Sqlite)
}

#[test]
fn r38_the_exit_of_health_tells_whether_due_rounds_wait() {
    on_each_engine(|scene| {
        let answer = scene.yes("ops health");
        assert_eq!((&answer["statusCode"], &answer["base"]), (&Value::Null, &Value::Null));
        assert_eq!(answer["health"]["status"], "ok");
        open_due_round(scene);
        let (answer, why) = scene.no("ops:health");
        assert_eq!(answer["health"]["totals"]["pendingDueRounds"], 1);
        assert!(why.starts_with("Degraded: 1 rounds"), "{why}");
    });
}

#[test]
fn r39_status_and_summary_are_read_straight_from_the_database() {
    on_each_engine(|scene| {
        scene.yes("ops resume all");
        let settled = || scene.yes("ops status")["status"].clone();
        assert_eq!(settled()["status"], "ok");
        open_due_round(scene);
        assert_eq!((&settled()["status"], &settled()["pendingDueRounds"]), (&json!("degraded"), &json!(1)));
        scene.yes("ops pause joins");
        assert_eq!((&settled()["status"], &settled()["joinsPaused"]), (&json!("paused"), &json!(true)));
        let summary = scene.yes("ops summary")["summary"].clone();
        assert_eq!(summary["totals"]["pendingDueRounds"], 1);
        assert_eq!((&summary["marketBreakdown"], &summary["recentSettlements"]), (&json!({}), &json!([])));
    });
}

#[test]
fn r56_with_a_base_the_running_server_is_asked_with_the_key() {
    let scene = scene();
    let stub = Stub::answering(&[(200, HEALTHY)]);
    let line = format!("ops health --base {}/", stub.base);
    let answer = scene.run_with(&[("OPS_API_KEY", "sesame")], &line).unwrap();
    let expected = json!({"ok": true, "statusCode": 200, "base": stub.base,
                          "health": {"ok": true, "status": "ok", "totals": {"pendingDueRounds": 0}}});
    assert_eq!(answer, expected);
    let asked = stub.asked();
    assert!(asked.starts_with("GET /api/ops/health HTTP/1.1"), "{asked}");
    assert!(asked.contains("x-ops-key: sesame"), "{asked}");
}

#[test]
fn r38_health_fails_when_degraded_refused_or_unreachable() {
    let scene = scene();
    let stub =
        Stub::answering(&[(200, DEGRADED), (401, r#"{"code":"unauthorized"}"#), (500, "{}"), (200, "hello")]);
    let ask = || scene.no(&format!("ops health --base {}", stub.base));
    let (answer, why) = ask();
    assert_eq!((&answer["statusCode"], &answer["health"]["status"]), (&json!(200), &json!("degraded")));
    assert!(why.contains("3 rounds") && why.contains("5000 ms"), "{why}");
    let (answer, why) = ask();
    assert_eq!((&answer["statusCode"], &answer["health"]["code"]), (&json!(401), &json!("unauthorized")));
    assert!(why.contains("OPS_API_KEY"), "{why}");
    assert_eq!(ask().0["statusCode"], 500);
    assert_eq!(ask().0["health"], Value::Null);

    let (answer, why) = scene.no("ops health --base http://127.0.0.1:1");
    assert_eq!((&answer["statusCode"], &answer["base"]), (&Value::Null, &json!("http://127.0.0.1:1")));
    assert!(why.contains("does not answer"), "{why}");
}

#[test]
fn a_redirect_is_not_followed_so_that_the_key_goes_to_nobody_else() {
    let scene = scene();
    let stub = Stub::answering(&[(302, ""), (200, HEALTHY)]);
    let line = format!("ops health --base {}", stub.base);
    assert_eq!(scene.no_with(&[("OPS_API_KEY", "sesame")], &line).0["statusCode"], 302);
}

#[test]
fn the_public_status_is_asked_without_the_key() {
    let scene = scene();
    let stub = Stub::answering(&[(200, r#"{"status":"paused"}"#)]);
    let variables = [("OPS_API_KEY", "sesame"), ("OPS_BASE", stub.base.as_str())];
    let answer = scene.run_with(&variables, "ops status").unwrap();
    assert_eq!((&answer["ok"], &answer["status"]["status"]), (&json!(true), &json!("paused")));
    assert!(!stub.asked().contains("sesame"));
}

#[test]
fn ops_base_names_the_server_unless_a_database_is_named() {
    let scene = scene();
    let stub = Stub::answering(&[(200, HEALTHY)]);
    let base = [("OPS_BASE", stub.base.as_str())];
    assert_eq!(scene.run_with(&base, "ops health").unwrap()["base"], stub.base);
    let line = format!("ops health --database {}", scene.url());
    assert_eq!(scene.run_with(&base, &line).unwrap()["base"], Value::Null);
    assert!(parse("ops health --base http://x --database sqlite:y").is_err());
}

#[test]
fn a_summary_lists_10_to_120_settlements_and_40_when_nobody_says() {
    let scene = scene();
    let limit = |variables: &[(&str, &str)], option: &str| {
        let stub = Stub::answering(&[(200, "{}")]);
        scene.run_with(variables, &format!("ops summary --base {} {option}", stub.base)).unwrap();
        stub.asked().lines().next().unwrap().to_owned()
    };
    let asked = |limit: &str| format!("GET /api/ops/summary?limit={limit} HTTP/1.1");
    assert_eq!(limit(&[], ""), asked("40"));
    assert_eq!(limit(&[], "--limit 9"), asked("10"));
    assert_eq!(limit(&[], "--limit 121"), asked("120"));
    assert_eq!(limit(&[("OPS_SUMMARY_LIMIT", "55")], ""), asked("55"));
    assert_eq!(limit(&[("OPS_SUMMARY_LIMIT", "55")], "--limit 11"), asked("11"));
}
