//! `cargo xtask mutants`: changes the product in small ways and counts how many of them the tests notice.

use std::fs;
use std::path::Path;

use clap::Args;
use serde_json::Value;

use crate::Verdict;
use crate::error::ChoreError;
use crate::score::{Shares, report, room};
use crate::tools::{cargo_subcommand, target_folder};
use crate::workspace::{cargo, read_text, spoken};

const TOOL: &str = "cargo-mutants@27.1.0";
/// Rooms whose mutants must be caught, and how many of a thousand.
const DEMANDED: [&str; 4] = ["crates/money", "crates/ledger", "crates/payouts", "(decide)"];
const CAUGHT_PERMILLE_MIN: u64 = 850;
/// What is mutated when nothing is named: the rules about money.
const FILES: [&str; 5] = [
    "crates/money/src/**",
    "crates/ledger/src/**",
    "crates/payouts/src/**",
    "desks/*/src/**/decide.rs",
    "desks/*/src/rules/**",
];
/// Seconds for the tests of one mutant, generous: a busy machine must not pass for a caught mutant.
const TEST_SECONDS_MAX: &str = "180";

/// What is mutated.
#[derive(Args)]
pub struct Options {
    /// A package to mutate; without one, the rules about money.
    #[arg(long = "package", short = 'p')]
    packages: Vec<String>,
    /// One part of the work, as `0/4`: every fourth mutant from the first on, so that a part is also a sample.
    #[arg(long)]
    shard: Option<String>,
}

/// Mutates a copy under the target folder, never the tree itself, one mutant at a time, and prints the score.
pub fn run(root: &Path, options: &Options) -> Result<Verdict, ChoreError> {
    cargo_subcommand(root, "mutants", TOOL)?;
    let folder = target_folder(root).join("mutants");
    let copies = folder.join("copies");
    fs::create_dir_all(&copies).map_err(|source| ChoreError::File { path: copies.clone(), source })?;
    let mut tool = cargo(root);
    tool.args(["mutants", "--test-tool=nextest", "--jobs=1", "--no-shuffle", "--timeout", TEST_SECONDS_MAX]);
    // What `Debug` prints is for people.
    tool.args(["--exclude-re", "impl (fmt::|std::fmt::)?Debug"]).arg("--output").arg(&folder);
    tool.env("TMPDIR", &copies);
    if options.packages.is_empty() {
        tool.arg("--workspace").args(FILES.iter().flat_map(|file| ["--file", file]));
    }
    tool.args(options.packages.iter().flat_map(|package| ["--package", package]));
    tool.args(options.shard.iter().flat_map(|shard| ["--sharding=round-robin", "--shard", shard]));
    let program = spoken(&tool);
    let status = tool.status().map_err(|source| ChoreError::Start { program: program.clone(), source })?;
    // 2 = some were missed, 3 = some took too long.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        return Err(ChoreError::Program { program, status: status.to_string() });
    }
    let outcomes = read_text(&folder.join("mutants.out/outcomes.json"))?.unwrap_or_default();
    let (shares, missed) = scores(&outcomes)?;
    missed.iter().for_each(|name| println!("missed: {name}"));
    let is_enough = report("Mutants that the tests caught:", &shares, &DEMANDED, CAUGHT_PERMILLE_MIN);
    Ok(if is_enough { Verdict::Good } else { Verdict::Bad })
}

/// Caught mutants by room, and the names of those that were missed. What does not compile is no mutant; what takes too
/// long is caught.
fn scores(outcomes: &str) -> Result<(Shares, Vec<String>), ChoreError> {
    let unreadable = |reason: String| ChoreError::Answer { program: "cargo mutants".to_owned(), reason };
    let found: Value = serde_json::from_str(outcomes).map_err(|error| unreadable(error.to_string()))?;
    let (mut shares, mut missed) = (Shares::new(), Vec::new());
    for outcome in found["outcomes"].as_array().into_iter().flatten() {
        let mutant = &outcome["scenario"]["Mutant"];
        let is_caught = match outcome["summary"].as_str() {
            Some("CaughtMutant" | "Timeout") => true,
            Some("MissedMutant") => false,
            _ => continue,
        };
        let Some(room) = mutant["file"].as_str().and_then(room) else { continue };
        shares.entry(room).or_default().count(is_caught);
        if !is_caught {
            missed.push(mutant["name"].as_str().unwrap_or_default().to_owned());
        }
    }
    if shares.is_empty() {
        return Err(unreadable("it tells of no mutant".to_owned()));
    }
    Ok((shares, missed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Share;

    fn outcome(file: &str, summary: &str) -> String {
        let mutant = format!(r#"{{"Mutant":{{"file":"{file}","name":"{file}: {summary}"}}}}"#);
        format!(r#"{{"scenario":{mutant},"summary":"{summary}"}}"#)
    }

    #[test]
    fn caught_and_slow_mutants_count_for_the_tests_and_what_does_not_compile_not_at_all() {
        let money = "crates/money/src/amount.rs";
        let told =
            ["CaughtMutant", "Timeout", "MissedMutant", "Unviable"].map(|summary| outcome(money, summary));
        let baseline = r#"{"scenario":"Baseline","summary":"Success"}"#;
        let (shares, missed) = scores(&format!(r#"{{"outcomes":[{baseline},{}]}}"#, told.join(","))).unwrap();
        assert_eq!(shares, Shares::from([("crates/money".to_owned(), Share { good: 2, all: 3 })]));
        assert_eq!(missed, ["crates/money/src/amount.rs: MissedMutant"]);
    }

    #[test]
    fn a_run_without_mutants_is_no_score() {
        assert!(scores(r#"{"outcomes":[]}"#).is_err());
        assert!(scores("").is_err());
    }
}
