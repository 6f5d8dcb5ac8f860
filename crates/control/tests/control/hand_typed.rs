//! What somebody types into psql or sqlite3 binds the next transaction and is recorded like everything else.

use bursar_control::{StopSource, SwitchState};
use bursar_store::{EngineKind, StoreError};
use bursar_test_stores::TestStore;

use crate::stage::{JOINS, joins, on_each_engine, row, set_joins, transact, type_sql, unfolded};

const RUNNING: SwitchState = SwitchState::Running;
const STOPPED: SwitchState = SwitchState::Stopped(StopSource::Row);
const UNREADABLE: SwitchState = SwitchState::Stopped(StopSource::Unreadable);
const STOP: &str = "UPDATE rounds_config SET value='on' WHERE key='pause_joins'";
const RESUME: &str = "UPDATE rounds_config SET value='off' WHERE key='pause_joins'";

fn typed(store: &TestStore, sql: &str) {
    type_sql(&store.store(), sql);
}

/// Old value, new value, source, actor and reason of each recorded change.
fn recorded(store: &TestStore) -> Vec<[Option<String>; 5]> {
    let parts =
        |change: bursar_control::Change| [change.old, change.new, change.source, change.actor, change.reason];
    unfolded(store).into_iter().map(parts).collect()
}

fn texts(parts: [&str; 5]) -> [Option<String>; 5] {
    parts.map(|part| (!part.is_empty()).then(|| part.to_owned()))
}

#[test]
fn a_typed_stop_binds_and_leaves_one_change_with_source_sql() {
    on_each_engine(|store| {
        typed(store, STOP);
        assert_eq!(joins(store), STOPPED);
        assert_eq!(recorded(store), [texts(["off", "on", "sql", "", ""])]);
        let role = (store.kind() == EngineKind::Postgres).then_some("postgres");
        assert_eq!(unfolded(store)[0].db_role.as_deref(), role);
        assert_eq!(row(store, JOINS.key).source, "operator");
        typed(store, RESUME);
        assert_eq!(joins(store), RUNNING);
        assert_eq!(recorded(store).len(), 2);
    });
}

#[test]
fn a_row_that_does_not_read_as_on_or_off_is_stopped() {
    on_each_engine(|store| {
        for value in ["ON", "true", "", "Off"] {
            typed(store, &format!("UPDATE rounds_config SET value='{value}' WHERE key='pause_joins'"));
            assert_eq!(joins(store), UNREADABLE, "{value:?}");
        }
    });
}

#[test]
fn a_deleted_row_is_stopped_and_a_typed_new_one_runs_again_both_recorded() {
    on_each_engine(|store| {
        typed(store, "DELETE FROM rounds_config WHERE key='pause_joins'");
        assert_eq!(joins(store), UNREADABLE);
        typed(store, "INSERT INTO rounds_config (key, value) VALUES ('pause_joins', 'off')");
        assert_eq!(joins(store), RUNNING);
        let [gone, back] = [texts(["off", "", "sql", "", ""]), texts(["", "off", "sql", "", ""])];
        assert_eq!(recorded(store), [gone, back]);
        assert_eq!(row(store, JOINS.key).source, "operator");
    });
}

#[test]
fn a_typed_insert_that_meets_the_row_is_one_change() {
    on_each_engine(|store| {
        let sql = "INSERT INTO rounds_config (key, value) VALUES ('pause_joins', 'on') \
                   ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        typed(store, sql);
        assert_eq!(joins(store), STOPPED);
        assert_eq!(recorded(store), [texts(["off", "on", "sql", "", ""])]);
    });
}

#[test]
fn a_typed_stop_binds_although_an_older_stop_has_run_out() {
    on_each_engine(|store| {
        set_joins(store, true, Some(store.now().after_ms(1_000)));
        store.advance_ms(2_000);
        assert_eq!(joins(store), RUNNING);
        typed(store, STOP);
        assert_eq!((joins(store), row(store, JOINS.key).expires_at), (STOPPED, None));
        assert_eq!(recorded(store)[1], texts(["on", "on", "sql", "", ""]));
    });
}

#[test]
fn a_typed_expiry_is_kept() {
    on_each_engine(|store| {
        let end = store.now().after_ms(60_000);
        let value = match store.kind() {
            EngineKind::Sqlite => end.ms().to_string(),
            EngineKind::Postgres => format!("to_timestamp({})", end.ms() / 1_000),
        };
        let sql = format!("UPDATE rounds_config SET value='on', expires_at={value} WHERE key='pause_joins'");
        typed(store, &sql);
        assert_eq!((joins(store), row(store, JOINS.key).expires_at), (STOPPED, Some(end)));
        store.set_time(end);
        assert_eq!(joins(store), RUNNING);
    });
}

#[test]
fn a_typed_change_is_not_laid_to_whoever_made_the_last_one() {
    on_each_engine(|store| {
        set_joins(store, true, None);
        typed(store, RESUME);
        typed(
            store,
            "UPDATE rounds_config SET value='on', actor='bob', reason='page 3' WHERE key='pause_joins'",
        );
        let wanted = [
            texts(["off", "on", "operator", "alice", "drill"]),
            texts(["on", "off", "sql", "", ""]),
            texts(["off", "on", "sql", "bob", "page 3"]),
        ];
        assert_eq!(recorded(store), wanted);
        let sql = "SELECT actor FROM rounds_config WHERE key = 'pause_joins'";
        let actor =
            transact(&store.store(), |tx| tx.query_first(sql, &[], |row| row.get::<Option<String>>(0)));
        assert_eq!(actor, Some(Some("bob".into())));
    });
}

#[test]
fn a_typed_change_of_nothing_or_of_the_description_records_nothing() {
    on_each_engine(|store| {
        typed(store, RESUME);
        typed(store, "UPDATE rounds_config SET description='Joins.' WHERE key='pause_joins'");
        assert!(recorded(store).is_empty());
    });
}

#[test]
fn typing_over_all_rows_records_each() {
    on_each_engine(|store| {
        typed(store, "UPDATE rounds_config SET value='on' WHERE key LIKE 'pause%'");
        assert_eq!(recorded(store), [(); 2].map(|()| texts(["off", "on", "sql", "", ""])));
    });
}

#[test]
fn a_key_cannot_be_renamed_and_a_table_not_emptied_unseen() {
    on_each_engine(|store| {
        let mut statements = vec!["UPDATE rounds_config SET key='pause_nothing' WHERE key='pause_joins'"];
        if store.kind() == EngineKind::Postgres {
            statements.push("TRUNCATE rounds_config");
        }
        for sql in statements {
            let refused = store.store().transact("t", |tx| tx.batch_execute(sql));
            assert!(matches!(refused, Err(StoreError::Statement(_))), "{sql}: {refused:?}");
        }
        assert_eq!(joins(store), RUNNING);
    });
}

#[test]
fn the_time_of_a_typed_change_is_the_real_one() {
    on_each_engine(|store| {
        typed(store, STOP);
        let now = bursar_store::clock::machine_time().ms();
        let at = unfolded(store)[0].at.ms();
        assert!((now - 60_000..=now + 60_000).contains(&at), "{at} is not about {now}");
    });
}
