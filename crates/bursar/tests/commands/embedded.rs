//! Stops of an embedded database: the control file binds while the server holds the lock (docs/spec/platform.md V7).

use bursar_audit::{Recorder, SaltKey};
use bursar_control::{ConfigTable, RecordedStop, Switchboard};
use bursar_desk::control_fold::adopt_recorded_stops;
use bursar_rounds::settings::{PAUSE_JOINS, SWITCHES};
use bursar_store::EngineKind;
use serde_json::{Value, json};

use crate::scene::Scene;

const JOINS_ROW: &str = "SELECT value FROM rounds_config WHERE key = 'pause_joins'";

fn embedded() -> Scene {
    Scene::on(EngineKind::Sqlite)
}

/// Runs `work` while the server is in the middle of a transaction, which is committed afterwards.
fn while_the_server_writes<T>(scene: &Scene, mut work: impl FnMut() -> T) -> T {
    scene.test.store().transact("test.busy", |_| Ok(work())).unwrap()
}

/// What the server's job makes of recorded stops.
fn server_adopts(scene: &Scene) -> usize {
    let switchboard = Switchboard::new([], Some(scene.control_file()));
    let recorder = Recorder::new("server", SaltKey::new([1; 32]));
    let known = SWITCHES.map(|switch| (ConfigTable::ROUNDS, switch));
    adopt_recorded_stops(&scene.test.store(), &switchboard, &recorder, &known).unwrap()
}

fn recorded(scene: &Scene) -> Vec<(String, String, String)> {
    let stops = scene.control_file().stops().unwrap();
    stops.into_iter().map(|stop| (stop.key, stop.actor, stop.reason)).collect()
}

#[test]
fn a_stop_beside_a_busy_server_is_recorded_and_becomes_a_row_when_the_server_can() {
    let scene = embedded();
    scene.yes("ops resume all");
    let answer = while_the_server_writes(&scene, || scene.yes("ops pause joins --reason drill"));
    assert_eq!(answer["state"], "recorded");
    assert_eq!(answer["waitingFor"], std::process::id());
    assert_eq!(answer["switches"][0]["stoppedBy"], "control_file");
    assert!(
        scene.words().contains(&format!("waiting for process {}", std::process::id())),
        "{}",
        scene.words()
    );
    assert_eq!(recorded(&scene), [("pause_joins".into(), "cli:ann".into(), "drill".into())]);
    assert_eq!(scene.column::<String>(JOINS_ROW), ["off"]);
    assert_eq!(scene.yes("ops status")["status"]["joinsPaused"], true);

    assert_eq!(server_adopts(&scene), 1);
    assert_eq!(scene.column::<String>(JOINS_ROW), ["on"]);
    assert_eq!(recorded(&scene), []);
    assert_eq!(scene.events().last().unwrap().actor, "cli:ann");
}

#[test]
fn a_stop_binds_the_commit_that_the_server_is_in_the_middle_of() {
    let scene = embedded();
    scene.yes("ops resume all");
    let store = scene.test.store();
    let switchboard = Switchboard::new([], Some(scene.control_file()));
    switchboard.guard(&store);
    let mut seen = Vec::new();
    let joined = store.transact("test.join", |tx| {
        let now = tx.reading()?;
        let states = switchboard.read(tx, ConfigTable::ROUNDS, &[PAUSE_JOINS], now)?;
        seen.push(states[0].is_stopped());
        if seen.len() == 1 {
            scene.yes("ops pause joins");
        }
        Ok(!states[0].is_stopped())
    });
    assert_eq!((seen, joined.unwrap()), (vec![false, true], false));
}

#[test]
fn once_the_rows_are_set_nothing_is_left_in_the_control_file() {
    let scene = embedded();
    assert_eq!(scene.yes("ops pause all")["state"], "binding");
    assert_eq!(scene.control_file().epoch(), 0);
}

#[test]
fn resuming_forgets_what_was_only_recorded() {
    let scene = embedded();
    scene.yes("ops resume all");
    while_the_server_writes(&scene, || scene.yes("ops pause all"));
    assert_eq!(recorded(&scene).len(), 3);
    assert_eq!(scene.yes("ops resume joins")["state"], "running");
    assert_eq!(recorded(&scene).len(), 2);
    assert_eq!(server_adopts(&scene), 2);
    assert_eq!(scene.column::<String>(JOINS_ROW), ["off"]);
}

#[test]
fn resuming_beside_a_busy_server_changes_nothing_and_names_whom_it_waits_for() {
    let scene = embedded();
    let (answer, why) = while_the_server_writes(&scene, || {
        scene.yes("ops pause joins");
        scene.no("ops resume joins")
    });
    assert_eq!(answer["code"], "database_unavailable");
    assert_eq!(answer["waitingFor"], std::process::id());
    assert!(why.starts_with("Nothing was resumed"), "{why}");
    assert_eq!(recorded(&scene).len(), 1);
}

#[test]
fn a_stop_for_a_while_that_is_only_recorded_ends_by_itself_once_the_server_has_set_its_row() {
    let scene = embedded();
    scene.yes("ops resume all");
    while_the_server_writes(&scene, || scene.yes("ops pause joins --for 15m"));
    assert!(scene.words().contains("Only its row ends it"), "{}", scene.words());
    assert_eq!(server_adopts(&scene), 1);
    let ends: Vec<i64> = scene.column("SELECT expires_at FROM rounds_config WHERE key = 'pause_joins'");
    // Real time passes while the rules' clock of this scene stands still.
    let left = ends[0] - scene.test.now().ms();
    assert!((840_000..=900_000).contains(&left), "{left}");
}

#[test]
fn a_faucet_stop_for_a_while_that_is_only_recorded_keeps_its_end() {
    let scene = embedded();
    while_the_server_writes(&scene, || scene.yes("faucet stop payouts --for 15m"));
    let stops = scene.control_file().stops().unwrap();
    assert_eq!(stops[0].expires_at_ms, Some(stops[0].at_ms + 900_000));
}

#[test]
fn a_control_file_that_cannot_be_read_does_not_keep_the_rows_from_being_set() {
    let scene = embedded();
    let path = format!("{}.control", scene.file().display());
    std::fs::write(&path, "nonsense").unwrap();
    let answer = scene.yes("ops pause joins");
    assert_eq!((&answer["state"], &answer["switches"][0]["stopped"]), (&json!("binding"), &json!(true)));
    assert_eq!(scene.column::<String>(JOINS_ROW), ["on"]);
    assert!(scene.words().contains(&path), "{}", scene.words());
    // Everything counts as stopped until it is repaired, so nothing is reported as resumed.
    let (answer, why) = scene.no("ops resume joins");
    assert_eq!(answer["code"], "database_unavailable");
    assert!(why.contains(&path), "{why}");
}

#[test]
fn a_stop_of_a_database_that_is_not_there_fails_and_leaves_no_file() {
    let scene = embedded();
    let elsewhere = scene.test.folder().unwrap().join("other.db");
    let (answer, why) = scene.no(&format!("ops pause all --database sqlite:{}", elsewhere.display()));
    assert_eq!(answer["code"], "no_database");
    assert!(why.contains("migrate up"), "{why}");
    let left = std::fs::read_dir(scene.test.folder().unwrap()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.starts_with("other.db")), "{left:?}");
}

#[test]
fn a_refused_configuration_does_not_keep_anybody_from_stopping_a_named_database() {
    let scene = embedded();
    let broken = [("PANCHO_PAUSE_JOINS", "ON"), ("PANCHO_SIM_SETTLE_LIMIT", "many")];
    let (answer, _) = scene.no_with(&broken, "ops pause all");
    assert_eq!(answer["code"], "configuration_refused");
    assert_eq!(answer["details"].as_array().map(Vec::len), Some(2));
    assert!(scene.words().contains("--database URL"), "{}", scene.words());
    let answer = scene.run_with(&broken, &format!("ops pause all --database {}", scene.url())).unwrap();
    assert_eq!(answer["state"], "binding");
    assert_eq!(
        scene.no_with(&broken, &format!("ops resume all --database {}", scene.url())).0["ok"],
        Value::Bool(false)
    );
}

#[test]
fn a_stop_recorded_by_somebody_else_stays_theirs() {
    let scene = embedded();
    let [desk, key, actor, reason] = ["rounds", "pause_settle_api", "cli:bea", "her own"].map(str::to_owned);
    let theirs = RecordedStop { desk, key, actor, reason, at_ms: 1, expires_at_ms: None };
    scene.control_file().record(&[theirs]).unwrap();
    scene.yes("ops pause joins");
    assert_eq!(recorded(&scene), [("pause_settle_api".into(), "cli:bea".into(), "her own".into())]);
}
