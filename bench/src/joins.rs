//! Joins in process: every row that a join writes, every check on, fresh wallets and random ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use bursar_audit::{Recorder, SaltKey};
use bursar_control::Switchboard;
use bursar_rounds::canary::Mark;
use bursar_rounds::join::{ClaimedWallet, JoinCommand, JoinRequest, JoinWork};
use bursar_rounds::market::Market;
use bursar_rounds::timing::Round;
use bursar_store::lane::run_batch;
use bursar_store::{Clock, Store, Timestamp};
use clap::Args;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::database::Database;
use crate::machine::{percentile, resident_mib};

/// How many, in batches of how many, on how full a database.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    pub database: Database,
    /// Joins that are measured, per batch size.
    #[arg(long, default_value_t = 100_000)]
    pub count: usize,
    /// Joins stored before the measurement.
    #[arg(long, default_value_t = 0)]
    pub prefill: usize,
    /// Batch sizes to measure.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 512])]
    pub batch: Vec<usize>,
}

/// The instant at which benchmarks begin: a round has just opened.
pub const START_MS: i64 = 1_700_000_040_000;

/// Runs the benchmark.
pub fn run(options: &Options) {
    let clock = Arc::new(AtomicI64::new(START_MS));
    let opened = options.database.open(Clock::Simulated(Arc::clone(&clock)));
    let mut stored = found(&opened.store, &clock);
    let recorder = Recorder::new("bench", SaltKey::new([1; 32]));
    let mut work = JoinWork::new(Switchboard::new([], None), recorder);
    let mut random = StdRng::from_os_rng();
    let start = Instant::now();
    while stored < options.prefill {
        let commands = batch(&mut random, clock.load(Ordering::Relaxed), 4_096);
        run_batch(&opened.store, &mut work, &commands).into_iter().for_each(|r| assert!(r.unwrap().is_ok()));
        stored += commands.len();
        clock.fetch_add(if (stored / 4_096).is_multiple_of(8) { 120_000 } else { 0 }, Ordering::Relaxed);
        if stored.is_multiple_of(4_096 * 128) {
            eprintln!("stored {stored} in {:.0} s", start.elapsed().as_secs_f64());
        }
    }
    for size in &options.batch {
        clock.fetch_add(120_000, Ordering::Relaxed);
        let (mut times, mut done) = (Vec::new(), 0);
        let start = Instant::now();
        let mut building = std::time::Duration::ZERO;
        while done < options.count {
            let begun = Instant::now();
            let commands = batch(&mut random, clock.load(Ordering::Relaxed), *size);
            building += begun.elapsed();
            let begun = Instant::now();
            run_batch(&opened.store, &mut work, &commands)
                .into_iter()
                .for_each(|r| assert!(r.unwrap().is_ok()));
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            done += size;
        }
        let rate = done as f64 / (start.elapsed() - building).as_secs_f64();
        let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
        println!(
            "joins on {stored} stored, batches of {size}: {rate:.0}/s, batch p50 {p50:.2} ms, p99 {p99:.2} ms, \
             resident {:.0} MiB",
            resident_mib()
        );
        stored += done;
    }
}

/// Entries of an earlier run in the same database, on whose last round's end the clock is set.
fn found(store: &Store, clock: &AtomicI64) -> usize {
    let rows = store.read("bench.found", |tx| {
        let mark = "SELECT max(mark) FROM store_clocks";
        let mark: Option<Timestamp> = tx.query_first(mark, &[], |row| row.get(0))?.flatten();
        let entries = tx.query_first("SELECT count(*) FROM rounds_entry", &[], |row| row.get::<i64>(0))?;
        Ok((mark, entries.unwrap_or(0)))
    });
    let (mark, entries) = rows.expect("the database can be read");
    if let Some(mark) = mark.filter(|_| entries > 0) {
        let rounds = (mark.ms() - START_MS).div_euclid(120_000) + 1;
        clock.store(START_MS + rounds * 120_000, Ordering::Relaxed);
    }
    usize::try_from(entries).expect("a count")
}

/// A batch of joins nobody has seen: random wallets, ids, markets, sides and tiers.
pub fn batch(random: &mut StdRng, now_ms: i64, size: usize) -> Vec<JoinCommand> {
    (0..size).map(|_| command(random, now_ms)).collect()
}

fn command(random: &mut StdRng, now_ms: i64) -> JoinCommand {
    let market = Market::ALL[random.random_range(0..6)];
    let wallet = random.random();
    command_for(random, Round::current(market, Timestamp::from_ms(now_ms)), wallet)
}

/// A join of `wallet` in `round` with a random id, side and tier.
pub fn command_for(random: &mut StdRng, round: Round, wallet: [u8; 32]) -> JoinCommand {
    let tier = [5, 10, 25, 50, 100, 250][random.random_range(0..6)];
    let id = uuid::Uuid::from_u128(random.random());
    JoinCommand {
        client: "127.0.0.1".into(),
        mark: Mark::None,
        body: Ok(JoinRequest {
            id: id.to_string(),
            round_id: round.id(),
            market: round.market().key().into(),
            feed_id: round.market().feed_id().into(),
            round_start_ms: round.start_ms(),
            round_end_ms: round.end_ms(),
            wallet: ClaimedWallet::new(bs58::encode(wallet).into_string()),
            direction: if random.random() { "UP" } else { "DOWN" }.into(),
            stake_bucks: Some(tier),
        }),
        request_id: uuid::Uuid::from_u128(random.random()).to_string(),
        correlation_id: None,
    }
}
