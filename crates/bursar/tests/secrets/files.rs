//! Secrets in files, as a secret store mounts them.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::evidence::Evidence;
use crate::harness::{Place, Server, Setup, Tool};

/// The files of one test.
pub struct Files(TempDir);

impl Files {
    pub fn new() -> Files {
        Files(TempDir::new().unwrap())
    }

    /// Writes the file of `name` in one step, so that no reader sees half of it.
    pub fn put(&self, name: &str, secret: &str) {
        let fresh = self.path("fresh");
        std::fs::write(&fresh, format!("{secret}\n")).unwrap();
        std::fs::rename(fresh, self.path(name)).unwrap();
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    /// Puts `secret` in the place of `old`, which stays valid as the predecessor.
    pub fn rotate(&self, name: &str, old: &str, secret: &str) {
        self.put(&format!("{name}_PREVIOUS"), old);
        self.put(name, secret);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `setup` with the secret of `name`, and a place for its predecessor.
    pub fn secret(&self, setup: Setup, name: &str, secret: &str) -> Setup {
        self.put(name, secret);
        let previous = format!("{name}_PREVIOUS");
        setup
            .env(&format!("{name}_FILE"), self.path(name).to_str().unwrap())
            .env(&format!("{previous}_FILE"), self.path(&previous).to_str().unwrap())
    }

    /// `setup` with the URL of `name`, which has no predecessor.
    pub fn url(&self, setup: Setup, name: &str, url: &str) -> Setup {
        self.put(name, url);
        setup.without(name).env(&format!("{name}_FILE"), self.path(name).to_str().unwrap())
    }
}

/// `bursar secrets reload` beside `server`, which must be accepted.
#[track_caller]
pub fn reload(server: &Server) -> Value {
    Tool::beside(server).json(&["secrets", "reload", "--reason", "drill", "--actor", "ann"])
}

/// Sends SIGHUP.
pub fn hang_up(server: &Server) {
    let pid = server.pid().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
}

/// Waits until something is so. Real time.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < patience, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The audit events of this name: actor, target and payload, oldest first.
pub fn events(place: &Place, name: &str) -> Vec<(String, String, Value)> {
    let evidence = Evidence::of(place);
    let sql = "SELECT actor, target_id, CAST(payload AS TEXT) FROM audit_events WHERE event = $1 ORDER BY id";
    evidence.read(|tx| {
        tx.query(sql, &[name.into()], |row| {
            let payload: String = row.get(2)?;
            Ok((row.get(0)?, row.get(1)?, serde_json::from_str(&payload).unwrap()))
        })
    })
}
