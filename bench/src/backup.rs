//! A backup while players join at a steady rate: what it costs them, and that a restore after a hard kill holds what the
//! manifest says.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bursar_rounds::timing::CYCLE_MS;
use bursar_store::{DatabaseUrl, OpenMode, Store, StoreOptions, Timestamp};
use clap::Args;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use crate::database::Database;
use crate::http::request;
use crate::joins::START_MS;
use crate::machine::percentile;
use crate::restore::manifest;
use crate::server::{Connection, Server};
use crate::tool::{Tool, drop_database, fresh_database};

/// How much load for how long.
#[derive(Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub database: Database,
    /// The server's binary.
    #[arg(long, default_value = "target/release/bursar")]
    pub server: PathBuf,
    /// Joins a second.
    #[arg(long, default_value_t = 2_000)]
    pub rate: u32,
    /// Connections that send them.
    #[arg(long, default_value_t = 32)]
    pub connections: u32,
    /// Seconds of load before the rounds are settled, and again before the backup.
    #[arg(long, default_value_t = 15)]
    pub seconds: u64,
    /// A PostgreSQL server where databases may be made and dropped: the backup is restored there as well.
    #[arg(long)]
    pub postgres: Option<String>,
}

/// What the players have seen.
#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    /// Joins that were acknowledged.
    accepted: AtomicUsize,
    /// Milliseconds of each since the list was last taken.
    times: std::sync::Mutex<Vec<f64>>,
}

/// Runs the measurement.
pub fn run(options: &Options) {
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let embedded = format!("sqlite:{}", folder.path().join("bench.db").display());
    let database = options.database.database.clone().unwrap_or(embedded);
    let backups = folder.path().join("backups");
    let tool = Tool::new(&options.server, &database, &backups);
    let limits = ["PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT"];
    let limits = limits.map(|name| (name, "10000000"));
    let server = Server::start_with(&options.server, &database, START_MS, &limits, &["--local-prices"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let first = load(options, server.address(), START_MS, &runtime);
    std::thread::sleep(Duration::from_secs(options.seconds));
    let before = first.stop();
    println!("{before} joins, then every round is settled");
    let now_ms = START_MS + 4 * CYCLE_MS;
    runtime.block_on(move_clock(server.address(), now_ms));
    let second = load(options, server.address(), now_ms, &runtime);
    std::thread::sleep(Duration::from_secs(options.seconds));
    second.tell("before the backup", Duration::from_secs(options.seconds));
    let begun = Instant::now();
    let acknowledged = before + second.accepted();
    let made = tool.json(&["backup", "create"]);
    let took = begun.elapsed();
    let at_its_end = before + second.accepted();
    second.tell("while it was made", took);
    drop(server);
    second.abandon();
    println!(
        "backup under load: {:.2} s, {:.1} MB; the server was killed right after",
        took.as_secs_f64(),
        made["sizeBytes"].as_f64().unwrap_or(0.0) / 1e6
    );
    let manifest = manifest(&backups, made["name"].as_str().expect("a name"));
    let entries = rows_of(&manifest, "rounds_entry");
    assert!(
        (acknowledged..=at_its_end + options.connections as usize).contains(&entries),
        "one moment of the load"
    );
    println!(
        "{acknowledged} joins acknowledged before it began, {entries} in it, {at_its_end} acknowledged at its end"
    );
    let restored = format!("sqlite:{}", folder.path().join("restored.db").display());
    restore("SQLite", &tool, &restored, &made, &manifest);
    if let Some(server) = &options.postgres {
        let to = fresh_database(server);
        restore("PostgreSQL", &tool, &to, &made, &manifest);
        drop_database(server, &to);
    }
}

fn rows_of(manifest: &Value, table: &str) -> usize {
    let tables = manifest["tables"].as_array().expect("tables");
    let part = tables.iter().find(|part| part["table"] == table).expect("the table");
    usize::try_from(part["rows"].as_u64().expect("a count")).expect("a count")
}

/// Restores, and compares with the manifest what can be counted from outside; the restore compares every row itself.
fn restore(engine: &str, tool: &Tool, to: &str, made: &Value, manifest: &Value) {
    let begun = Instant::now();
    let answer = tool.json(&["backup", "restore", "--to", to, "--reason", "benchmark"]);
    let seconds = begun.elapsed().as_secs_f64();
    let trial = tool.json(&["ledger", "trial", "--database", to]);
    let totals: Vec<Value> = trial["assets"].as_array().expect("assets").iter().map(totals).collect();
    assert_eq!(Value::from(totals), manifest["ledger"], "ledger totals as the manifest says");
    assert_eq!(answer["ledger"], made["ledger"]);
    let anchor = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(anchor.path(), manifest["audit"].to_string()).expect("the anchor");
    let path = anchor.path().display().to_string();
    tool.json(&["audit", "verify", "--anchor", &path, "--database", to]);
    for table in ["rounds_settlement", "rounds_entry", "ledger_transfer", "audit_events"] {
        // The restore records itself.
        let more = usize::from(table == "audit_events");
        assert_eq!(count(to, table), rows_of(manifest, table) + more, "rows of {table} as the manifest says");
    }
    println!(
        "restored into {engine} in {seconds:.2} s: ledger totals, audit anchor, {} settlements and {} entries are those \
         of the manifest",
        rows_of(manifest, "rounds_settlement"),
        rows_of(manifest, "rounds_entry")
    );
}

/// One asset's line of the trial balance in the form of the manifest; its accounts sum to nothing.
fn totals(line: &Value) -> Value {
    assert_eq!(line["sum"], "0");
    json!({"asset": line["asset"], "accounts": line["accounts"], "debits": line["debits"], "credits": line["credits"]})
}

fn count(database: &str, table: &'static str) -> usize {
    let url: DatabaseUrl = database.parse().expect("a database URL");
    let store = Store::open(&url, StoreOptions::new(OpenMode::Tool)).expect("the database opens");
    let sql: &'static str = Box::leak(format!("SELECT COUNT(*) FROM {table}").into_boxed_str());
    let rows = store.read("bench.count", |tx| tx.query_first(sql, &[], |row| row.get::<i64>(0)));
    usize::try_from(rows.expect("a count").unwrap_or(0)).expect("a count")
}

/// Players that join at a steady rate.
struct Load {
    seen: Arc<Seen>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    runtime: tokio::runtime::Handle,
}

fn load(options: &Options, address: &str, now_ms: i64, runtime: &tokio::runtime::Runtime) -> Load {
    let seen = Arc::new(Seen::default());
    let each = Duration::from_secs(1) * options.connections / options.rate;
    let player = |_| {
        let (address, seen) = (address.to_owned(), Arc::clone(&seen));
        runtime.spawn(async move { play(&address, now_ms, each, &seen).await })
    };
    let tasks = (0..options.connections).map(player).collect();
    Load { seen, tasks, runtime: runtime.handle().clone() }
}

async fn play(address: &str, now_ms: i64, each: Duration, seen: &Seen) {
    let mut connection = Connection::open(address).await;
    let (mut random, mut beat) = (StdRng::from_os_rng(), interval(each));
    // A player who was kept waiting catches up, so that the rate holds.
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !seen.stop.load(Ordering::Relaxed) {
        beat.tick().await;
        let Some((text, milliseconds)) = connection.try_exchange(&request(&mut random, now_ms)).await else {
            return;
        };
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("\"created\":true"), "{text}");
        seen.accepted.fetch_add(1, Ordering::Relaxed);
        seen.times.lock().expect("no panic").push(milliseconds);
    }
}

impl Load {
    fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::Relaxed)
    }

    /// Prints what players saw since this was asked last.
    fn tell(&self, when: &str, span: Duration) {
        let mut times = std::mem::take(&mut *self.seen.times.lock().expect("no panic"));
        println!(
            "joins {when}: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms, longest {:.0} ms",
            times.len() as f64 / span.as_secs_f64(),
            percentile(&mut times, 0.5),
            percentile(&mut times, 0.99),
            percentile(&mut times, 1.0)
        );
    }

    /// Lets every player end the join that is under way.
    fn stop(self) -> usize {
        self.seen.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            self.runtime.block_on(task).expect("a player");
        }
        self.seen.accepted.load(Ordering::Relaxed)
    }

    /// Leaves players whose server is gone.
    fn abandon(self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

async fn move_clock(address: &str, now_ms: i64) {
    let body = json!({"nowMs": Timestamp::from_ms(now_ms).ms()}).to_string();
    let request = format!(
        "POST /dev/clock HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (text, _) = Connection::open(address).await.exchange(&request).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}
