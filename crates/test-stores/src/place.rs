//! Where one test's database is, and how it goes away.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bursar_store::{DatabaseUrl, EngineKind, Migration};
use tempfile::TempDir;

use crate::cluster::Cluster;

/// A database of one test; dropping it deletes it.
pub enum Place {
    /// A folder of its own.
    Folder(TempDir),
    /// A database of this name; the cluster's connection waits to delete it.
    Database(Box<Mutex<Cluster>>, String),
}

impl Place {
    /// A new database, without a table; on PostgreSQL it has `migrations` already when there are any to apply.
    pub fn fresh(kind: EngineKind, migrations: Option<&[Migration]>) -> Place {
        match kind {
            EngineKind::Sqlite => Place::Folder(tempfile::tempdir().expect("a temporary folder")),
            EngineKind::Postgres => {
                let mut cluster = Cluster::from_environment();
                let name = cluster.create_database(migrations);
                Place::Database(Box::new(Mutex::new(cluster)), name)
            }
        }
    }

    pub fn url(&self) -> DatabaseUrl {
        match self {
            Place::Folder(folder) => DatabaseUrl::Sqlite(folder.path().join("test.db")),
            Place::Database(cluster, name) => lock(cluster).url_of(name),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        match self {
            Place::Folder(_) => {}
            Place::Database(cluster, name) => lock(cluster).drop_database(name),
        }
    }
}

fn lock(cluster: &Mutex<Cluster>) -> MutexGuard<'_, Cluster> {
    cluster.lock().unwrap_or_else(PoisonError::into_inner)
}
