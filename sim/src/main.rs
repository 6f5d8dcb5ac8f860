//! Command line: runs many seeds, or replays one with its trace.
#![allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "rates for people to read")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bursar_sim::{Bug, Figures, Outcome, Scenario, run};
use clap::Parser;

/// Failing seeds after which a campaign gives up.
const FAILURES_MAX: usize = 10;

/// Simulates the money path by seed and checks it.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run until this many minutes have passed, whatever --seeds says.
    #[arg(long)]
    minutes: Option<u64>,
    /// Run this one seed only.
    #[arg(long, conflicts_with_all = ["seeds", "from", "minutes"])]
    seed: Option<u64>,
    /// Print the trace of that seed.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Plant a bug, by name.
    #[arg(long, value_parser = bug)]
    bug: Option<Bug>,
    /// Seeds that run at once.
    #[arg(long, default_value_t = 1)]
    jobs: u64,
}

fn bug(name: &str) -> Result<Bug, String> {
    let found = Bug::ALL.iter().find(|(known, _)| *known == name).map(|(_, bug)| *bug);
    found.ok_or_else(|| {
        let names: Vec<_> = Bug::ALL.iter().map(|(name, _)| *name).collect();
        format!("no such bug; known are {}", names.join(", "))
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => replay(seed, &arguments),
        None => campaign(&arguments),
    }
}

fn replay(seed: u64, arguments: &Arguments) -> ExitCode {
    let outcome = run(Scenario { seed, bug: arguments.bug, prints_trace: arguments.trace });
    print!("{}", outcome.figures);
    println!("trace {} of {} lines", outcome.trace_hash, outcome.trace_lines);
    match &outcome.violation {
        None => ExitCode::SUCCESS,
        Some(violation) => {
            println!("seed {seed}: {violation}");
            ExitCode::FAILURE
        }
    }
}

fn campaign(arguments: &Arguments) -> ExitCode {
    let begun = Instant::now();
    let limit = arguments.minutes.map(|minutes| Duration::from_secs(minutes * 60));
    let next = AtomicU64::new(arguments.from);
    let results = Mutex::new((Figures::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = match limit {
                        Some(limit) => begun.elapsed() >= limit,
                        None => seed >= arguments.from.saturating_add(arguments.seeds),
                    };
                    if is_over
                        || !take(&results, run(Scenario { seed, bug: arguments.bug, prints_trace: false }))
                    {
                        break;
                    }
                }
            });
        }
    });
    let (figures, failures) = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    report(&figures, &failures, begun.elapsed(), arguments.jobs.max(1))
}

/// Notes one outcome; false when there are failures enough.
fn take(results: &Mutex<(Figures, Vec<Outcome>)>, outcome: Outcome) -> bool {
    let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.0.add(&outcome.figures);
    if let Some(violation) = &outcome.violation {
        println!("seed {}: {violation}", outcome.seed);
        println!("  replay: cargo run --release -p bursar-sim -- --seed {} --trace", outcome.seed);
        results.1.push(outcome);
    }
    results.1.len() < FAILURES_MAX
}

fn report(figures: &Figures, failures: &[Outcome], took: Duration, jobs: u64) -> ExitCode {
    let seconds = took.as_secs_f64();
    print!("{figures}");
    println!(
        "{:.1} s on {jobs} cores: {:.1} seeds/s, {:.0} seeds a core-minute, simulated time over real {:.0}",
        seconds,
        figures.seeds as f64 / seconds,
        figures.seeds as f64 / seconds / jobs as f64 * 60.0,
        figures.simulated_ms as f64 / 1_000.0 / seconds
    );
    println!("{} of {} seeds broke a rule", failures.len(), figures.seeds);
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
