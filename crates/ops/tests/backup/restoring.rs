//! Restores never write over anything and never leave something that looks whole.

use std::fs;
use std::path::{Path, PathBuf};

use bursar_store::{DatabaseUrl, EngineKind, OpenMode, Store, StoreOptions};

use crate::town::{ENGINES, Empty, Town, migrations};

fn path(url: &DatabaseUrl) -> PathBuf {
    match url {
        DatabaseUrl::Sqlite(path) => path.clone(),
        DatabaseUrl::Postgres(_) => panic!("no file"),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

#[test]
fn a_database_in_which_anything_is_is_refused_and_stays_as_it_is() {
    for kind in ENGINES {
        let (town, other) = (Town::on(kind), Town::on(kind));
        let name = town.back_up().name;
        let before = other.back_up().manifest.tables;
        let refused = town.try_restore(&name, town.lock(), &other.test.url()).unwrap_err();
        assert_eq!(refused.code(), "target_not_empty", "{refused}");
        assert_eq!(other.back_up().manifest.tables, before);
    }
}

#[test]
fn a_log_that_was_left_beside_the_file_would_be_taken_for_its_own_and_is_refused() {
    let (town, empty) = (Town::on(EngineKind::Sqlite), Empty::on(EngineKind::Sqlite));
    let name = town.back_up().name;
    fs::write(beside(&path(&empty.url), "-wal"), "frames").unwrap();
    assert_eq!(town.try_restore(&name, town.lock(), &empty.url).unwrap_err().code(), "target_not_empty");
}

#[test]
fn what_a_restore_left_that_was_killed_is_thrown_away() {
    let (town, empty) = (Town::on(EngineKind::Sqlite), Empty::on(EngineKind::Sqlite));
    let name = town.back_up().name;
    let file = path(&empty.url);
    for ending in [".restoring", ".restoring-wal"] {
        fs::write(beside(&file, ending), "half of a database").unwrap();
    }
    town.try_restore(&name, town.lock(), &empty.url).unwrap();
    let mut left: Vec<String> = fs::read_dir(file.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["restored.db", "restored.db.server-lock"]);
}

#[test]
fn while_a_server_is_at_the_place_nothing_is_restored_to_it() {
    let (town, empty) = (Town::on(EngineKind::Sqlite), Empty::on(EngineKind::Sqlite));
    let name = town.back_up().name;
    let server = Store::open(&empty.url, StoreOptions::new(OpenMode::Server)).unwrap();
    let refused = town.try_restore(&name, town.lock(), &empty.url).unwrap_err();
    assert!(["target_not_empty", "database_unavailable"].contains(&refused.code()), "{refused}");
    drop(server);
}

#[test]
fn a_shared_database_whose_restore_was_not_proven_is_served_by_nobody() {
    // The hashes fit, and the book does not add up: only the proof after the restore can tell.
    let (town, empty) = (Town::on(EngineKind::Postgres), Empty::on(EngineKind::Postgres));
    town.test.store().transact("test.forge", |tx| tx.batch_execute("DELETE FROM ledger_hold")).unwrap();
    let name = town.back_up().name;
    assert_eq!(town.try_restore(&name, town.lock(), &empty.url).unwrap_err().code(), "backup_damaged");
    let store = Store::open(&empty.url, StoreOptions::new(OpenMode::Tool)).unwrap();
    let state = store.migration_state(&migrations(EngineKind::Postgres)).unwrap();
    assert_eq!(state.incompatible, ["restore/not-proven-drop-this-database-and-restore-again"]);
    assert!(!state.is_servable());
    assert_eq!(town.try_restore(&name, town.lock(), &empty.url).unwrap_err().code(), "target_not_empty");
}

#[test]
fn a_backup_from_before_a_migration_restores_into_the_newer_schema() {
    for kind in ENGINES {
        let (town, empty) = (Town::on(kind), Empty::on(kind));
        let undo = "DROP TABLE ops_backup; DROP TABLE ops_restore; \
                    DELETE FROM store_migrations WHERE name = 'ops/0001_backup'";
        town.test.store().transact("test.older", |tx| tx.batch_execute(undo)).unwrap();
        let backup = town.back_up();
        assert!(backup.manifest.tables.iter().all(|part| part.table != "ops_restore"));
        assert_eq!(town.findings(&backup.name), [""; 0]);
        assert_eq!(town.try_restore(&backup.name, town.lock(), &empty.url).unwrap().generation, 1);
    }
}
