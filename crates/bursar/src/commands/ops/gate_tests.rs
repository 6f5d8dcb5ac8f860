//! Each blocker of the gate by itself.

use serde_json::json;

use super::*;

const WALLET: &str = "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd";
const OTHER: &str = "52nguesHaBuF4psFr2uybVnW4angLW2ZtsBRSRmdF8k3";

fn account() -> Value {
    let switch = |word: &str| json!({"switch": word, "variable": "V", "stopped": false});
    let switches = ["joins", "sim-settlement", "settle-api"].map(switch);
    json!({
        "mode": "production", "keys": {"ops": true, "simSettle": true, "settle": true},
        "treasury": {"configured": WALLET, "expected": WALLET}, "escrow": OTHER, "realDepositsEnabled": false,
        "alertsAreSent": true, "stage": {"upMs": 86_400_000}, "worker": {"silent": false, "ageMs": 0},
        "switches": switches,
    })
}

fn clean() -> Seen {
    Seen {
        account: Ok(account()),
        health: Ok(json!({"ok": true})),
        readiness: Ok(json!({"status": "ready", "reasons": []})),
        smoke: Smoke::Passed,
        wants_onchain: false,
    }
}

fn codes(seen: &Seen) -> (Vec<&'static str>, Vec<&'static str>) {
    let verdict = seen.judge();
    let of = |findings: Vec<Finding>| findings.into_iter().map(|finding| finding.code).collect();
    (of(verdict.blockers), of(verdict.warnings))
}

/// The findings once one value of the account is another.
fn with(pointer: &str, value: Value) -> (Vec<&'static str>, Vec<&'static str>) {
    let mut account = account();
    *account.pointer_mut(pointer).unwrap() = value;
    codes(&Seen { account: Ok(account), ..clean() })
}

#[test]
fn a_clean_server_has_neither_blockers_nor_warnings() {
    assert_eq!(codes(&clean()), (vec![], vec![]));
}

#[test]
fn each_fault_of_the_servers_state_blocks_by_its_own_name() {
    for (pointer, value, code) in [
        ("/switches/0/stopped", json!(true), "joins_paused"),
        ("/switches/1/stopped", json!(true), "sim_settlement_paused"),
        ("/switches/2/stopped", json!(true), "settle_api_paused"),
        ("/switches/0/stopped", Value::Null, "joins_paused"),
        ("/switches", Value::Null, "server_state_unreadable"),
        ("/keys/simSettle", json!(false), "sim_settle_key_missing"),
        ("/keys/ops", json!(false), "ops_key_missing"),
        ("/treasury/expected", Value::Null, "expected_treasury_missing"),
        ("/treasury/configured", json!(OTHER), "treasury_mismatch"),
        ("/escrow", json!("nowhere"), "escrow_invalid"),
        ("/worker/silent", json!(true), "worker_silent"),
        ("/worker", Value::Null, "worker_silent"),
    ] {
        assert_eq!(with(pointer, value), (vec![code], vec![]), "{pointer}");
    }
}

#[test]
fn an_address_that_is_none_is_named_beside_the_difference_that_it_makes() {
    assert_eq!(with("/treasury/configured", json!("x")).0, ["treasury_invalid", "treasury_mismatch"]);
    assert_eq!(with("/treasury/expected", json!("x")).0, ["expected_treasury_invalid", "treasury_mismatch"]);
}

#[test]
fn what_is_only_unset_warns() {
    assert_eq!(with("/escrow", Value::Null), (vec![], vec!["escrow_unset"]));
    assert_eq!(with("/keys/settle", json!(false)), (vec![], vec!["settle_key_unset"]));
    assert_eq!(with("/alertsAreSent", json!(false)), (vec![], vec!["alerts_unsent"]));
    assert_eq!(with("/mode", json!("dev")), (vec![], vec!["not_production"]));
    assert_eq!(with("/stage/upMs", json!(86_399_999)), (vec![], vec!["stage_young"]));
    assert_eq!(
        with("/treasury/configured", Value::Null),
        (vec!["treasury_mismatch"], vec!["treasury_unset"])
    );
    assert_eq!(codes(&Seen { smoke: Smoke::LeftOut, ..clean() }), (vec![], vec!["smoke_skipped"]));
}

#[test]
fn what_the_server_cannot_show_blocks() {
    let none = || Err("nothing answers".to_owned());
    let blockers = |seen: Seen| codes(&seen).0;
    assert_eq!(blockers(Seen { account: none(), ..clean() }), ["server_state_unreadable"]);
    assert_eq!(blockers(Seen { health: none(), ..clean() }), ["health_unavailable"]);
    assert_eq!(blockers(Seen { health: Ok(Value::Null), ..clean() }), ["health_degraded"]);
    assert_eq!(blockers(Seen { readiness: none(), ..clean() }), ["not_ready"]);
    assert_eq!(blockers(Seen { readiness: Ok(Value::Null), ..clean() }), ["not_ready"]);
    assert_eq!(blockers(Seen { smoke: Smoke::Failed("joins".to_owned()), ..clean() }), ["smoke_failed"]);
    assert_eq!(blockers(Seen { wants_onchain: true, ..clean() }), ["onchain_preflight_failed"]);
}

#[test]
fn a_wrong_treasury_is_not_told_twice() {
    let ready = |reasons: Value| Ok(json!({"status": "not_ready", "reasons": reasons}));
    let treasury = Seen { readiness: ready(json!(["rounds.treasury: another"])), ..clean() };
    assert_eq!(codes(&treasury).0, Vec::<&str>::new());
    let more = ready(json!(["rounds.treasury: another", "process.migrations: pending"]));
    let verdict = Seen { readiness: more, ..clean() }.judge();
    assert_eq!(verdict.blockers[0].rule, "the server must be ready, and is not: process.migrations: pending");
}
