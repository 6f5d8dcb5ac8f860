//! Stopping and resuming on both engines (docs/spec/rounds.md R31 to R37, R44, R49; docs/spec/platform.md V7).

use bursar_control::{ConfigTable, settings};
use bursar_rounds::market::Market;
use bursar_rounds::timing::Round;
use bursar_store::clock::machine_time;
use bursar_store::{Param, Timestamp};
use serde_json::json;

use crate::scene::{Scene, on_each_engine, parse};

const ROWS: &str = "SELECT key || '=' || value FROM rounds_config WHERE key LIKE 'pause%' ORDER BY key";
const ALL_ON: [&str; 3] = ["pause_joins=on", "pause_settle_api=on", "pause_sim_settlements=on"];
const ALL_OFF: [&str; 3] = ["pause_joins=off", "pause_settle_api=off", "pause_sim_settlements=off"];

#[test]
fn r36_one_command_stops_all_three_in_one_transaction() {
    on_each_engine(|scene| {
        let answer = scene.yes("ops pause all --reason drill");
        assert_eq!(answer["state"], "binding");
        let stopped =
            |switch| json!({"switch": switch, "stopped": true, "stoppedBy": "row", "expiresAtMs": null});
        let all = ["joins", "sim-settlement", "settle-api"].map(stopped);
        assert_eq!(answer["switches"], json!(all));
        assert_eq!(scene.column::<String>(ROWS), ALL_ON);
        let changes = "SELECT COUNT(DISTINCT change_id) FROM rounds_config";
        assert_eq!(scene.column::<i64>(changes), [1]);
    });
}

#[test]
fn r37_one_command_resumes_all_three() {
    on_each_engine(|scene| {
        scene.yes("ops:pause:all");
        let answer = scene.yes("ops:resume:all");
        assert_eq!(answer["state"], "running");
        assert_eq!(scene.column::<String>(ROWS), ALL_OFF);
        assert_eq!(scene.yes("ops status")["status"]["status"], "ok");
    });
}

#[test]
fn r31_stopping_joins_leaves_the_others_alone() {
    on_each_engine(|scene| {
        scene.yes("ops resume all");
        scene.yes("ops pause joins");
        let rows = ["pause_joins=on", "pause_settle_api=off", "pause_sim_settlements=off"];
        assert_eq!(scene.column::<String>(ROWS), rows);
    });
}

#[test]
fn r30_every_change_is_audited_with_who_and_why_in_its_own_transaction() {
    on_each_engine(|scene| {
        scene.yes("ops pause joins --reason drill");
        scene.yes("ops resume joins --actor Bea");
        let told: Vec<_> = scene
            .events()
            .iter()
            .map(|event| {
                let payload: serde_json::Value =
                    serde_json::from_str(event.payload.as_deref().unwrap()).unwrap();
                (event.event.clone(), event.actor.clone(), payload["new"].clone(), payload["reason"].clone())
            })
            .collect();
        let of = |who: &str, new: &str, why: &str| {
            ("control.switch_changed".into(), who.into(), new.into(), why.into())
        };
        assert_eq!(told, [of("cli:ann", "on", "drill"), of("cli:bea", "off", "not given")]);
    });
}

#[test]
fn a_stop_for_a_while_says_when_it_ends() {
    on_each_engine(|scene| {
        let answer = scene.yes("ops pause joins --for 15m");
        let sql = "SELECT expires_at FROM rounds_config";
        let [expires_at] = scene.column::<Timestamp>(sql)[..] else { panic!("one row") };
        let [set_at] = scene.column::<Timestamp>("SELECT updated_at FROM rounds_config")[..] else {
            panic!("one row")
        };
        assert_eq!(expires_at.ms() - set_at.ms(), 900_000);
        assert_eq!(answer["switches"][0]["expiresAtMs"], expires_at.ms());
    });
}

#[test]
fn a_stop_for_a_while_leaves_a_stop_that_lasts_until_it_is_resumed() {
    on_each_engine(|scene| {
        scene.yes("ops pause joins --reason incident --actor bea");
        let answer = scene.yes("ops pause all --for 15m --reason drill");
        let ends: Vec<bool> = (0..3).map(|place| answer["switches"][place]["expiresAtMs"].is_i64()).collect();
        assert_eq!(ends, [false, true, true]);
        let sql = "SELECT actor || ': ' || reason FROM rounds_config WHERE key = 'pause_joins'";
        assert_eq!(scene.column::<String>(sql), ["cli:bea: incident"]);
    });
}

#[test]
fn a_stop_from_before_the_servers_first_start_outlives_that_start() {
    on_each_engine(|scene| {
        scene.yes("ops pause joins");
        let first_start = [("pause_joins", "off".to_owned(), "on = stopped", false)];
        let seed = |tx: &mut bursar_store::Tx<'_>| {
            settings::seed(tx, ConfigTable::ROUNDS, &first_start, machine_time())
        };
        scene.test.store().transact("test.seed", seed).unwrap();
        assert_eq!(scene.column::<String>(ROWS), ["pause_joins=on"]);
    });
}

#[test]
fn v7_resuming_what_the_environment_holds_names_the_variable_and_fails() {
    on_each_engine(|scene| {
        scene.yes("ops pause all");
        let held = [("PANCHO_PAUSE_JOINS", "on"), ("PANCHO_PAUSE_SETTLE_API", "on")];
        let (answer, why) = scene.no_with(&held, "ops resume all");
        assert_eq!(answer["heldBy"], json!(["PANCHO_PAUSE_JOINS", "PANCHO_PAUSE_SETTLE_API"]));
        assert_eq!(answer["state"], "stopped");
        assert!(why.contains("PANCHO_PAUSE_JOINS, PANCHO_PAUSE_SETTLE_API"), "{why}");
        // Once the variables go, nothing else stops it.
        assert_eq!(scene.column::<String>(ROWS), ALL_OFF);
        assert_eq!(scene.run_with(&held, "ops resume sim-settlement").unwrap()["state"], "running");
    });
}

#[test]
fn r49_joins_come_back_last_unless_forced() {
    on_each_engine(|scene| {
        scene.yes("ops pause joins");
        open_due_round(scene);
        let (answer, why) = scene.no("ops resume joins");
        assert_eq!((&answer["code"], &answer["pendingDueRounds"]), (&json!("rounds_pending"), &json!(1)));
        assert!(why.contains("--force"), "{why}");
        assert_eq!(scene.column::<String>(ROWS), ["pause_joins=on"]);
        assert!(parse("ops resume joins --force").is_err(), "whoever forces it says why");
        scene.yes("ops resume joins --force --reason meant");
        assert_eq!(scene.column::<String>(ROWS), ["pause_joins=off"]);
    });
}

#[test]
fn a_switch_that_does_not_exist_is_a_usage_error_that_names_those_that_do() {
    let usage = parse("ops pause everything").unwrap_err().to_string();
    assert!(usage.contains("joins, sim-settlement, settle-api, all"), "{usage}");
    assert!(parse("ops pause").is_err());
    assert!(parse("ops pause joins --for 15").is_err());
}

/// Adds a round that ended long ago and was not settled.
pub fn open_due_round(scene: &Scene) {
    let round = Round::current(Market::from_key("SOL").unwrap(), Timestamp::from_ms(1_700_000_040_000));
    let sql = "INSERT INTO rounds_pool (round_key, round_id, state, stakes, players, entries, up_account, \
               down_account) VALUES ($1, $2, 0, '', 0, 0, 0, 0)";
    let id = round.id();
    let params = [Param::Int(round.key()), Param::Text(&id)];
    scene.test.store().transact("test.round", |tx| tx.execute(sql, &params)).unwrap();
}
