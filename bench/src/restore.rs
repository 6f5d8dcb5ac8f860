//! How long a backup of a given size takes to be made, proven, and restored into either engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use bursar_audit::{Recorder, SaltKey};
use bursar_control::Switchboard;
use bursar_rounds::join::JoinWork;
use bursar_store::Clock;
use bursar_store::lane::run_batch;
use clap::Args;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;

use crate::database::Database;
use crate::joins::{START_MS, batch};
use crate::tool::{Tool, drop_database, fresh_database};

/// How large, and where to.
#[derive(Args, Clone)]
pub struct Options {
    /// Entries in the database that is backed up; 1,600,000 make about a gigabyte.
    #[arg(long, default_value_t = 1_600_000)]
    pub entries: usize,
    /// The program's binary.
    #[arg(long, default_value = "target/release/bursar")]
    pub server: PathBuf,
    /// A PostgreSQL server where databases may be made and dropped; without one only the embedded engine is measured.
    #[arg(long)]
    pub postgres: Option<String>,
    /// Fail when a restore takes longer.
    #[arg(long)]
    pub max_seconds: Option<f64>,
}

/// Runs the measurement.
pub fn run(options: &Options) {
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let path = folder.path().join("full.db");
    let database = format!("sqlite:{}", path.display());
    fill(&database, options.entries);
    let tool = Tool::new(&options.server, &database, &folder.path().join("backups"));
    let made = timed("backup create", || tool.json(&["backup", "create"]));
    let bytes = made["sizeBytes"].as_f64().expect("a size");
    println!("backup: {:.0} MB, {} rows, {} entries", bytes / 1e6, made["rows"], options.entries);
    timed("backup verify (into a scratch store)", || tool.json(&["backup", "verify"]));
    let restored = format!("sqlite:{}", folder.path().join("restored.db").display());
    restore("SQLite", &tool, &restored, bytes, options.max_seconds);
    if let Some(server) = &options.postgres {
        let to = fresh_database(server);
        restore("PostgreSQL", &tool, &to, bytes, options.max_seconds);
        drop_database(server, &to);
    }
}

/// Joins of fresh wallets in round after round, until there are so many.
fn fill(database: &str, entries: usize) {
    let clock = Arc::new(AtomicI64::new(START_MS));
    let opened = Database { database: Some(database.to_owned()) }.open(Clock::Simulated(Arc::clone(&clock)));
    let mut work = JoinWork::new(Switchboard::new([], None), Recorder::new("bench", SaltKey::new([1; 32])));
    let (mut random, mut stored) = (StdRng::from_os_rng(), 0);
    let begun = Instant::now();
    while stored < entries {
        let commands = batch(&mut random, clock.load(Ordering::Relaxed), 4_096.min(entries - stored));
        for joined in run_batch(&opened.store, &mut work, &commands) {
            assert!(joined.expect("the store works").is_ok(), "every join is accepted");
        }
        stored += commands.len();
        if (stored / 4_096).is_multiple_of(8) {
            clock.fetch_add(120_000, Ordering::Relaxed);
        }
    }
    println!("filled with {stored} entries in {:.0} s", begun.elapsed().as_secs_f64());
}

fn restore(engine: &str, tool: &Tool, to: &str, bytes: f64, max_seconds: Option<f64>) {
    let begun = Instant::now();
    let restored = tool.json(&["backup", "restore", "--to", to, "--reason", "benchmark"]);
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "restore into {engine}: {seconds:.1} s with the proof, {:.0} MB/s; filling alone {:.1} s",
        bytes / 1e6 / seconds,
        restored["filledMs"].as_f64().unwrap_or(0.0) / 1e3
    );
    assert!(max_seconds.is_none_or(|most| seconds <= most), "the restore took longer than it may");
}

fn timed(what: &str, work: impl FnOnce() -> Value) -> Value {
    let begun = Instant::now();
    let answer = work();
    println!("{what}: {:.1} s", begun.elapsed().as_secs_f64());
    answer
}

/// The manifest of the backup `name` in `folder`.
pub fn manifest(folder: &Path, name: &str) -> Value {
    let text = std::fs::read(folder.join(name).join("manifest.json")).expect("a manifest");
    serde_json::from_slice(&text).expect("JSON")
}
