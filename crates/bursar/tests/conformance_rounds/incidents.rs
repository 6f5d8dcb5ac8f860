//! Incidents on a live server: what is overdue reaches the alert channel and the metrics.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Server, Tool, Webhook};
use crate::scene::Scene;

const MINUTE_MS: i64 = 60_000;

/// A figure of the metrics, which follow the rules every two seconds.
fn wait_for(server: &Server, series: &str, value: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    let line = format!("{series} {value}");
    while !server.get("/metrics").text.lines().any(|one| one == line) {
        assert!(Instant::now() < until, "no {line}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_incident_that_nobody_takes_care_of_is_told_at_15_minutes_and_until_somebody_does() {
    Scene::for_each_engine(|scene| {
        let webhook = Webhook::start();
        let server = scene.setup().env("AUDIT_WEBHOOK_URL", &webhook.url()).start();
        let tool = Tool::beside(&server);
        let start_ms = server.now_ms();
        tool.json(&["ops", "incident", "open", "P1", "Feed is down", "--tell", "Prices are late."]);
        wait_for(&server, "bursar_incidents_open{class=\"P1\"}", "1");
        server.move_clock(start_ms + 15 * MINUTE_MS - 1);
        wait_for(&server, "bursar_alert_value{rule=\"incident_respond\"}", "0");
        server.move_clock(start_ms + 15 * MINUTE_MS);
        let told = webhook.wait_for_event("ops.incident_unanswered").json();
        assert_eq!(
            (&told["level"], &told["payload"]["incidents"][0]["incident"]),
            (&json!("ERROR"), &json!(1))
        );
        wait_for(&server, "bursar_incident_overdue{timer=\"respond\"}", "1");
        tool.json(&["ops", "incident", "acknowledge", "1"]);
        wait_for(&server, "bursar_incident_overdue{timer=\"respond\"}", "0");
        wait_for(&server, "bursar_incident_overdue{timer=\"communicate\"}", "0");
    });
}

#[test]
fn the_limits_are_live_settings_of_the_platform_with_variables_of_their_own() {
    let scene = Scene::sqlite();
    let server = scene.setup().env("BURSAR_INCIDENT_RESPOND_MINUTES", "2").start();
    let tool = Tool::beside(&server);
    let start_ms = server.now_ms();
    tool.json(&["ops", "incident", "open", "P1", "Feed is down"]);
    let due = tool.json(&["ops", "incident", "show", "1"])["incident"]["timers"][0].clone();
    assert_eq!(due["dueAtMs"], start_ms + 2 * MINUTE_MS);
}
