//! Settings: the default, then the environment, then an operator, whose word stays.

use bursar_control::ConfigTable;
use bursar_control::settings::{change, values};
use bursar_test_stores::TestStore;

use crate::stage::{LIMIT, on_each_engine, row, seed, transact, type_sql, unfolded};

fn limit(store: &TestStore) -> i64 {
    transact(&store.store(), |tx| values(tx, ConfigTable::ROUNDS, &[LIMIT]))[LIMIT.key]
}

fn source(store: &TestStore) -> String {
    row(store, LIMIT.key).source
}

fn change_limit(store: &TestStore, value: i64) -> String {
    let by = ("alice", "load test");
    transact(&store.store(), |tx| change(tx, ConfigTable::ROUNDS, LIMIT, value, by, store.now()))
}

#[test]
fn a_row_that_no_operator_touched_follows_the_environment_at_each_start() {
    on_each_engine(|store| {
        assert_eq!((limit(store), source(store).as_str()), (20, "default"));
        seed(store, &[(LIMIT.key, "50", true)]);
        assert_eq!((limit(store), source(store).as_str()), (50, "environment"));
        seed(store, &[(LIMIT.key, "60", true)]);
        assert_eq!((limit(store), source(store).as_str()), (60, "environment"));
        // The variable is gone at this start.
        seed(store, &[(LIMIT.key, "20", false)]);
        assert_eq!((limit(store), source(store).as_str()), (20, "default"));
    });
}

#[test]
fn an_operators_value_takes_effect_at_once_and_stays_through_later_starts() {
    on_each_engine(|store| {
        seed(store, &[(LIMIT.key, "50", true)]);
        assert_eq!(change_limit(store, 70), "50");
        assert_eq!((limit(store), source(store).as_str()), (70, "operator"));
        seed(store, &[(LIMIT.key, "60", true)]);
        store.reopen();
        assert_eq!((limit(store), source(store).as_str()), (70, "operator"));
    });
}

#[test]
fn a_hand_typed_value_stays_too() {
    on_each_engine(|store| {
        type_sql(&store.store(), "UPDATE rounds_config SET value='80' WHERE key='entries_limit'");
        seed(store, &[(LIMIT.key, "60", true)]);
        assert_eq!((limit(store), source(store).as_str()), (80, "operator"));
    });
}

#[test]
fn a_row_that_is_damaged_or_missing_counts_as_the_default() {
    on_each_engine(|store| {
        for value in ["0", "1001", "-1", "", "many", "2e1", "99999999999999999999"] {
            let sql = format!("UPDATE rounds_config SET value='{value}' WHERE key='entries_limit'");
            type_sql(&store.store(), &sql);
            assert_eq!(limit(store), 20, "{value:?}");
        }
        type_sql(&store.store(), "UPDATE rounds_config SET value='1000' WHERE key='entries_limit'");
        assert_eq!(limit(store), 1_000);
        type_sql(&store.store(), "DELETE FROM rounds_config WHERE key='entries_limit'");
        assert_eq!(limit(store), 20);
    });
}

#[test]
fn changes_by_the_environment_and_by_operators_are_recorded_and_seeding_is_not() {
    on_each_engine(|store| {
        assert_eq!(unfolded(store), []);
        seed(store, &[(LIMIT.key, "50", true)]);
        seed(store, &[(LIMIT.key, "50", true)]);
        change_limit(store, 70);
        let parts = |change: bursar_control::Change| (change.old, change.new, change.source, change.actor);
        let recorded: Vec<_> = unfolded(store).into_iter().map(parts).collect();
        let text = |text: &str| Some(text.to_owned());
        let wanted = [
            (text("20"), text("50"), text("environment"), None),
            (text("50"), text("70"), text("operator"), text("alice")),
        ];
        assert_eq!(recorded, wanted);
    });
}

#[test]
fn a_setting_without_a_row_cannot_be_changed() {
    on_each_engine(|store| {
        let unknown = bursar_control::settings::Setting { key: "unknown", ..LIMIT };
        let refused = store
            .store()
            .transact("t", |tx| change(tx, ConfigTable::ROUNDS, unknown, 5, ("alice", "x"), store.now()));
        assert!(refused.unwrap_err().to_string().contains("unknown"));
    });
}
