//! Where a test's database is: a folder of its own, or a database of its own in the PostgreSQL of the tests.

use std::path::{Path, PathBuf};

use postgres::{Client, NoTls};
use tempfile::TempDir;

/// Names the cluster: the URL of a user who may create databases.
const VARIABLE: &str = "BURSAR_TEST_POSTGRES";

/// A database of one test; dropping it deletes it. It outlives servers that are killed and started again.
pub struct Place {
    folder: TempDir,
    database: Option<String>,
}

impl Place {
    /// An embedded database.
    pub fn sqlite() -> Place {
        Place { folder: TempDir::new().unwrap(), database: None }
    }

    /// A fresh database in the cluster that `BURSAR_TEST_POSTGRES` names.
    pub fn postgres() -> Place {
        let name = format!("bursar_server_{}", uuid::Uuid::now_v7().simple());
        client(&cluster())
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .expect("a database for the test");
        Place { folder: TempDir::new().unwrap(), database: Some(name) }
    }

    /// Runs `test` on both engines.
    pub fn for_each_engine(mut test: impl FnMut(&Place)) {
        for place in [Place::sqlite, Place::postgres] {
            let place = place();
            println!("on {}", place.url());
            test(&place);
        }
    }

    /// For `DATABASE_URL`.
    pub fn url(&self) -> String {
        match &self.database {
            None => format!("sqlite:{}", self.file().display()),
            Some(name) => url_of(name),
        }
    }

    /// The embedded database's file (there is none on PostgreSQL).
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("bursar.db")
    }

    /// A folder that goes with the database.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of its server's backups.
    pub fn backups(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    /// Whether it is an embedded one.
    pub fn is_embedded(&self) -> bool {
        self.database.is_none()
    }

    /// A connection to the test's database on PostgreSQL, as a person with psql has.
    pub fn psql(&self) -> Client {
        client(&self.url())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(name) = &self.database {
            // A test that fails is reported by its own panic.
            let _ = client(&cluster()).batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

fn client(url: &str) -> Client {
    Client::connect(url, NoTls).unwrap_or_else(|error| panic!("the PostgreSQL of {VARIABLE}: {error}"))
}

fn cluster() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| {
        panic!("{VARIABLE} is not set: run ./test, or name a PostgreSQL whose user may create databases")
    })
}

fn url_of(name: &str) -> String {
    let cluster = cluster();
    let (before, query) =
        cluster.split_once('?').map_or((&*cluster, String::new()), |(url, query)| (url, format!("?{query}")));
    let host = before.rsplit_once('/').map_or(before, |(host, _)| host);
    format!("{host}/{name}{query}")
}
