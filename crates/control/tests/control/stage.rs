//! A rounds desk's table with one switch and one setting, and short ways to read and change them.

use bursar_control::settings::{self, Setting, SettingRow};
use bursar_control::{
    Change, ConfigTable, ControlFile, Switch, SwitchChange, SwitchState, Switchboard, unfolded_changes,
};
use bursar_store::{EngineKind, Migration, Store, StoreError, Timestamp, Tx};
use bursar_test_stores::TestStore;

pub const JOINS: Switch = Switch { desk: "rounds", key: "pause_joins", variable: "PANCHO_PAUSE_JOINS" };
pub const SETTLE: Switch =
    Switch { desk: "rounds", key: "pause_settle_api", variable: "PANCHO_PAUSE_SETTLE_API" };
pub const LIMIT: Setting = Setting {
    key: "entries_limit",
    variable: "ENTRIES_LIMIT",
    min: 1,
    max: 1_000,
    default: 20,
    description: "Entries a minute.",
};

/// Runs `test` on each engine, with both switches running and the limit at its default.
pub fn on_each_engine(mut test: impl FnMut(&TestStore)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        test(&seeded(kind));
    }
}

pub fn migrations(kind: EngineKind) -> Vec<Migration> {
    let table = ConfigTable::ROUNDS.migration("rounds/0001_config", kind);
    bursar_control::MIGRATIONS.into_iter().chain([table]).collect()
}

pub fn seeded(kind: EngineKind) -> TestStore {
    let store = TestStore::with(kind, &migrations(kind), |_| {});
    seed(&store, &[(LIMIT.key, "20", false), (JOINS.key, "off", false), (SETTLE.key, "off", false)]);
    store
}

/// Seeds rows of (key, value, whether the environment said so), as a start of the server does.
pub fn seed(store: &TestStore, rows: &[(&str, &str, bool)]) {
    let rows: Vec<_> = rows.iter().map(|(key, value, set)| (*key, (*value).to_owned(), "", *set)).collect();
    transact(&store.store(), |tx| settings::seed(tx, ConfigTable::ROUNDS, &rows, store.now()));
}

pub fn transact<T>(store: &Store, work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> T {
    store.transact("test.control", work).unwrap()
}

/// A statement as somebody types it.
pub fn type_sql(store: &Store, sql: &str) {
    transact(store, |tx| tx.batch_execute(sql));
}

pub fn no_stops() -> Switchboard {
    Switchboard::new([], None)
}

/// What a transaction of `board` sees of `switch`.
pub fn state(store: &TestStore, board: &Switchboard, switch: Switch) -> SwitchState {
    transact(&store.store(), |tx| board.read(tx, ConfigTable::ROUNDS, &[switch], store.now()))[0]
}

pub fn joins(store: &TestStore) -> SwitchState {
    state(store, &no_stops(), JOINS)
}

/// Stops or resumes joins as operator alice.
pub fn set_joins(store: &TestStore, stop: bool, expires_at: Option<Timestamp>) {
    transact(&store.store(), |tx| Switchboard::set(tx, &[change_of_joins(stop, expires_at)], store.now()));
}

pub fn change_of_joins(stop: bool, expires_at: Option<Timestamp>) -> SwitchChange<'static> {
    let (actor, reason) = ("alice", "drill");
    SwitchChange { table: ConfigTable::ROUNDS, switch: JOINS, stop, actor, reason, expires_at }
}

pub fn control_file(store: &TestStore) -> ControlFile {
    ControlFile::beside(&store.folder().expect("an embedded database").join("test.db"))
}

pub fn unfolded(store: &TestStore) -> Vec<Change> {
    transact(&store.store(), |tx| unfolded_changes(tx, 100))
}

pub fn row(store: &TestStore, key: &str) -> SettingRow {
    let rows = transact(&store.store(), |tx| settings::rows(tx, ConfigTable::ROUNDS));
    rows.into_iter().find(|row| row.key == key).unwrap()
}
