//! Throwaway stores on both engines for tests: a fresh database each, gone at the end, on a clock the test sets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests and what only tests use")]

mod cluster;
mod faults;
#[cfg(feature = "objects")]
pub mod object_server;
mod place;
mod test_store;

pub use faults::ScriptedFaults;
pub use test_store::{START_MS, TestStore};

use bursar_store::{EngineKind, Migration, StoreOptions};

/// Runs `test` on a fresh store of each engine, with `migrations` applied.
pub fn for_each_engine(migrations: &[Migration], test: impl FnMut(&TestStore)) {
    for_each_engine_with(migrations, |_| {}, test);
}

/// Like [`for_each_engine`], with a fault layer in which `test` plans what goes wrong.
pub fn for_each_engine_with_faults(
    migrations: &[Migration],
    mut test: impl FnMut(&TestStore, &ScriptedFaults),
) {
    let faults = ScriptedFaults::new();
    for_each_engine_with(
        migrations,
        |options| options.faults = Some(faults.clone()),
        |store| test(store, &faults),
    );
}

/// Like [`for_each_engine`], with `options` changed before each store is opened.
pub fn for_each_engine_with(
    migrations: &[Migration],
    options: impl Fn(&mut StoreOptions),
    mut test: impl FnMut(&TestStore),
) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        // Captured by the test runner, and shown when the test fails.
        println!("on {kind:?}");
        test(&TestStore::with(kind, migrations, &options));
    }
}
