//! Reading over HTTP on a full database: what everybody polls must cost the same whatever has been stored.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use bursar_audit::{Recorder, SaltKey};
use bursar_control::Switchboard;
use bursar_rounds::join::{JoinCommand, JoinWork};
use bursar_rounds::market::Market;
use bursar_rounds::settle::{Settler, SettlerParts, TreasuryGuard};
use bursar_rounds::timing::{CYCLE_MS, LENGTH_MS, Round};
use bursar_store::lane::run_batch;
use bursar_store::{Clock, Store};
use clap::Args;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::database::Database;
use crate::joins::{START_MS, command_for};
use crate::machine::percentile;
use crate::server::{Connection, Server};
use crate::settlement::RisingPrice;

/// How much is stored and how it is read.
#[derive(Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub database: Database,
    /// The server's binary.
    #[arg(long, default_value = "target/release/bursar")]
    pub server: PathBuf,
    /// Entries stored, spread evenly over the rounds.
    #[arg(long, default_value_t = 1_000_000)]
    pub entries: usize,
    /// Rounds stored; all are settled but the few that are open when the reading begins.
    #[arg(long, default_value_t = 10_000)]
    pub rounds: usize,
    /// Wallets that made the entries.
    #[arg(long, default_value_t = 10_000)]
    pub wallets: usize,
    /// Calls of each route.
    #[arg(long, default_value_t = 2_000)]
    pub calls: usize,
    /// Connections that call at the same time, one run each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8])]
    pub connections: Vec<usize>,
    /// Fails when the 99th percentile of any route is above so many milliseconds.
    #[arg(long)]
    pub max_p99_ms: Option<f64>,
}

/// What was stored, for the requests.
struct Stored {
    wallets: Vec<[u8; 32]>,
    rounds: Vec<Round>,
    /// A round has just opened.
    now_ms: i64,
}

/// A route's name, and one call of it.
type Read = (&'static str, fn(&Stored, &mut StdRng) -> String);

const READS: [Read; 5] = [
    ("health", |_, _| "/api/ops/health".to_owned()),
    ("summary", |_, _| "/api/ops/summary".to_owned()),
    ("status", |_, _| "/api/status".to_owned()),
    ("pool", |stored, random| {
        let round = stored.rounds[random.random_range(0..stored.rounds.len())];
        format!("/api/sim/pool?roundId={}", round.id())
    }),
    ("results", |stored, random| {
        let wallet = stored.wallets[random.random_range(0..stored.wallets.len())];
        format!("/api/sim/results?wallet={}", bs58::encode(wallet).into_string())
    }),
];

/// Runs the benchmark.
pub fn run(options: &Options) {
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let file = format!("sqlite:{}", folder.path().join("bench.db").display());
    let database = Database { database: Some(options.database.database.clone().unwrap_or(file)) };
    let stored = Arc::new(prefill(options, &database));
    let limits = ["OPS_HEALTH_IP", "OPS_SUMMARY_IP", "STATUS_IP", "SIM_POOL_IP", "SIM_RESULTS_IP"];
    let limits = limits.iter().chain(&["SIM_RESULTS_WALLET"]).map(|name| format!("PANCHO_RL_{name}_LIMIT"));
    let limits: Vec<String> = limits.collect();
    let limits: Vec<(&str, &str)> = limits.iter().map(|name| (name.as_str(), "10000000")).collect();
    let url = database.database.as_deref().unwrap_or_default();
    let server = Server::start(&options.server, url, stored.now_ms, &limits);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut worst: f64 = 0.0;
    for connections in &options.connections {
        for read in READS {
            let mut times = runtime.block_on(measure(&server, &stored, read, *connections, options.calls));
            let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
            worst = worst.max(p99);
            println!(
                "reads over HTTP, {} entries, {} rounds, {connections} connections, {}: p50 {p50:.2} ms, p99 {p99:.2} ms",
                options.entries, options.rounds, read.0
            );
        }
    }
    println!("server resident {} KiB", server.resident_kib());
    if let Some(max) = options.max_p99_ms {
        assert!(worst <= max, "a 99th percentile of {worst:.2} ms is above {max} ms");
    }
}

/// Fills the rounds one start after the other, settles them all, and leaves a few entries in rounds that are open.
fn prefill(options: &Options, database: &Database) -> Stored {
    let begun = Instant::now();
    let clock = Arc::new(AtomicI64::new(START_MS));
    let opened = database.open(Clock::Simulated(Arc::clone(&clock)));
    let recorder = |chain: &str| Recorder::new(chain, SaltKey::new([4; 32]));
    let mut work = JoinWork::new(Switchboard::new([], None), recorder("prefill"));
    let mut random = StdRng::seed_from_u64(21);
    let wallets: Vec<[u8; 32]> = (0..options.wallets).map(|_| random.random()).collect();
    let starts = (0..).map(|cycle| START_MS + cycle * CYCLE_MS);
    let rounds = starts.flat_map(|start| Market::ALL.map(|market| Round::starting(market, start)));
    let rounds: Vec<Round> = rounds.map(|round| round.expect("a start")).take(options.rounds).collect();
    let mut stored = 0;
    for (done, same_start) in (0..).step_by(Market::ALL.len()).zip(rounds.chunks(Market::ALL.len())) {
        clock.store(same_start[0].start_ms(), Ordering::Relaxed);
        let wanted = options.entries * (done + same_start.len()) / rounds.len();
        join(&opened.store, &mut work, &mut random, &wallets, same_start, wanted - stored);
        stored = wanted;
    }
    let last = rounds.last().map_or(START_MS, |round| round.start_ms());
    let now_ms = last + LENGTH_MS;
    clock.store(now_ms, Ordering::Relaxed);
    settle(&opened.store, rounds.len(), recorder("prefill settler"));
    let open = Market::ALL.map(|market| Round::starting(market, now_ms).expect("a start"));
    join(&opened.store, &mut work, &mut random, &wallets, &open, 60);
    println!(
        "stored {stored} entries of {} wallets in {} rounds, all settled, and 60 in open ones, in {:.0} s",
        wallets.len(),
        rounds.len(),
        begun.elapsed().as_secs_f64()
    );
    Stored { wallets, rounds: [&rounds[..], &open].concat(), now_ms }
}

fn join(
    store: &Arc<Store>,
    work: &mut JoinWork,
    random: &mut StdRng,
    wallets: &[[u8; 32]],
    rounds: &[Round],
    count: usize,
) {
    let commands: Vec<JoinCommand> = (0..count)
        .map(|n| {
            let wallet = wallets[random.random_range(0..wallets.len())];
            command_for(random, rounds[n % rounds.len()], wallet)
        })
        .collect();
    for commands in commands.chunks(4_096) {
        run_batch(store, work, commands).into_iter().for_each(|reply| assert!(reply.unwrap().is_ok()));
    }
}

fn settle(store: &Arc<Store>, rounds: usize, recorder: Recorder) {
    let settler = Settler::new(SettlerParts {
        store: Arc::clone(store),
        switchboard: Switchboard::new([], None),
        recorder,
        prices: Arc::new(RisingPrice),
        treasury: TreasuryGuard::Off,
    });
    let report = settler.run_due(Some(i64::try_from(rounds).expect("a count"))).expect("settles");
    assert_eq!(report.settled.len(), rounds);
}

async fn measure(
    server: &Server,
    stored: &Arc<Stored>,
    (_, path): Read,
    connections: usize,
    calls: usize,
) -> Vec<f64> {
    let callers: Vec<_> = (0..connections)
        .map(|number| {
            let (address, stored) = (server.address().to_owned(), Arc::clone(stored));
            let seed = u64::try_from(number).expect("a seed");
            tokio::spawn(async move {
                let mut connection = Connection::open(&address).await;
                let (mut random, mut times) = (StdRng::seed_from_u64(seed), Vec::new());
                for _ in 0..calls / connections {
                    let request =
                        format!("GET {} HTTP/1.1\r\nhost: bench\r\n\r\n", path(&stored, &mut random));
                    let (text, milliseconds) = connection.exchange(&request).await;
                    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
                    times.push(milliseconds);
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for caller in callers {
        times.extend(caller.await.expect("a caller"));
    }
    times
}
