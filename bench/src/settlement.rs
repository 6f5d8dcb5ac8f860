//! Settling one round of a million entries while joins go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Instant;

use bursar_audit::{Recorder, SaltKey};
use bursar_control::Switchboard;
use bursar_ledger::trial_balance;
use bursar_money::Balance;
use bursar_rounds::join::{JoinCommand, JoinWork};
use bursar_rounds::market::Market;
use bursar_rounds::oracle::{PriceSource, UpstreamError};
use bursar_rounds::settle::{Settler, SettlerParts, TreasuryGuard};
use bursar_rounds::timing::Round;
use bursar_store::lane::run_batch;
use bursar_store::{Clock, Store, Timestamp};
use clap::Args;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::database::Database;
use crate::joins::{START_MS, command_for};
use crate::machine::{percentile, resident_mib};

/// Sizes.
#[derive(Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub database: Database,
    /// Entries in the round.
    #[arg(long, default_value_t = 1_000_000)]
    pub entries: usize,
    /// Wallets that made them.
    #[arg(long, default_value_t = 100_000)]
    pub wallets: usize,
}

/// A price service at which every price is one higher a second later.
pub struct RisingPrice;

impl PriceSource for RisingPrice {
    fn at(&self, market: Market, second: i64) -> Result<String, UpstreamError> {
        let price = second % 1_000_000 + 1;
        Ok(format!(
            r#"{{"parsed":[{{"id":"{}","price":{{"price":"{price}","conf":"0","expo":-2,"publish_time":{second}}}}}]}}"#,
            market.feed_id()
        ))
    }

    fn latest(&self, _: Market) -> Result<String, UpstreamError> {
        Err(UpstreamError::Status(404))
    }
}

/// Runs the benchmark.
pub fn run(options: &Options) {
    let clock = Arc::new(AtomicI64::new(START_MS));
    let opened = options.database.open(Clock::Simulated(Arc::clone(&clock)));
    let mut work = work("prefill");
    let mut random = StdRng::seed_from_u64(11);
    let wallets: Vec<[u8; 32]> = (0..options.wallets).map(|_| random.random()).collect();
    for chunk in 0..options.entries.div_ceil(4_096) {
        let size = 4_096.min(options.entries - chunk * 4_096);
        let commands = batch(&mut random, &wallets, START_MS, size);
        run_batch(&opened.store, &mut work, &commands).into_iter().for_each(|r| assert!(r.unwrap().is_ok()));
    }
    println!(
        "stored {} entries of {} wallets, resident {:.0} MiB",
        options.entries,
        options.wallets,
        resident_mib()
    );
    let end = Round::starting(Market::Btc, START_MS).expect("a round").end_ms();
    clock.store(end, Ordering::Relaxed);
    let (seconds, mut joins) = settle_beside_joins(&opened.store, end);
    println!(
        "settlement of {} entries: {seconds:.2} s, resident {:.0} MiB; beside it {} join batches of 32, p50 {:.1} ms, p99 {:.1} ms",
        options.entries,
        resident_mib(),
        joins.len(),
        percentile(&mut joins, 0.5),
        percentile(&mut joins, 0.99)
    );
}

fn settle_beside_joins(store: &Arc<Store>, now_ms: i64) -> (f64, Vec<f64>) {
    let done = Arc::new(AtomicBool::new(false));
    let joiner = {
        let (store, done) = (Arc::clone(store), Arc::clone(&done));
        std::thread::spawn(move || {
            let (mut work, mut random, mut times) = (work("beside"), StdRng::seed_from_u64(12), Vec::new());
            while !done.load(Ordering::Relaxed) {
                let wallets: Vec<[u8; 32]> = (0..32).map(|_| random.random()).collect();
                let commands = batch(&mut random, &wallets, now_ms, 32);
                let begun = Instant::now();
                run_batch(&store, &mut work, &commands).into_iter().for_each(|r| assert!(r.unwrap().is_ok()));
                times.push(begun.elapsed().as_secs_f64() * 1e3);
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            times
        })
    };
    let settler = Settler::new(SettlerParts {
        store: Arc::clone(store),
        switchboard: Switchboard::new([], None),
        recorder: Recorder::new("settler", SaltKey::new([2; 32])),
        prices: Arc::new(RisingPrice),
        treasury: TreasuryGuard::Off,
    });
    let begun = Instant::now();
    let report = settler.run_due(None).expect("settles");
    let seconds = begun.elapsed().as_secs_f64();
    done.store(true, Ordering::Relaxed);
    assert_eq!(report.settled.len(), 1);
    let sums = store.read("bench.check", trial_balance).expect("sums");
    assert!(sums.iter().all(|asset| asset.sum == Balance::ZERO), "{sums:?}");
    (seconds, joiner.join().expect("joins went well"))
}

fn work(chain: &str) -> JoinWork {
    JoinWork::new(Switchboard::new([], None), Recorder::new(chain, SaltKey::new([3; 32])))
}

fn batch(random: &mut StdRng, wallets: &[[u8; 32]], now_ms: i64, size: usize) -> Vec<JoinCommand> {
    let round = Round::current(Market::Btc, Timestamp::from_ms(now_ms));
    (0..size)
        .map(|_| {
            let wallet = wallets[random.random_range(0..wallets.len())];
            command_for(random, round, wallet)
        })
        .collect()
}
