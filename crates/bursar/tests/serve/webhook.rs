//! Audit events that leave by webhook: signed, at least once, and never in the way of a request.

use bursar_audit::sign;
use bursar_store::Timestamp;
use serde_json::json;

use crate::harness::{Place, Setup, Webhook};

const SECRET: &str = "webhook-secret";

#[test]
fn x3_a_refused_key_is_told_with_a_signature_over_the_body() {
    Place::for_each_engine(|place| {
        let webhook = Webhook::start();
        let setup = Setup::rounds(place).env("SIM_SETTLE_API_KEY", "key");
        let setup = setup.env("AUDIT_WEBHOOK_URL", &webhook.url()).env("AUDIT_WEBHOOK_SECRET", SECRET);
        let server = setup.start();
        assert_eq!(server.post_with("/api/sim/settle", &[("x-sim-settle-key", "wrong")], "").status, 401);
        let delivered = webhook.wait_for_event("sim_settle.unauthorized");
        let body = delivered.json();
        assert_eq!((&body["level"], &body["desk"]), (&json!("WARN"), &json!("rounds")));
        assert_eq!(delivered.header("x-bursar-delivery"), Some(body["id"].to_string().as_str()));
        let signature = delivered.header("x-bursar-signature").unwrap();
        let second: i64 = signature.trim_start_matches("t=").split(',').next().unwrap().parse().unwrap();
        let at = Timestamp::from_ms(second * 1_000);
        assert_eq!(signature, sign(&[SECRET.as_bytes()], at, &delivered.text));
    });
}

#[test]
fn a_hand_typed_switch_is_audited_and_told_although_the_manual_clock_stands_still() {
    let place = Place::postgres();
    let webhook = Webhook::start();
    let server = Setup::rounds(&place).env("AUDIT_WEBHOOK_URL", &webhook.url()).start();
    place.psql().batch_execute("UPDATE rounds_config SET value = 'on' WHERE key = 'pause_joins'").unwrap();
    let told = webhook.wait_for_event("control.switch_changed").json();
    assert_eq!((&told["payload"]["key"], &told["payload"]["new"]), (&json!("pause_joins"), &json!("on")));
    assert_eq!(told["payload"]["source"], "sql");
    drop(server);
}

#[test]
fn a_receiver_that_fails_does_not_hold_requests_up_and_gets_the_event_later() {
    let place = Place::sqlite();
    let webhook = Webhook::start();
    webhook.answer_with(500);
    let setup = Setup::rounds(&place).env("AUDIT_WEBHOOK_URL", &webhook.url());
    let server = setup.env("SIM_SETTLE_API_KEY", "key").start();
    assert_eq!(server.post_with("/api/sim/settle", &[], "").status, 401);
    webhook.wait_for_event("sim_settle.unauthorized");
    server.wait_for_log("an audit event was not delivered");
    webhook.answer_with(200);
    let before = webhook.received().len();
    // The second try comes 5 s after the first, by the rules' clock.
    server.move_clock(server.now_ms() + 5_000);
    webhook.wait_for_count(before + 1);
}
