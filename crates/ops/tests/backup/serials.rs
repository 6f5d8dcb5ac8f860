//! Tables that number their rows go on behind the last number, whatever became of their sequence.

use bursar_store::{DatabaseUrl, EngineKind, OpenMode, Store, StoreError, StoreOptions};
use bursar_test_stores::TestStore;

use crate::town::{ENGINES, Empty, Town};

/// A change that a trigger numbers.
const CHANGE: &str = "INSERT INTO platform_config (key, value) VALUES ('after', 'on')";

fn run(test: &TestStore, sql: &str) {
    test.store().transact("test.run", |tx| tx.batch_execute(sql)).unwrap();
}

/// The database of `test` as `role`, who needs no password here.
fn as_role(test: &TestStore, role: &str) -> DatabaseUrl {
    let DatabaseUrl::Postgres(url) = test.url() else { panic!("no server") };
    let (scheme, rest) = url.split_once("://").unwrap();
    let place = rest.split_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{role}@{place}").parse().unwrap()
}

#[test]
fn a_user_who_may_not_read_a_sequence_makes_no_backup_that_would_number_rows_twice() {
    let town = Town::on(EngineKind::Postgres);
    let role = format!("reader_{}", uuid::Uuid::now_v7().simple());
    run(
        &town.test,
        &format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"),
    );
    let back_up = || town.try_back_up_by(&as_role(&town.test, &role), &town.target(), &|| true);
    let refused = back_up();
    run(&town.test, &format!("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"));
    let made = back_up();
    run(&town.test, &format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("GRANT SELECT ON ALL SEQUENCES"), "{refused}");
    assert_eq!(town.findings(&made.unwrap().name), [""; 0]);
}

#[test]
fn a_table_whose_sequence_was_lost_goes_on_behind_its_highest_row_after_a_restore() {
    for to in ENGINES {
        let (town, empty) = (Town::on(EngineKind::Postgres), Empty::on(to));
        run(&town.test, "SELECT setval(pg_get_serial_sequence('control_changes', 'id'), 1, false)");
        let name = town.back_up().name;
        town.try_restore(&name, town.lock(), &empty.url).unwrap();
        let store = Store::open(&empty.url, StoreOptions::new(OpenMode::Tool)).unwrap();
        let changed: Result<(), StoreError> = store.transact("test.change", |tx| tx.batch_execute(CHANGE));
        changed.unwrap();
    }
}
