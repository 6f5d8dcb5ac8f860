//! A migrated database that no server has started on, and command lines run against it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::commands::{CommandError, Context, Verb, aliases, run};
use bursar::config::Source;
use bursar::schema::migrations;
use bursar_audit::{EventFilter, StoredEvent, events};
use bursar_control::ControlFile;
use bursar_store::{DatabaseUrl, EngineKind, FromColumn};
use bursar_test_stores::TestStore;
use clap::Parser;
use serde_json::Value;

/// What somebody typed, as the program reads it.
#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    verb: Verb,
}

/// A database and whoever sits in front of it: the system user `ann`.
pub struct Scene {
    pub test: TestStore,
    environment: BTreeMap<String, String>,
    words: Arc<Mutex<Vec<String>>>,
}

/// Runs `test` on each engine.
pub fn on_each_engine(test: impl Fn(&Scene)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        test(&Scene::on(kind));
    }
}

impl Scene {
    /// A migrated database.
    pub fn on(kind: EngineKind) -> Scene {
        Scene::of(TestStore::with(kind, &migrations(kind), |_| {}))
    }

    /// The configuration names the database of `test` and the rounds desk only.
    pub fn of(test: TestStore) -> Scene {
        let environment = [("DATABASE_URL", text(&test.url())), ("BURSAR_DESKS", "rounds".to_owned())];
        let environment = environment.map(|(name, value)| (name.to_owned(), value));
        Scene { test, environment: environment.into(), words: Arc::default() }
    }

    /// The database as `--database` takes it.
    pub fn url(&self) -> String {
        text(&self.test.url())
    }

    /// Runs a command line, such as `ops pause all`.
    pub fn run(&self, line: &str) -> Result<Value, CommandError> {
        self.run_with(&[], line)
    }

    /// The same with more variables in the environment.
    pub fn run_with(&self, variables: &[(&str, &str)], line: &str) -> Result<Value, CommandError> {
        let mut environment = self.environment.clone();
        environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let words = Arc::clone(&self.words);
        let verb = parse(line).unwrap_or_else(|usage| panic!("{line}: {usage}"));
        let context = Context::new(move || Source::new(environment.clone()), "ann")
            .with_database(verb.database())
            .with_patience(Duration::from_millis(100))
            .with_words(move |text| words.lock().unwrap().push(text.to_owned()));
        run(&verb, &context)
    }

    /// The answer of a command that must say yes.
    #[track_caller]
    pub fn yes(&self, line: &str) -> Value {
        let answer = self.run(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(answer.is_string() || answer["ok"] == true, "{line}: {answer}");
        answer
    }

    /// What stdout and stderr show of a command that must exit with 1.
    #[track_caller]
    pub fn no(&self, line: &str) -> (Value, String) {
        self.no_with(&[], line)
    }

    /// The same with more variables in the environment.
    #[track_caller]
    pub fn no_with(&self, variables: &[(&str, &str)], line: &str) -> (Value, String) {
        match self.run_with(variables, line) {
            Ok(answer) => panic!("{line}: {answer}"),
            Err(error) => {
                assert_eq!(error.answer()["ok"], false, "{line}");
                (error.answer(), error.to_string())
            }
        }
    }

    /// What was said to the person at the terminal so far.
    pub fn words(&self) -> String {
        self.words.lock().unwrap().join("\n")
    }

    /// The first column of the rows of a query, on the server's own connection.
    pub fn column<T: FromColumn>(&self, sql: &'static str) -> Vec<T> {
        self.test.store().read("test.column", |tx| tx.query(sql, &[], |row| row.get(0))).unwrap()
    }

    /// Runs statements on the server's own connection.
    pub fn execute(&self, sql: &str) {
        self.test.store().transact("test.execute", |tx| tx.batch_execute(sql)).unwrap();
    }

    /// The audit log, oldest first.
    pub fn events(&self) -> Vec<StoredEvent> {
        self.test.store().read("test.events", |tx| events(tx, &EventFilter::default())).unwrap()
    }

    /// The file of an embedded database.
    pub fn file(&self) -> PathBuf {
        match self.test.url() {
            DatabaseUrl::Sqlite(path) => path,
            DatabaseUrl::Postgres(_) => panic!("not embedded"),
        }
    }

    /// The control file of an embedded database.
    pub fn control_file(&self) -> ControlFile {
        ControlFile::beside(&self.file())
    }
}

/// Reads a command line as the program does.
pub fn parse(line: &str) -> Result<Verb, clap::Error> {
    let words = std::iter::once("bursar").chain(line.split_whitespace());
    Line::try_parse_from(aliases::rewrite(words.map(OsString::from))).map(|line| line.verb)
}

fn text(url: &DatabaseUrl) -> String {
    match url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.clone(),
    }
}
