//! Databases to measure on: a fresh SQLite file, or a fresh database in a PostgreSQL cluster.

use std::path::PathBuf;
use std::sync::Arc;

use bursar_control::{ConfigTable, settings};
use bursar_store::{Clock, DatabaseUrl, EngineKind, OpenMode, Store, StoreOptions, Timestamp};
use clap::Args;

/// Which database.
#[derive(Args, Clone, Default)]
pub struct Database {
    /// A database URL; without one, a SQLite file in a folder that is deleted at the end.
    #[arg(long)]
    pub database: Option<String>,
}

/// An open store and what has to live as long as it.
pub struct Opened {
    pub store: Arc<Store>,
    folder: Option<tempfile::TempDir>,
}

impl Opened {
    /// A file that lives as long as the measurement, beside the database where that is one.
    pub fn file(&self, name: &str) -> PathBuf {
        let own = self.folder.as_ref().map(|folder| folder.path().join(name));
        own.unwrap_or_else(|| std::env::temp_dir().join(format!("{}-{name}", uuid::Uuid::new_v4())))
    }
}

impl Database {
    /// Opens it with every table there and limits raised.
    pub fn open(&self, clock: Clock) -> Opened {
        let (url, folder) = match &self.database {
            Some(url) => (url.parse().expect("a database URL"), None),
            None => {
                let folder = tempfile::tempdir_in(".").expect("a folder");
                let path: PathBuf = folder.path().join("bench.db");
                (DatabaseUrl::Sqlite(path), Some(folder))
            }
        };
        let options = StoreOptions { clock, ..StoreOptions::new(OpenMode::Server) };
        let store = Arc::new(Store::open(&url, options).expect("the database opens"));
        migrate(&store);
        Opened { store, folder }
    }
}

fn migrate(store: &Store) {
    let mut migrations = bursar_ledger::MIGRATIONS.to_vec();
    migrations.extend(bursar_control::MIGRATIONS);
    migrations.extend(bursar_audit::MIGRATIONS);
    migrations.extend(bursar_rounds::migrations(store.kind()));
    store.migrate(&migrations).expect("migrations run");
    let rows: Vec<_> = bursar_rounds::settings::all()
        .into_iter()
        .map(|setting| {
            let raised = if setting.key.ends_with("_limit") { setting.max } else { setting.default };
            (setting.key, raised.to_string(), setting.description, true)
        })
        .chain(
            bursar_rounds::settings::SWITCHES
                .iter()
                .map(|switch| (switch.key, "off".into(), "switch", false)),
        )
        .collect();
    store
        .transact("bench.seed", |tx| settings::seed(tx, ConfigTable::ROUNDS, &rows, Timestamp::from_ms(0)))
        .expect("settings are seeded");
    let engine = match store.kind() {
        EngineKind::Sqlite => "SQLite, WAL, synchronous=FULL",
        EngineKind::Postgres => "PostgreSQL, synchronous_commit=on",
    };
    println!("engine: {engine}");
}
