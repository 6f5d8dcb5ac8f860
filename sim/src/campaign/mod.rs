//! Many seeds, one after another or at once, with what they reached together.
#![allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "rates for people to read")]

mod totals;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bursar_sim::{Bug, Outcome, Room, Scenario, Shrunk, run, shrink, unreached};

use totals::{StateError, Totals};

/// How long a failing seed is made smaller.
pub const SHRINK_PATIENCE: Duration = Duration::from_secs(120);
/// Failing seeds after which a campaign gives up.
const FAILURES_MAX: usize = 10;
/// Seeds between two looks at the state file.
const BLOCK: u64 = 64;

/// What to run.
pub struct Options {
    /// The first seed, when no state says where to go on.
    pub from: u64,
    /// How many seeds; `None` = until the limit.
    pub seeds: Option<u64>,
    /// How long.
    pub limit: Option<Duration>,
    /// How many at once.
    pub jobs: usize,
    /// Where totals are kept.
    pub state: Option<PathBuf>,
    /// A planted bug.
    pub bug: Option<Bug>,
    /// The one room to play.
    pub room: Option<Room>,
}

impl Options {
    fn scenario(&self, seed: u64) -> Scenario {
        Scenario { seed, bug: self.bug, room: self.room, ..Scenario::default() }
    }
}

/// Runs a campaign; true when no rule broke in it.
pub fn run_many(options: &Options) -> Result<bool, StateError> {
    let begun = Instant::now();
    let mut totals = match &options.state {
        Some(path) => Totals::read(path, options.from)?,
        None => Totals::from_seed(options.from),
    };
    if totals.seeds > 0 {
        println!("going on with seed {} after {} seeds", totals.next_seed, totals.seeds);
    }
    let mut left = options.seeds;
    let mut failed = Vec::new();
    while left != Some(0) && failed.len() < FAILURES_MAX && !is_over(begun, options) {
        let count = left.map_or(BLOCK, |left| left.min(BLOCK));
        let outcomes = run_block(totals.next_seed, count, begun, options);
        let done = u64::try_from(outcomes.len()).unwrap_or(count);
        left = left.map(|left| left - done);
        totals.next_seed += done;
        outcomes.into_iter().for_each(|outcome| {
            totals.add(&outcome);
            failed.extend(outcome.violation.is_some().then_some(outcome));
        });
        if let Some(path) = &options.state {
            totals.write(path)?;
        }
    }
    report(&totals, begun.elapsed(), options.jobs);
    explain(&failed, options);
    Ok(failed.is_empty())
}

fn is_over(begun: Instant, options: &Options) -> bool {
    options.limit.is_some_and(|limit| begun.elapsed() >= limit)
}

/// Runs seeds from `first` on, at most `count`, in the order of their numbers without a gap.
fn run_block(first: u64, count: u64, begun: Instant, options: &Options) -> Vec<Outcome> {
    let next = AtomicU64::new(first);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                loop {
                    if is_over(begun, options) {
                        break;
                    }
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let outcome = run(&options.scenario(seed));
                    outcomes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(outcome);
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    outcomes.sort_unstable_by_key(|outcome| outcome.seed);
    outcomes
}

fn report(totals: &Totals, took: Duration, jobs: usize) {
    print!("{totals}");
    let missing = unreached(&totals.reached);
    println!("{} of the catalogue not reached by any seed:", missing.len());
    missing.iter().for_each(|(area, what)| println!("           {area}: {what}"));
    let here = totals.run_here;
    let core_seconds = core_seconds();
    println!(
        "{here} seeds in {:.1} s, {jobs} at once, {core_seconds:.1} s of a core: {:.0} seeds a core-minute, simulated time \
         over a core's {:.0}",
        took.as_secs_f64(),
        here as f64 / core_seconds * 60.0,
        totals.simulated_here_ms as f64 / 1_000.0 / core_seconds
    );
    println!("{} of {} seeds broke a rule", totals.failures.len(), totals.seeds);
}

/// What this process has had of a core, s: other work on the machine does not count.
fn core_seconds() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// The call that plays a scenario again.
fn replay_words(scenario: &Scenario) -> String {
    let mut words = format!("cargo xtask sim --seed {} --trace", scenario.seed);
    let room = Room::ALL.iter().find(|(_, room)| Some(*room) == scenario.room).map(|(name, _)| *name);
    let bug = Bug::ALL.iter().find(|(_, bug, _)| Some(*bug) == scenario.bug).map(|(name, _, _)| *name);
    for (option, name) in [("--room", room), ("--bug", bug)] {
        words.extend(name.into_iter().flat_map(|name| [" ", option, " ", name]));
    }
    let omitted = scenario.omitted.to_string();
    if !omitted.is_empty() {
        words.extend([" --omit ", &omitted]);
    }
    words
}

/// Prints each failing seed, and the first one made small.
fn explain(failed: &[Outcome], options: &Options) {
    for outcome in failed {
        if let Some(violation) = &outcome.violation {
            println!("seed {}: {violation}", outcome.seed);
            println!("  replay: {}", replay_words(&options.scenario(outcome.seed)));
        }
    }
    if let Some(outcome) = failed.first() {
        print_shrunk(shrink(&options.scenario(outcome.seed), outcome, SHRINK_PATIENCE));
    }
}

/// Prints what is left of a failing seed.
pub fn print_shrunk(shrunk: Option<Shrunk>) {
    let Some(Shrunk { scenario, violation, left, runs }) = shrunk else { return };
    let [troubles, acts, bursts] = left;
    println!(
        "seed {} made small in {runs} runs: {troubles} troubles, {acts} acts, {bursts} bursts left",
        scenario.seed
    );
    println!("  {violation}");
    println!("  replay: {}", replay_words(&scenario));
}

/// Plants each bug in turn until a seed finds it; fails when one stays hidden.
pub fn find_bugs(seeds: u64) -> ExitCode {
    let mut hidden = 0;
    for (name, bug, rule) in Bug::ALL {
        let begun = Instant::now();
        // In some seeds the platform notices first, and stops itself.
        let found = (0..seeds).find_map(|seed| {
            let violation = run(&Scenario::new(seed).with_bug(bug)).violation?;
            (violation.invariant == rule).then_some((seed, violation))
        });
        let took = begun.elapsed();
        match found {
            Some((seed, violation)) => println!(
                "{name}: {} by seed {seed} after {} s of its time, {:.1} s of ours",
                rule.id(),
                violation.at_ms / 1_000,
                took.as_secs_f64()
            ),
            None => {
                hidden += 1;
                println!("{name}: NOT found as {} in {seeds} seeds", rule.id());
            }
        }
    }
    if hidden == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
