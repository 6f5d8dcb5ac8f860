//! Stores with the tables that the desk room stands on.

use std::sync::Arc;

use bursar_audit::{EventFilter, StoredEvent, events};
use bursar_control::settings::Setting;
use bursar_control::{ConfigTable, Switch, settings};
use bursar_store::{Clock, EngineKind, Migration, Store, Timestamp, Tx};
use bursar_test_stores::{START_MS, TestStore};

pub const STOP: Switch = Switch { desk: "rounds", key: "stop", variable: "STOP" };
pub const LIMIT: Setting =
    Setting { key: "limit", variable: "LIMIT", min: 0, max: 100, default: 3, description: "calls" };
pub const WINDOW: Setting = Setting {
    key: "window_ms",
    variable: "WINDOW",
    min: 1,
    max: 60_000,
    default: 2_000,
    description: "length",
};

fn migrations(kind: EngineKind) -> Vec<Migration> {
    let mut all = bursar_control::MIGRATIONS.to_vec();
    all.extend(bursar_audit::MIGRATIONS);
    all.extend(bursar_desk::MIGRATIONS);
    all.push(ConfigTable::ROUNDS.migration("rounds/0000_config", kind));
    all
}

/// Runs `test` on both engines, on the simulated clock.
pub fn on_each_engine(mut test: impl FnMut(&TestStore)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        let store = TestStore::with(kind, &migrations(kind), |_| {});
        seed(&store.store());
        test(&store);
    }
}

/// Runs `test` on both engines, on a manual clock that starts at [`START_MS`].
pub fn by_manual_clock(mut test: impl FnMut(&TestStore)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        let manual = Clock::Manual(Timestamp::from_ms(START_MS));
        test(&TestStore::with(kind, &migrations(kind), |options| options.clock = manual));
    }
}

/// Runs `test` on both engines, on real time.
pub fn in_real_time(mut test: impl FnMut(&TestStore)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        test(&TestStore::with(kind, &migrations(kind), |options| options.clock = Clock::System));
    }
}

fn seed(store: &Store) {
    let rows = [
        ("stop", "off".to_owned(), "a switch", false),
        ("limit", "3".to_owned(), "calls", false),
        ("window_ms", "2000".to_owned(), "length", false),
    ];
    write(store, |tx, now| settings::seed(tx, ConfigTable::ROUNDS, &rows, now));
}

/// One transaction with its time.
pub fn write(
    store: &Store,
    mut work: impl FnMut(&mut Tx<'_>, Timestamp) -> Result<(), bursar_store::StoreError>,
) {
    store
        .transact("test.write", |tx| {
            let now = tx.reading()?;
            work(tx, now)
        })
        .unwrap();
}

/// Every audit event, oldest first.
pub fn audit(store: &Arc<Store>) -> Vec<StoredEvent> {
    store.read("test.audit", |tx| events(tx, &EventFilter::default())).unwrap()
}
