//! Joins over HTTP against the real server process: keep-alive connections, each with one request in flight.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bursar_rounds::market::Market;
use bursar_rounds::timing::Round;
use bursar_store::Timestamp;
use clap::Args;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::database::Database;
use crate::machine::percentile;

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

struct Server {
    process: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the benchmark.
pub fn run(options: &Options) {
    let server = start(options);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for connections in &options.connections {
        let (mut times, seconds) = runtime.block_on(load(&server.address, *connections, options.seconds));
        println!(
            "joins over HTTP, {connections} connections: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms, server resident {} KiB",
            times.len() as f64 / seconds,
            percentile(&mut times, 0.5),
            percentile(&mut times, 0.99),
            resident_kib(server.process.id())
        );
    }
}

fn resident_kib(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).unwrap_or("?").to_owned()
}

/// Starts the server with raised limits on a clock that stands in an open window.
fn start(options: &Options) -> Server {
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let database = match &options.database.database {
        Some(url) => url.clone(),
        None => format!("sqlite:{}", folder.path().join("bench.db").display()),
    };
    let begun = Instant::now();
    let mut process = Command::new(&options.server)
        .args(["serve", "--listen", "127.0.0.1:0", "--clock", "manual:1700000040000"])
        .env_clear()
        .env("BURSAR_ENV", "dev")
        .env("BURSAR_DESKS", "rounds")
        .env("DATABASE_URL", database)
        .env("LOG_LEVEL", "warn")
        .env("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "10000000")
        .env("PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT", "10000000")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts: build it with `cargo build --release -p bursar`");
    let stdout = process.stdout.take().expect("its output");
    let mut lines = BufReader::new(stdout).lines();
    let line = lines.by_ref().map_while(Result::ok).find(|line| line.contains("listening on http://"));
    let line = line.expect("the server says where it listens");
    println!("server ready in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    let address = line
        .rsplit("http://")
        .next()
        .unwrap_or_default()
        .trim_end_matches('"')
        .trim_end_matches('}')
        .to_owned();
    std::thread::spawn(move || lines.for_each(drop));
    Server { process, address: address.trim_matches(['"', ' ', '}']).to_owned(), _folder: folder }
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
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.set_nodelay(true).expect("no delay");
    let (mut random, mut times, mut buffer) = (StdRng::from_os_rng(), Vec::new(), vec![0; 4_096]);
    while !stop.load(Ordering::Relaxed) {
        let request = request(&mut random);
        let begun = Instant::now();
        stream.write_all(request.as_bytes()).await.expect("writes");
        let mut read = 0;
        loop {
            read += stream.read(&mut buffer[read..]).await.expect("reads");
            if is_complete(&buffer[..read]) {
                break;
            }
        }
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        let text = String::from_utf8_lossy(&buffer[..read]);
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("\"created\":true"), "{text}");
    }
    times
}

fn is_complete(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| bytes.len() >= head + 4 + length)
}

fn request(random: &mut StdRng) -> String {
    let market = Market::ALL[random.random_range(0..6)];
    let round = Round::current(market, Timestamp::from_ms(1_700_000_040_000));
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
