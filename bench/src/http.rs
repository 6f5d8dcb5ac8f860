//! Joins over HTTP against the real server process: keep-alive connections, each with one request in flight.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bursar_rounds::market::Market;
use bursar_rounds::timing::Round;
use bursar_store::Timestamp;
use clap::Args;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::database::Database;
use crate::joins::START_MS;
use crate::machine::percentile;
use crate::server::{Connection, Server};

/// How many connections for how long.
#[derive(Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub database: Database,
    /// The server's binary.
    #[arg(long, default_value = "target/release/bursar")]
    pub server: PathBuf,
    /// Connections, one run each.
    #[arg(long, value_delimiter = ',', default_values_t = [32, 64, 256])]
    pub connections: Vec<usize>,
    /// Seconds of each run.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
}

/// Runs the benchmark.
pub fn run(options: &Options) {
    let (server, _folder) = start(options);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for connections in &options.connections {
        let (mut times, seconds) = runtime.block_on(load(server.address(), *connections, options.seconds));
        println!(
            "joins over HTTP, {connections} connections: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms, server resident {} KiB",
            times.len() as f64 / seconds,
            percentile(&mut times, 0.5),
            percentile(&mut times, 0.99),
            server.resident_kib()
        );
    }
}

/// Starts the server with raised limits on a clock that stands in an open window.
fn start(options: &Options) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let database = match &options.database.database {
        Some(url) => url.clone(),
        None => format!("sqlite:{}", folder.path().join("bench.db").display()),
    };
    let limits = ["PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT"];
    let limits = limits.map(|name| (name, "10000000"));
    (Server::start(&options.server, &database, START_MS, &limits), folder)
}

async fn load(address: &str, connections: usize, seconds: u64) -> (Vec<f64>, f64) {
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let (address, stop) = (address.to_owned(), Arc::clone(&stop));
            tokio::spawn(async move { connection(&address, &stop).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    stop.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a connection"));
    }
    (times, begun.elapsed().as_secs_f64())
}

/// Sends joins one after the other and checks that each was accepted.
async fn connection(address: &str, stop: &AtomicBool) -> Vec<f64> {
    let mut connection = Connection::open(address).await;
    let (mut random, mut times) = (StdRng::from_os_rng(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let (text, milliseconds) = connection.exchange(&request(&mut random, START_MS)).await;
        times.push(milliseconds);
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("\"created\":true"), "{text}");
    }
    times
}

/// A join with a random wallet, id, market, side and tier in the round that is open at `now_ms`.
pub fn request(random: &mut StdRng, now_ms: i64) -> String {
    let market = Market::ALL[random.random_range(0..6)];
    let round = Round::current(market, Timestamp::from_ms(now_ms));
    let wallet = bs58::encode(random.random::<[u8; 32]>()).into_string();
    let id = uuid::Uuid::from_u128(random.random());
    let tier = [5, 10, 25, 50, 100, 250][random.random_range(0..6)];
    let side = if random.random() { "UP" } else { "DOWN" };
    let body = format!(
        r#"{{"id":"{id}","roundId":"{}","market":"{}","feedId":"{}","roundStartMs":{},"roundEndMs":{},"wallet":"{wallet}","direction":"{side}","stakeBucks":{tier},"joinedAtMs":1}}"#,
        round.id(),
        market.key(),
        market.feed_id(),
        round.start_ms(),
        round.end_ms()
    );
    format!(
        "POST /api/sim/entries HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
