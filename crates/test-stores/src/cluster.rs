//! The PostgreSQL cluster of the tests: databases cut from templates that are migrated once.

use std::hash::{DefaultHasher, Hash, Hasher};

use bursar_store::{DatabaseUrl, EngineKind, Migration, OpenMode, Store, StoreOptions};
use postgres::{Client, NoTls};
use uuid::Uuid;

/// Names the cluster: a connection URL of a user who may create databases.
const VARIABLE: &str = "BURSAR_TEST_POSTGRES";
/// The store's own first migration, so that a template made from another text is not used.
const BASE: &str = include_str!("../../store/migrations/0001_base.sql");
/// Held while a template is made: test processes run at the same time and each template is made once.
const TEMPLATE_LOCK: i64 = 0x6275_7273_6172;

/// The cluster, with a connection to its maintenance database.
pub struct Cluster {
    url: String,
    client: Client,
}

impl Cluster {
    /// The cluster that the environment names.
    pub fn from_environment() -> Cluster {
        let url = std::env::var(VARIABLE).unwrap_or_else(|_| {
            panic!(
                "{VARIABLE} is not set, so there is no PostgreSQL for this test: run ./test, which starts one, \
                 or start PostgreSQL and set {VARIABLE}=postgres://USER@HOST:PORT/postgres"
            )
        });
        let client = Client::connect(&url, NoTls)
            .unwrap_or_else(|error| panic!("the PostgreSQL of {VARIABLE} does not answer: {error}"));
        Cluster { url, client }
    }

    /// A new database, with `migrations` applied unless there are none; its name.
    pub fn create_database(&mut self, migrations: Option<&[Migration]>) -> String {
        let name = random_name();
        let template = migrations.map_or("template1".to_owned(), |migrations| self.template(migrations));
        self.batch(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        name
    }

    /// Deletes a database, whoever is still connected to it.
    pub fn drop_database(&mut self, name: &str) {
        // A test that fails is reported by its own panic; one more here would abort the process.
        if let Err(error) = self.client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")) {
            eprintln!("the test database {name} is left behind: {error}");
        }
    }

    /// The URL of another database of the cluster.
    pub fn url_of(&self, name: &str) -> DatabaseUrl {
        let (before, options) = self.url.split_once('?').map_or((&*self.url, ""), |(url, rest)| (url, rest));
        let host = before.rsplit_once('/').map_or(before, |(host, _)| host);
        let query = if options.is_empty() { String::new() } else { format!("?{options}") };
        format!("{host}/{name}{query}").parse().expect("a database URL")
    }

    /// The template of `migrations`, made when it is not there.
    fn template(&mut self, migrations: &[Migration]) -> String {
        let template = template_name(migrations);
        if !self.exists(&template) {
            self.batch(&format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})"));
            if !self.exists(&template) {
                self.make_template(&template, migrations);
            }
            self.batch(&format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})"));
        }
        template
    }

    /// Migrates under another name first: a template has its name only when it is complete.
    fn make_template(&mut self, template: &str, migrations: &[Migration]) {
        let name = self.create_database(None);
        let store =
            Store::open(&self.url_of(&name), StoreOptions::new(OpenMode::Tool)).expect("the template");
        store.migrate(migrations).expect("migrations of the template");
        drop(store);
        self.batch(&format!("ALTER DATABASE {name} RENAME TO {template}"));
    }

    fn exists(&mut self, name: &str) -> bool {
        let sql = "SELECT 1 FROM pg_database WHERE datname = $1";
        !self.client.query(sql, &[&name]).expect("the list of databases").is_empty()
    }

    fn batch(&mut self, sql: &str) {
        self.client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}

fn random_name() -> String {
    format!("bursar_test_{}", Uuid::now_v7().simple())
}

fn template_name(migrations: &[Migration]) -> String {
    let mut hasher = DefaultHasher::new();
    BASE.hash(&mut hasher);
    for migration in migrations {
        (migration.name, migration.epoch, migration.sql_for(EngineKind::Postgres)).hash(&mut hasher);
    }
    format!("bursar_template_{:016x}", hasher.finish())
}
