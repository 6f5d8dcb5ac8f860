//! A switch is stopped if any source says so, from the next transaction on.

use bursar_control::{ConfigTable, StopSource, Switch, SwitchState, Switchboard};
use bursar_store::{EngineKind, Migration, StoreError, Timestamp};
use bursar_test_stores::TestStore;

use crate::stage::{
    JOINS, SETTLE, change_of_joins, control_file, joins, no_stops, on_each_engine, row, seed, seeded,
    set_joins, state, transact, unfolded,
};

const RUNNING: SwitchState = SwitchState::Running;
const STOPPED: SwitchState = SwitchState::Stopped(StopSource::Row);

#[test]
fn a_stop_and_a_resume_bind_the_next_transaction_and_no_other_switch() {
    on_each_engine(|store| {
        assert_eq!(joins(store), RUNNING);
        set_joins(store, true, None);
        assert_eq!((joins(store), state(store, &no_stops(), SETTLE)), (STOPPED, RUNNING));
        set_joins(store, false, None);
        assert_eq!(joins(store), RUNNING);
    });
}

#[test]
fn a_stop_outlives_a_restart() {
    on_each_engine(|store| {
        set_joins(store, true, None);
        store.reopen();
        assert_eq!(joins(store), STOPPED);
    });
}

#[test]
fn a_change_is_recorded_with_who_why_and_what_it_was() {
    on_each_engine(|store| {
        store.advance_ms(5);
        set_joins(store, true, None);
        let [change] = &unfolded(store)[..] else { panic!("one change") };
        assert_eq!((change.desk.as_str(), change.key.as_str()), ("rounds", "pause_joins"));
        assert_eq!((change.old.as_deref(), change.new.as_deref()), (Some("off"), Some("on")));
        assert_eq!(change.source.as_deref(), Some("operator"));
        assert_eq!((change.actor.as_deref(), change.reason.as_deref()), (Some("alice"), Some("drill")));
        assert_eq!(change.at, store.now());
        let role = (store.kind() == EngineKind::Postgres).then_some("postgres");
        assert_eq!(change.db_role.as_deref(), role);
    });
}

#[test]
fn two_changes_of_one_switch_in_one_transaction_are_both_recorded_as_the_operators() {
    on_each_engine(|store| {
        let changes = [true, false, true].map(|stop| change_of_joins(stop, None));
        transact(&store.store(), |tx| Switchboard::set(tx, &changes, store.now()));
        let recorded: Vec<_> =
            unfolded(store).into_iter().map(|change| (change.new, change.source, change.actor)).collect();
        let operators = |value: &str| [value, "operator", "alice"].map(|text| Some(text.to_owned())).into();
        assert_eq!(recorded, ["on", "off", "on"].map(operators));
    });
}

#[test]
fn setting_what_is_already_so_records_nothing() {
    on_each_engine(|store| {
        set_joins(store, false, None);
        assert_eq!(unfolded(store), []);
    });
}

#[test]
fn setting_a_switch_without_a_row_is_refused_by_name() {
    on_each_engine(|store| {
        let nowhere = Switch { desk: "rounds", key: "pause_nothing", variable: "X" };
        let change = bursar_control::SwitchChange { switch: nowhere, ..change_of_joins(true, None) };
        let refused = store.store().transact("t", |tx| Switchboard::set(tx, &[change], store.now()));
        let Err(StoreError::Schema(text)) = refused else { panic!("{refused:?}") };
        assert!(text.contains("pause_nothing") && text.contains("rounds_config"), "{text}");
    });
}

#[test]
fn a_stop_with_an_expiry_ends_by_itself_and_a_new_one_without_does_not() {
    on_each_engine(|store| {
        let end = store.now().after_ms(1_000);
        set_joins(store, true, Some(end));
        assert_eq!((joins(store), row(store, JOINS.key).expires_at), (STOPPED, Some(end)));
        store.advance_ms(999);
        assert_eq!(joins(store), STOPPED);
        store.advance_ms(1);
        assert_eq!(joins(store), RUNNING);
        set_joins(store, true, None);
        assert_eq!((joins(store), row(store, JOINS.key).expires_at), (STOPPED, None));
    });
}

#[test]
fn a_stop_for_a_while_leaves_one_that_lasts_longer_as_it_is() {
    on_each_engine(|store| {
        let until = |ms| Some(store.now().after_ms(ms));
        let end = || row(store, JOINS.key).expires_at;
        let stop_as = |actor, expires_at| {
            let stop = bursar_control::SwitchChange { actor, ..change_of_joins(true, expires_at) };
            transact(&store.store(), |tx| Switchboard::set(tx, &[stop], store.now()));
        };
        let who = || {
            let sql = "SELECT actor FROM rounds_config WHERE key = 'pause_joins'";
            transact(&store.store(), |tx| tx.query_first(sql, &[], |row| row.get::<Option<String>>(0)))
        };
        stop_as("bea", None);
        stop_as("carl", until(1_000));
        assert_eq!((end(), who().flatten().as_deref()), (None, Some("bea")));
        store.advance_ms(1_000);
        assert_eq!(joins(store), STOPPED);

        set_joins(store, false, None);
        stop_as("bea", until(5_000));
        stop_as("carl", until(1_000));
        assert_eq!((end(), who().flatten().as_deref()), (until(5_000), Some("bea")));
        stop_as("carl", until(9_000));
        assert_eq!((end(), who().flatten().as_deref()), (until(9_000), Some("carl")));
        stop_as("bea", None);
        assert_eq!((end(), who().flatten().as_deref()), (None, Some("bea")));
        // A resume is what ends it; what came to its end holds nothing.
        set_joins(store, false, None);
        stop_as("bea", until(2_000));
        store.advance_ms(2_000);
        stop_as("carl", until(1_000));
        assert_eq!((joins(store), end()), (STOPPED, until(1_000)));
    });
}

#[test]
fn a_stop_for_a_while_is_an_operators_also_where_a_seeded_stop_outlasts_it() {
    on_each_engine(|store| {
        seed(store, &[(JOINS.key, "on", true)]);
        set_joins(store, true, Some(store.now().after_ms(5_000)));
        // The server starts again, and nothing says any more that it is stopped but the operator.
        seed(store, &[(JOINS.key, "off", false)]);
        assert_eq!((joins(store), row(store, JOINS.key).source.as_str()), (STOPPED, "operator"));
    });
}

#[test]
fn a_stop_for_a_while_does_not_let_run_what_cannot_be_read() {
    on_each_engine(|store| {
        let sql = "UPDATE rounds_config SET value = 'ON' WHERE key = 'pause_joins'";
        transact(&store.store(), |tx| tx.batch_execute(sql));
        set_joins(store, true, Some(store.now().after_ms(1_000)));
        store.advance_ms(1_000);
        assert_eq!((joins(store), row(store, JOINS.key).expires_at), (STOPPED, None));
    });
}

#[test]
fn the_environment_holds_its_switch_stopped_whatever_the_row_says() {
    on_each_engine(|store| {
        let board = Switchboard::new(["PANCHO_PAUSE_JOINS"], None);
        assert_eq!(state(store, &board, JOINS), SwitchState::Stopped(StopSource::Environment));
        assert_eq!(state(store, &board, SETTLE), RUNNING);
        assert!(board.is_held_by_environment(JOINS) && !board.is_held_by_environment(SETTLE));
    });
}

#[test]
fn the_control_file_stops_what_it_names_and_everything_when_it_cannot_be_read() {
    let store = seeded(EngineKind::Sqlite);
    let file = control_file(&store);
    let board = Switchboard::new([], Some(file.clone()));
    assert_eq!(state(&store, &board, JOINS), RUNNING);
    file.record(&[crate::control_file::stop_of(JOINS)]).unwrap();
    let by_file = SwitchState::Stopped(StopSource::ControlFile);
    assert_eq!((state(&store, &board, JOINS), state(&store, &board, SETTLE)), (by_file, RUNNING));
    file.forget(&[JOINS]).unwrap();
    assert_eq!(state(&store, &board, JOINS), RUNNING);
    std::fs::write(store.folder().unwrap().join("test.db.control"), "[{").unwrap();
    assert_eq!((state(&store, &board, JOINS), state(&store, &board, SETTLE)), (by_file, by_file));
}

#[test]
fn several_switches_are_read_at_once_in_the_order_asked_and_at_most_four() {
    on_each_engine(|store| {
        set_joins(store, true, None);
        let read = |switches: &[Switch]| {
            let board = no_stops();
            store.store().transact("t", |tx| board.read(tx, ConfigTable::ROUNDS, switches, store.now()))
        };
        assert_eq!(read(&[SETTLE, JOINS, SETTLE]).unwrap(), [RUNNING, STOPPED, RUNNING]);
        assert!(matches!(read(&[JOINS; 5]), Err(StoreError::Statement(_))));
    });
}

#[test]
fn a_transaction_that_only_reads_may_peek() {
    on_each_engine(|store| {
        set_joins(store, true, None);
        let board = no_stops();
        let seen =
            store.store().read("t", |tx| board.peek(tx, ConfigTable::ROUNDS, &[JOINS, SETTLE], store.now()));
        assert_eq!(seen.unwrap(), [STOPPED, RUNNING]);
    });
}

#[test]
fn every_desk_has_a_table_of_its_own_whose_migration_may_run_twice() {
    let tables = [
        ConfigTable::PLATFORM,
        ConfigTable::ROUNDS,
        ConfigTable::FAUCET,
        ConfigTable::COMMITMENTS,
        ConfigTable::TRADES,
        ConfigTable::ARENA,
    ];
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        let steps = tables.map(|table| table.migration(table.desk, kind));
        let all: Vec<Migration> = bursar_control::MIGRATIONS.into_iter().chain(steps).collect();
        let store = TestStore::with(kind, &all, |_| {});
        for (table, step) in tables.into_iter().zip(&steps) {
            transact(&store.store(), |tx| tx.batch_execute(&step.sql_for(kind)));
            let rows = [("pause", "off".to_owned(), "", false)];
            transact(&store.store(), |tx| {
                bursar_control::settings::seed(tx, table, &rows, Timestamp::from_ms(0))
            });
            let switch = Switch { desk: table.desk, key: "pause", variable: "PAUSE" };
            let stop = bursar_control::SwitchChange { table, switch, ..change_of_joins(true, None) };
            transact(&store.store(), |tx| Switchboard::set(tx, &[stop], store.now()));
            let seen = transact(&store.store(), |tx| no_stops().read(tx, table, &[switch], store.now()));
            assert_eq!(seen, [STOPPED], "{}", table.desk);
        }
        let desks: Vec<String> = unfolded(&store).into_iter().map(|change| change.desk).collect();
        assert_eq!(desks, tables.map(|table| table.desk));
    }
}
