//! A store on a database of its own, on a clock that the test sets.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bursar_store::{Clock, DatabaseUrl, EngineKind, Migration, OpenMode, Store, StoreOptions, Timestamp};

use crate::place::Place;

/// Where the clock of every test store starts, in Unix milliseconds: 2023-11-14 22:13:20 UTC.
pub const START_MS: i64 = 1_700_000_000_000;

/// A fresh store, opened as a server's. Dropping it deletes its database.
pub struct TestStore {
    // Closed before the database goes: fields are dropped in their order.
    store: Mutex<Option<Arc<Store>>>,
    options: StoreOptions,
    clock_ms: Arc<AtomicI64>,
    place: Place,
}

impl TestStore {
    /// A SQLite database in a temporary folder, with the store's own tables only.
    #[must_use]
    pub fn sqlite() -> TestStore {
        TestStore::with(EngineKind::Sqlite, &[], |_| {})
    }

    /// A database of its own in the cluster of `BURSAR_TEST_POSTGRES`, with the store's own tables only.
    #[must_use]
    pub fn postgres() -> TestStore {
        TestStore::with(EngineKind::Postgres, &[], |_| {})
    }

    /// A store with `migrations` applied. `options` may change how it is opened: a server with 2 reading connections
    /// and the simulated clock of [`TestStore::set_time`].
    #[must_use]
    pub fn with(
        kind: EngineKind,
        migrations: &[Migration],
        options: impl FnOnce(&mut StoreOptions),
    ) -> TestStore {
        let test = TestStore::open(Place::fresh(kind, Some(migrations)), options);
        if kind == EngineKind::Sqlite {
            // Without the caller's faults, which are for the test and not for its preparation.
            test.another(|options| options.faults = None).migrate(migrations).expect("the test's migrations");
        }
        test
    }

    /// A store without any table, not even the store's own: for tests of migrations.
    #[must_use]
    pub fn unmigrated(kind: EngineKind) -> TestStore {
        TestStore::open(Place::fresh(kind, None), |_| {})
    }

    fn open(place: Place, options: impl FnOnce(&mut StoreOptions)) -> TestStore {
        let clock_ms = Arc::new(AtomicI64::new(START_MS));
        let mut chosen = StoreOptions::new(OpenMode::Server);
        chosen.clock = Clock::Simulated(Arc::clone(&clock_ms));
        chosen.sqlite_readers = 2;
        chosen.sqlite_cache_kib = 4_096;
        options(&mut chosen);
        let store = Store::open(&place.url(), chosen.clone()).expect("the test's store opens");
        TestStore { store: Mutex::new(Some(Arc::new(store))), options: chosen, clock_ms, place }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> Arc<Store> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(store.as_ref().expect("the store is open"))
    }

    /// Which engine it is on.
    #[must_use]
    pub fn kind(&self) -> EngineKind {
        self.store().kind()
    }

    /// The address of its database.
    #[must_use]
    pub fn url(&self) -> DatabaseUrl {
        self.place.url()
    }

    /// The folder that holds an embedded database, for files beside it.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Folder(folder) => Some(folder.path()),
            Place::Database(..) => None,
        }
    }

    /// Closes the store and opens it again with the same options, as a restarted server does.
    pub fn reopen(&self) -> Arc<Store> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let last = store.take().map(Arc::try_unwrap);
        assert!(matches!(last, Some(Ok(_))), "drop every clone of the store before it is reopened");
        drop(last);
        let opened = Store::open(&self.url(), self.options.clone()).expect("the test's store opens again");
        Arc::clone(store.insert(Arc::new(opened)))
    }

    /// A second handle on the same database, as another process has: a tool beside the server on SQLite. It has the
    /// same clock unless `options` changes that.
    #[must_use]
    pub fn another(&self, options: impl FnOnce(&mut StoreOptions)) -> Arc<Store> {
        let mut chosen = StoreOptions { mode: OpenMode::Tool, ..self.options.clone() };
        options(&mut chosen);
        Arc::new(Store::open(&self.url(), chosen).expect("a second handle opens"))
    }

    /// Sets the simulated clock, backwards too.
    pub fn set_time(&self, now: Timestamp) {
        self.clock_ms.store(now.ms(), Ordering::SeqCst);
    }

    /// Moves the simulated clock forward and says what it then shows.
    pub fn advance_ms(&self, ms: i64) -> Timestamp {
        Timestamp::from_ms(self.clock_ms.fetch_add(ms, Ordering::SeqCst) + ms)
    }

    /// What the simulated clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.clock_ms.load(Ordering::SeqCst))
    }
}

impl fmt::Debug for TestStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestStore")
            .field("url", &self.url())
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}
