//! A backup of either engine restores into either engine, to the same rows.

use std::collections::BTreeMap;

use bursar_audit::verify as verify_audit;
use bursar_ops::backup::{CreateRequest, Created, Folder, create, generations};
use bursar_store::{DatabaseUrl, EngineKind, OpenMode, Store, StoreOptions, Timestamp};
use tempfile::TempDir;

use crate::town::{ENGINES, Empty, Town, migrations, with_program};

/// Tables in which a restore itself leaves something.
const TOLD: [&str; 6] =
    ["audit_events", "audit_links", "audit_outbox", "ops_restore", "store_batches", "store_sequences"];

fn tool(url: &DatabaseUrl) -> Store {
    Store::open(url, StoreOptions::new(OpenMode::Tool)).unwrap()
}

/// A backup of the database at `url`, somewhere else.
fn back_up(url: &DatabaseUrl, now: Timestamp) -> Created {
    let folder = TempDir::new().unwrap();
    with_program(|program| {
        let target = &Folder::new(folder.path());
        create(&CreateRequest { program, database: url, target, key: None, now, is_wanted: &|| true })
            .unwrap()
    })
}

/// Rows and hash of each table that a restore leaves alone.
fn contents(backup: &Created) -> BTreeMap<String, (u64, String)> {
    let parts = backup.manifest.tables.iter().filter(|part| !TOLD.contains(&&*part.table));
    parts.map(|part| (part.table.clone(), (part.rows, part.content.clone()))).collect()
}

/// What the catalogue lists besides tables.
fn made(store: &Store) -> Vec<String> {
    let sql = match store.kind() {
        EngineKind::Sqlite => {
            "SELECT type || ' ' || name || ' ' || sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY 1"
        }
        EngineKind::Postgres => {
            "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() UNION ALL \
             SELECT t.tgname::text || ' ' || t.tgenabled::text FROM pg_trigger t WHERE NOT t.tgisinternal \
             ORDER BY 1"
        }
    };
    store.read("test.made", |tx| tx.query(sql, &[], |row| row.get(0))).unwrap()
}

#[test]
fn rows_indexes_and_triggers_are_the_same_after_a_restore_into_either_engine() {
    for (from, to) in ENGINES.iter().flat_map(|from| ENGINES.map(|to| (*from, to))) {
        println!("from {from:?} to {to:?}");
        let (town, empty) = (Town::on(from), Empty::on(to));
        let backup = town.back_up();
        town.try_restore(&backup.name, town.lock(), &empty.url).unwrap();
        let again = back_up(&empty.url, town.test.now());
        assert_eq!(contents(&again), contents(&backup));
        assert_eq!(again.manifest.ledger, backup.manifest.ledger);
        let fresh = Town::on(to);
        assert_eq!(made(&tool(&empty.url)), made(&fresh.test.store()));
    }
}

#[test]
fn the_manifest_is_the_same_whichever_engine_holds_the_rows() {
    let [sqlite, postgres] = ENGINES.map(|kind| Town::on(kind).back_up().manifest);
    let ledger = serde_json::to_value(&sqlite.ledger).unwrap();
    assert_eq!(
        ledger,
        serde_json::json!([
            {"asset": "PB", "accounts": 2, "debits": "12345", "credits": "12345"},
            {"asset": "SOL", "accounts": 31, "debits": (((780_u128 * 30) << 70) | 18_600).to_string(),
             "credits": (((780_u128 * 30) << 70) | 18_600).to_string()},
        ])
    );
    assert_eq!(postgres.ledger, sqlite.ledger);
    let table = |manifest: &bursar_ops::backup::Manifest, name: &str| {
        manifest.tables.iter().find(|part| part.table == name).map(|part| (part.rows, part.content.clone()))
    };
    for name in [
        "ledger_transfer",
        "ledger_account",
        "ledger_waypoint",
        "ledger_hold",
        "audit_links",
        "access_operator",
    ] {
        assert!(table(&sqlite, name).unwrap().0 > 0, "{name}");
        assert_eq!(table(&postgres, name), table(&sqlite, name), "{name}");
    }
}

#[test]
fn a_restored_database_goes_on_where_the_backup_ended() {
    for (from, to) in [(EngineKind::Sqlite, EngineKind::Postgres), (EngineKind::Postgres, EngineKind::Sqlite)]
    {
        let (town, empty) = (Town::on(from), Empty::on(to));
        let backup = town.back_up();
        town.try_restore(&backup.name, town.lock(), &empty.url).unwrap();
        let store = tool(&empty.url);
        let changes = |store: &Store| -> Vec<i64> {
            store
                .read("test.changes", |tx| {
                    tx.query("SELECT id FROM control_changes ORDER BY id", &[], |row| row.get(0))
                })
                .unwrap()
        };
        assert_eq!(changes(&store), [1, 2]);
        store
            .transact("test.typed", |tx| tx.batch_execute("UPDATE platform_config SET value = 'off'"))
            .unwrap();
        assert_eq!(changes(&store), [1, 2, 4], "the number of the purged change is not given out again");
        let changed =
            store.transact("test.edit", |tx| tx.batch_execute("UPDATE audit_events SET event = 'x'"));
        assert!(changed.unwrap_err().to_string().contains("neither changed nor deleted"));
        let state = store.migration_state(&migrations(to)).unwrap();
        assert_eq!((state.is_servable(), state.newer), (true, vec![]), "a server may start on it");
    }
}

#[test]
fn a_table_that_has_given_out_no_number_yet_begins_with_the_first() {
    let purge = "DELETE FROM control_changes; UPDATE sqlite_sequence SET seq = 0";
    let (town, empty) = (Town::on(EngineKind::Sqlite), Empty::on(EngineKind::Postgres));
    town.test.store().transact("test.purge", |tx| tx.batch_execute(purge)).unwrap();
    let backup = town.back_up();
    town.try_restore(&backup.name, town.lock(), &empty.url).unwrap();
    let change = "UPDATE platform_config SET value = 'off'";
    tool(&empty.url).transact("test.typed", |tx| tx.batch_execute(change)).unwrap();
    let first = tool(&empty.url).read("test.first", |tx| {
        tx.query_first("SELECT id FROM control_changes", &[], |row| row.get::<i64>(0))
    });
    assert_eq!(first.unwrap(), Some(1));
}

#[test]
fn a_restored_database_says_so_in_a_row_and_in_the_audit_log() {
    for kind in ENGINES {
        let (town, empty) = (Town::on(kind), Empty::on(kind));
        let backup = town.back_up();
        let restored = town.try_restore(&backup.name, town.lock(), &empty.url).unwrap();
        assert_eq!(restored.generation, 1);
        let store = tool(&empty.url);
        let (known, audit) =
            store.read("test.known", |tx| Ok((generations(tx)?, verify_audit(tx, None)?))).unwrap();
        let [generation] = &known[..] else { panic!("{known:?}") };
        assert_eq!(generation.backup, backup.name.as_str());
        let manifest: String = generation.manifest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(manifest, backup.manifest_hash);
        assert_eq!((generation.taken_at, generation.last_transfer), (town.test.now(), 1_201));
        assert_eq!((&*generation.restored_by, &*generation.reason), ("cli:ann", "drill"));
        assert!(generation.restored_at > generation.taken_at);
        assert!(audit.is_clean(), "{:?}", audit.findings);
        let sql = "SELECT event FROM audit_events ORDER BY id DESC LIMIT 1";
        let last =
            store.read("test.last", |tx| tx.query_first(sql, &[], |row| row.get::<String>(0))).unwrap();
        assert_eq!(last.as_deref(), Some("backup.restored"));
    }
}

#[test]
fn a_restore_of_a_restored_database_is_the_next_generation() {
    let (town, first, second) =
        (Town::on(EngineKind::Sqlite), Empty::on(EngineKind::Sqlite), Empty::on(EngineKind::Sqlite));
    let backup = town.back_up();
    town.try_restore(&backup.name, town.lock(), &first.url).unwrap();
    let again = with_program(|program| {
        let (target, now) = (&town.target(), town.test.now().after_ms(1));
        create(&CreateRequest { program, database: &first.url, target, key: None, now, is_wanted: &|| true })
    });
    let restored = town.try_restore(&again.unwrap().name, town.lock(), &second.url).unwrap();
    assert_eq!(restored.generation, 2);
}

#[test]
fn tables_of_somebody_else_are_left_out_and_named() {
    for kind in ENGINES {
        let town = Town::on(kind);
        let foreign = "CREATE TABLE zoo (animal VARCHAR(20))";
        town.test.store().transact("test.zoo", |tx| tx.batch_execute(foreign)).unwrap();
        let backup = town.back_up();
        assert_eq!(backup.manifest.left_out, ["zoo"]);
        assert_eq!(town.findings(&backup.name), [""; 0]);
    }
}
