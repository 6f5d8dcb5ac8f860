//! Switches and settings: where their values come from, and how changes take effect.

use serde_json::{Value, json};

use crate::harness::{Answer, Join, Place, Server, Setup};

const KEY: &str = "ops-key";

fn setup(place: &Place) -> Setup {
    Setup::rounds(place).env("OPS_API_KEY", KEY)
}

fn set(server: &Server, switch: &str, state: &str, more: Value) -> Answer {
    let mut body = json!({"switch": switch, "state": state, "actor": "ann", "reason": "drill"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    server.post_with("/api/ops/switches", &[("x-ops-key", KEY)], &body.to_string())
}

fn shown(server: &Server, switch: &str) -> Value {
    let all = server.get_with("/api/ops/switches", &[("x-ops-key", KEY)]).expect(200);
    let found = all["switches"].as_array().unwrap().iter().find(|shown| shown["switch"] == switch);
    found.unwrap().clone()
}

#[test]
fn a_stop_binds_the_very_next_join_and_says_who_and_why() {
    Place::for_each_engine(|place| {
        let server = setup(place).start();
        Join::new("before").accepted(&server);
        set(&server, "joins", "on", json!({})).expect(200);
        assert_eq!(Join::new("after").send(&server).expect_code(503), "joins_paused");
        let row = shown(&server, "joins");
        assert_eq!(
            (&row["stopped"], &row["stoppedBy"], &row["actor"], &row["reason"]),
            (&json!(true), &json!("row"), &json!("ann"), &json!("drill"))
        );
        set(&server, "joins", "off", json!({})).expect(200);
        Join::new("after").accepted(&server);
    });
}

#[test]
fn only_exactly_on_and_off_with_an_actor_and_a_reason_are_taken() {
    let place = Place::sqlite();
    let server = setup(&place).start();
    for state in ["ON", "true", "1", "", "stopped"] {
        assert_eq!(set(&server, "joins", state, json!({})).expect_code(400), "invalid_body", "{state}");
    }
    for field in ["actor", "reason"] {
        assert_eq!(set(&server, "joins", "on", json!({(field): " "})).status, 400);
    }
    assert_eq!(set(&server, "everything", "on", json!({})).status, 400);
    assert_eq!(shown(&server, "joins")["stopped"], false);
}

#[test]
fn a_stop_with_an_end_ends_by_itself() {
    let place = Place::sqlite();
    let server = setup(&place).start();
    let end_ms = server.now_ms() + 5_000;
    set(&server, "joins", "on", json!({"expiresAtMs": end_ms})).expect(200);
    server.move_clock(end_ms - 1);
    assert_eq!(Join::new("a").send(&server).status, 503);
    server.move_clock(end_ms);
    Join::new("a").accepted(&server);
}

#[test]
fn toggles_are_closed_without_a_configured_key_in_every_mode() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    assert_eq!(server.get("/api/ops/switches").expect_code(401), "unauthorized");
    assert_eq!(set(&server, "joins", "on", json!({})).status, 401);
    // Health is open then, outside production.
    assert_eq!(server.get("/api/ops/health").status, 200);
}

#[test]
fn v7_a_variable_that_says_stop_holds_and_resuming_names_it() {
    let place = Place::sqlite();
    let server = setup(&place).env("PANCHO_PAUSE_JOINS", "on").start();
    assert_eq!(Join::new("a").send(&server).expect_code(503), "joins_paused");
    let refused = set(&server, "joins", "off", json!({})).expect(409);
    assert_eq!(
        (&refused["code"], &refused["variables"]),
        (&json!("held_by_environment"), &json!(["PANCHO_PAUSE_JOINS"]))
    );
    assert_eq!(shown(&server, "joins")["stoppedBy"], "environment");
}

#[test]
fn v7_a_setting_follows_the_environment_until_an_operator_has_changed_it() {
    let place = Place::postgres();
    let limited = |server: &Server| server.get("/api/status").status == 429;
    let server = setup(&place).env("PANCHO_RL_STATUS_IP_LIMIT", "0");
    // The least that the environment may say is one call.
    assert!(server.refuse().2.contains("PANCHO_RL_STATUS_IP_LIMIT"));
    let one = setup(&place).env("PANCHO_RL_STATUS_IP_LIMIT", "1");
    let server = one.start();
    assert_eq!([limited(&server), limited(&server)], [false, true]);
    drop(server);
    let server = one.clone().env("PANCHO_RL_STATUS_IP_LIMIT", "3").start();
    assert_eq!([limited(&server), limited(&server)], [false, true]);
    // A person types it in SQL; the very next call obeys.
    place
        .psql()
        .batch_execute("UPDATE rounds_config SET value = '4' WHERE key = 'rl_status_ip_limit'")
        .unwrap();
    assert_eq!([limited(&server), limited(&server)], [true, true]);
    drop(server);
    let server = one.start();
    server.wait_for_log("an operator has changed the setting");
    server.move_clock(server.now_ms() + 10_000);
    let answers: Vec<bool> = (0..5).map(|_| limited(&server)).collect();
    assert_eq!(answers, [false, false, false, false, true]);
}

#[test]
fn r35_players_are_told_and_resuming_takes_the_text_away() {
    Place::for_each_engine(|place| {
        let server = setup(place).start();
        set(&server, "all", "on", json!({})).expect(200);
        let body = json!({"message": "We are repairing the price feed.", "etaMs": 1_700_000_600_000_i64, "actor": "ann"});
        server.put_with("/api/ops/incident", &[("x-ops-key", KEY)], &body).expect(200);
        let status = server.get("/api/status").expect(200);
        let told = json!({"message": "We are repairing the price feed.", "etaMs": 1_700_000_600_000_i64});
        assert_eq!((&status["status"], &status["incident"]), (&json!("paused"), &told));
        set(&server, "sim-settlement", "off", json!({})).expect(200);
        assert_eq!(server.get("/api/status").expect(200)["incident"], told);
        set(&server, "all", "off", json!({})).expect(200);
        let status = server.get("/api/status").expect(200);
        assert_eq!((&status["status"], status.get("incident")), (&json!("ok"), None));
    });
}
