//! Command line: runs many seeds, replays one with its trace, makes a failing one small, or plants bugs.

mod campaign;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bursar_sim::{Bug, Omitted, Room, Scenario, run, shrink};
use clap::Parser;

/// Simulates the money path by seed and checks it.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to run; 1,000 unless --minutes says how long.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first seed, unless --state says where to go on.
    #[arg(long)]
    from: Option<u64>,
    /// Stop after this many minutes.
    #[arg(long)]
    minutes: Option<u64>,
    /// Seeds that run at once.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Go on where this file says and keep it up to date: the next seed and everything counted so far.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Run this one seed only.
    #[arg(long, conflicts_with_all = ["seeds", "from", "minutes", "state"])]
    seed: Option<u64>,
    /// Print the trace of that seed.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Leave parts of that seed out, such as `t3,b0-4,one-node`, as a shrunken failure says.
    #[arg(long, requires = "seed", default_value = "")]
    omit: Omitted,
    /// If that seed breaks a rule, find what can be left out.
    #[arg(long, requires = "seed")]
    shrink: bool,
    /// Plant a bug, by name.
    #[arg(long, value_parser = bug)]
    bug: Option<Bug>,
    /// Play this room alone: rounds, payouts or faucet.
    #[arg(long, value_parser = room)]
    room: Option<Room>,
    /// Plant each bug in turn and say which seed finds it, and how fast.
    #[arg(long, conflicts_with_all = ["seed", "bug", "minutes", "state"])]
    bugs: bool,
}

fn bug(name: &str) -> Result<Bug, String> {
    Bug::named(name).ok_or_else(|| {
        let names: Vec<_> = Bug::ALL.iter().map(|(name, _, _)| *name).collect();
        format!("no such bug; known are {}", names.join(", "))
    })
}

fn room(name: &str) -> Result<Room, String> {
    Room::named(name).ok_or_else(|| "no such room; known are rounds, payouts and faucet".to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.seed {
        return replay(seed, &arguments);
    }
    if arguments.bugs {
        return campaign::find_bugs(arguments.seeds.unwrap_or(1_000));
    }
    let seeds = arguments.seeds.or(if arguments.minutes.is_some() { None } else { Some(1_000) });
    let options = campaign::Options {
        from: arguments.from.unwrap_or(0),
        seeds,
        limit: arguments.minutes.map(|minutes| Duration::from_secs(minutes * 60)),
        jobs: arguments.jobs.max(1),
        state: arguments.state,
        bug: arguments.bug,
        room: arguments.room,
    };
    match campaign::run_many(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bursar-sim: {error}");
            ExitCode::from(2)
        }
    }
}

fn replay(seed: u64, arguments: &Arguments) -> ExitCode {
    let scenario = Scenario {
        seed,
        bug: arguments.bug,
        room: arguments.room,
        omitted: arguments.omit.clone(),
        prints_trace: arguments.trace,
    };
    let outcome = run(&scenario);
    for ((area, what), times) in &outcome.figures.reached {
        println!("{times:>9}  {area}: {what}");
    }
    println!("trace {} of {} lines", outcome.trace_hash, outcome.trace_lines);
    let Some(violation) = &outcome.violation else { return ExitCode::SUCCESS };
    println!("seed {seed}: {violation}");
    if arguments.shrink {
        campaign::print_shrunk(shrink(&scenario, &outcome, campaign::SHRINK_PATIENCE));
    }
    ExitCode::FAILURE
}
