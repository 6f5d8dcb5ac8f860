//! One cycle of the faucet: everybody's kills read and accrued, then settled, up to the last intent committed. Statistics
//! answer at once, so that what is measured is ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bursar_store::Clock;
use clap::Args;

use crate::database::Database;
use crate::faucet_desk::{self, add_players};
use crate::joins::START_MS;

/// A minute in milliseconds.
pub const MINUTE_MS: i64 = 60_000;

/// Sizes.
#[derive(Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub database: Database,
    /// Players, each of whom killed five since the last run.
    #[arg(long, default_value_t = 1_000)]
    pub players: u32,
    /// Cycles, a day apart.
    #[arg(long, default_value_t = 7)]
    pub cycles: u32,
}

/// Runs the benchmark.
pub fn run(options: &Options) {
    let clock = Arc::new(AtomicI64::new(START_MS));
    let opened = options.database.open(Clock::Simulated(Arc::clone(&clock)));
    let desk = faucet_desk::open(&opened.store, false);
    add_players(&opened.store, options.players, false);
    let mut figures: Vec<(Duration, Duration)> = Vec::new();
    for _ in 0..options.cycles {
        clock.fetch_add(24 * 60 * MINUTE_MS, Ordering::Relaxed);
        let began = Instant::now();
        let accrued = desk.accrual.run(&desk.lease, &|| false).expect("accrual");
        let accrual = began.elapsed();
        let began = Instant::now();
        let settled = desk.settlement.run(&desk.lease, &|| false).expect("settlement");
        figures.push((accrual, began.elapsed()));
        let everybody = u64::from(options.players);
        assert_eq!((accrued.rows, settled.payouts), (everybody, everybody), "everybody earns and is paid");
    }
    figures.sort();
    let (accrual, settlement) = figures[figures.len() / 2];
    let slowest = figures.iter().map(|(accrual, settlement)| *accrual + *settlement).max().expect("a cycle");
    println!(
        "faucet cycle of {} players: {:.3} s (accrual {:.3} s, settlement to all intents committed {:.3} s), slowest of {}: {:.3} s",
        options.players,
        (accrual + settlement).as_secs_f64(),
        accrual.as_secs_f64(),
        settlement.as_secs_f64(),
        options.cycles,
        slowest.as_secs_f64()
    );
}
