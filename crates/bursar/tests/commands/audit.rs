//! Reading, verifying and anchoring the audit log from the command line.

use std::path::PathBuf;

use bursar_store::EngineKind;
use serde_json::{Value, json};

use crate::scene::{Scene, on_each_engine};

/// A stop, a resume and a change of a setting, each in its own transaction: events 1 to 3.
fn logged(scene: &Scene) {
    scene.yes("ops pause joins --reason drill");
    scene.yes("ops resume joins");
    scene.yes("settings set sim_settle_limit 2 --reason drill");
}

fn ids(answer: &Value) -> Vec<i64> {
    answer["events"].as_array().unwrap().iter().map(|event| event["id"].as_i64().unwrap()).collect()
}

fn unguard(scene: &Scene) {
    scene.execute(match scene.test.kind() {
        EngineKind::Sqlite => {
            "DROP TRIGGER audit_events_unchanged; DROP TRIGGER audit_events_kept; \
             DROP TRIGGER audit_links_unchanged; DROP TRIGGER audit_links_kept"
        }
        EngineKind::Postgres => {
            "DROP TRIGGER audit_events_kept ON audit_events; DROP TRIGGER audit_links_kept ON audit_links"
        }
    });
}

fn file_for_anchor() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anchor.json");
    (folder, path)
}

#[test]
fn events_are_listed_newest_first_by_what_is_asked_for() {
    on_each_engine(|scene| {
        logged(scene);
        assert_eq!(ids(&scene.yes("audit list")), [3, 2, 1]);
        assert_eq!(ids(&scene.yes("audit list --oldest --limit 2")), [1, 2]);
        assert_eq!(ids(&scene.yes("audit list --after 3 --limit 1")), [2]);
        assert_eq!(ids(&scene.yes("audit list --event control.setting")), [3]);
        assert_eq!(ids(&scene.yes("audit list --desk faucet")), [0; 0]);
        assert_eq!(ids(&scene.yes("audit list --level error")), [0; 0]);
        assert_eq!(ids(&scene.yes("audit list --actor cli:ann --level warn")), [3, 2, 1]);
        let first = scene.yes("audit list --oldest")["events"][0].clone();
        assert_eq!((&first["payload"]["reason"], &first["level"]), (&json!("drill"), &json!("WARN")));
        let at_ms = &first["atMs"];
        assert_eq!(ids(&scene.yes(&format!("audit list --until {at_ms}"))), [0; 0]);
    });
}

#[test]
fn an_untouched_log_verifies_and_an_edit_is_found() {
    on_each_engine(|scene| {
        logged(scene);
        let answer = scene.yes("audit verify");
        assert_eq!(
            (&answer["events"], &answer["links"], &answer["findings"]),
            (&json!(3), &json!(3), &json!([]))
        );
        unguard(scene);
        scene.execute("UPDATE audit_events SET actor = 'cli:eve' WHERE id = 1");
        let (answer, why) = scene.no("audit verify");
        assert_eq!(answer["findings"].as_array().map(Vec::len), Some(1));
        assert!(why.contains("does not fit events 1 to 1"), "{why}");
    });
}

#[test]
fn what_is_cut_off_the_end_is_found_with_an_anchor_only() {
    on_each_engine(|scene| {
        logged(scene);
        let (_folder, path) = file_for_anchor();
        let anchor = path.display();
        let taken = scene.yes(&format!("audit anchor --out {anchor}"));
        assert_eq!(taken["chains"], 3);
        scene.yes(&format!("audit verify --anchor {anchor}"));
        unguard(scene);
        scene.execute("DELETE FROM audit_outbox; DELETE FROM audit_links WHERE last_event = 3; DELETE FROM audit_events WHERE id = 3");
        scene.yes("audit verify");
        let (answer, _) = scene.no(&format!("audit verify --anchor {anchor}"));
        assert!(answer["findings"][0].as_str().unwrap().contains("is gone"), "{answer}");
    });
}

#[test]
fn an_anchor_is_printed_whole_never_written_over_and_refused_when_edited() {
    on_each_engine(|scene| {
        logged(scene);
        let (_folder, path) = file_for_anchor();
        let printed = scene.yes("audit anchor");
        std::fs::write(&path, printed.as_str().unwrap()).unwrap();
        let anchor = path.display();
        scene.yes(&format!("audit verify --anchor {anchor}"));
        assert_eq!(scene.no(&format!("audit anchor --out {anchor}")).0["code"], "file_unusable");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), printed.as_str().unwrap());
        std::fs::write(&path, printed.as_str().unwrap().replace("\"number\": 1", "\"number\": 2")).unwrap();
        assert_eq!(scene.no(&format!("audit verify --anchor {anchor}")).0["code"], "anchor_refused");
        assert_eq!(scene.no("audit verify --anchor /nowhere/a.json").0["code"], "file_unusable");
    });
}
