//! The real command line beside a measurement.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The program with the variables that it runs under.
#[derive(Clone)]
pub struct Tool {
    /// The binary.
    pub program: PathBuf,
    /// Its environment.
    pub variables: Vec<(String, String)>,
}

impl Tool {
    /// The program on `database`, with its backups in `folder`.
    pub fn new(program: &Path, database: &str, folder: &Path) -> Tool {
        let folder = folder.display().to_string();
        let variables = [
            ("BURSAR_ENV", "dev"),
            ("BURSAR_DESKS", "rounds"),
            ("DATABASE_URL", database),
            ("BACKUP_DIR", &folder),
        ];
        let variables = variables.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        Tool { program: program.to_owned(), variables }
    }

    /// Runs a command that must succeed, and reads its JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut command = Command::new(&self.program);
        let output = command.args(arguments).env_clear().envs(self.variables.iter().cloned()).output();
        let output =
            output.expect("the command line starts: build it with `cargo build --release -p bursar`");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {words}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

/// A new database on the server behind `url`; left there, as the server is a throwaway one.
pub fn fresh_database(url: &str) -> String {
    let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
    let made = Command::new("psql").args([url, "-q", "-c", &format!("CREATE DATABASE {name}")]).status();
    assert!(made.expect("psql runs").success(), "a database can be made");
    let (base, _) = url.rsplit_once('/').expect("a URL with a database");
    format!("{base}/{name}")
}

/// Removes what [`fresh_database`] made.
pub fn drop_database(url: &str, database: &str) {
    let (_, name) = database.rsplit_once('/').expect("a URL with a database");
    let sql = format!("DROP DATABASE {name} WITH (FORCE)");
    let dropped = Command::new("psql").args([url, "-q", "-c", &sql]).status();
    assert!(dropped.expect("psql runs").success(), "the database can be dropped");
}
