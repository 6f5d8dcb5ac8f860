//! Migrating from the command line (docs/spec/platform.md V6, B5).

use bursar::schema::migrations;
use bursar_store::EngineKind;
use bursar_test_stores::TestStore;
use serde_json::json;

use crate::scene::Scene;

const ENGINES: [EngineKind; 2] = [EngineKind::Sqlite, EngineKind::Postgres];

#[test]
fn status_lists_what_is_pending_and_up_applies_it_once() {
    for kind in ENGINES {
        let scene = Scene::of(TestStore::unmigrated(kind));
        let (answer, why) = scene.no("migrate status");
        let pending = answer["pending"].as_array().unwrap().clone();
        assert_eq!(pending.len(), migrations(kind).len() + 1);
        assert!(why.contains("migrate up"), "{why}");
        assert_eq!(scene.yes("migrate up")["applied"], json!(pending));
        assert_eq!(scene.yes("migrate status")["pending"], json!([]));
        assert_eq!(scene.yes("migrate:up")["applied"], json!([]));
    }
}

#[test]
fn other_commands_ask_for_the_migration_first() {
    for kind in ENGINES {
        let scene = Scene::of(TestStore::unmigrated(kind));
        for line in ["settings get", "operators list", "ledger trial", "audit verify", "ops health"] {
            let (answer, why) = scene.no(line);
            assert_eq!(answer["code"], "migrations_pending", "{line}");
            assert!(why.ends_with("run `bursar migrate up`"), "{why}");
        }
    }
}

#[test]
fn a_schema_of_another_version_is_not_touched() {
    for kind in ENGINES {
        let scene = Scene::on(kind);
        scene.execute("UPDATE store_migrations SET epoch = 2 WHERE name = 'ledger/0001_book'");
        let (answer, _) = scene.no("migrate status");
        assert_eq!(answer["incompatible"], json!(["ledger/0001_book"]));
        assert_eq!(scene.no("migrate up").0["code"], "store_failed");
        assert_eq!(scene.no("ledger trial").0["code"], "store_failed");
    }
}

#[test]
fn b5_the_printed_sql_runs_twice_and_migrate_up_agrees_with_it() {
    for kind in ENGINES {
        let scene = Scene::of(TestStore::with(kind, &[], |_| {}));
        let sql = scene.yes("migrate print");
        scene.execute(sql.as_str().unwrap());
        scene.execute(sql.as_str().unwrap());
        assert_eq!(scene.yes("migrate up")["applied"], json!([]));
        assert_eq!(scene.yes("migrate status")["newer"], json!([]));
    }
}

#[test]
fn print_needs_no_database_and_takes_the_engine_that_is_named() {
    let scene = Scene::on(EngineKind::Sqlite);
    let print = |engine: &str| {
        let line = format!("migrate print --engine {engine} --database sqlite:/nowhere/x.db");
        scene.yes(&line).as_str().unwrap().to_owned()
    };
    assert!(print("sqlite").contains("WITHOUT ROWID") && !print("postgres").contains("WITHOUT ROWID"));
    assert!(print("postgres").contains("TIMESTAMPTZ") && !print("sqlite").contains("TIMESTAMPTZ"));
}

#[test]
fn up_makes_the_folder_and_the_file_of_an_embedded_database() {
    let scene = Scene::on(EngineKind::Sqlite);
    let path = scene.test.folder().unwrap().join("new/bursar.db");
    let line = |verb: &str| format!("migrate {verb} --database sqlite:{}", path.display());
    assert_eq!(scene.no(&line("status")).0["code"], "no_database");
    assert!(!path.exists());
    scene.yes(&line("up"));
    scene.yes(&line("status"));
}
