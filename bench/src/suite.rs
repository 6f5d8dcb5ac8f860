//! The whole set in one run: embedded first, then PostgreSQL with pgbench beside it.

use std::process::{Command, Stdio};

use clap::Args;

use crate::database::Database;
use crate::tool::fresh_database;
use crate::{http, joins, reads, settlement, transfers};

/// Sizes of the suite.
#[derive(Args)]
pub struct Options {
    /// A PostgreSQL server where databases may be made and dropped, such as postgres://postgres@127.0.0.1:5432/postgres.
    #[arg(long)]
    pub postgres: Option<String>,
    /// A tenth of the usual sizes.
    #[arg(long)]
    pub short: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { postgres: std::env::var("BURSAR_TEST_POSTGRES").ok(), short: false }
    }
}

/// Runs everything.
pub fn run(options: &Options) {
    let scale = if options.short { 10 } else { 1 };
    println!("\n== embedded");
    on_engine(scale, &Database::default);
    println!("\n== start of the command line");
    help_time();
    let Some(server) = &options.postgres else {
        println!("\nno PostgreSQL given (--postgres URL): its half is left out");
        return;
    };
    println!("\n== PostgreSQL");
    pgbench(server);
    on_engine(scale, &|| fresh(server));
}

fn on_engine(scale: usize, database: &dyn Fn() -> Database) {
    joins::run(&joins::Options {
        database: database(),
        count: 100_000 / scale,
        prefill: 0,
        batch: vec![64, 512],
    });
    http::run(&http::Options {
        database: database(),
        server: "target/release/bursar".into(),
        connections: vec![32, 64, 256],
        seconds: 10,
    });
    for accounts in [10_000, 100_000, 1_000_000] {
        let count = 2_000_000 / scale;
        transfers::run(&transfers::Options { database: database(), accounts, count, batch: 8_190 });
    }
    let entries = 1_000_000 / scale;
    settlement::run(&settlement::Options { database: database(), entries, wallets: entries / 10 });
    reads::run(&reads::Options {
        database: database(),
        server: "target/release/bursar".into(),
        entries,
        rounds: 10_000 / scale,
        wallets: 10_000,
        calls: 2_000,
        connections: vec![1, 8],
        max_p99_ms: None,
    });
}

/// A new database on the server; left there, as the server is a throwaway one.
fn fresh(server: &str) -> Database {
    Database { database: Some(fresh_database(server)) }
}

/// The peer: TPC-B of PostgreSQL's own benchmark, scale 10, with as many clients as the joins have connections.
fn pgbench(server: &str) {
    let Database { database: Some(url) } = fresh(server) else { return };
    let quiet = Command::new("pgbench").args(["-i", "-q", "-s", "10", &url]).stderr(Stdio::null()).status();
    if !quiet.is_ok_and(|status| status.success()) {
        println!("peer: pgbench is not installed");
        return;
    }
    for clients in ["32", "64"] {
        let output = Command::new("pgbench")
            .args(["-c", clients, "-j", "2", "-T", "10", "-M", "prepared", &url])
            .output();
        let output = output.expect("pgbench runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text.lines().find(|line| line.starts_with("tps")).unwrap_or("no rate").to_owned();
        println!("peer: pgbench TPC-B, scale 10, {clients} clients: {rate}");
    }
}

fn help_time() {
    let mut times: Vec<f64> = (0..50)
        .map(|_| {
            let begun = std::time::Instant::now();
            let status = Command::new("target/release/bursar").arg("--help").stdout(Stdio::null()).status();
            assert!(status.expect("bursar runs").success());
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    println!("bursar --help: median {:.1} ms", crate::machine::percentile(&mut times, 0.5));
}
