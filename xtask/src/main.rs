//! `cargo xtask`: the repository's own chores.
//!
//! - `conformance`: which promised row of `docs/spec` has a passing test.
//! - `tidy`: the style rules that a machine can check.
//! - `coverage`, `mutants`: what the tests run, and what they notice.
//! - `release`: a signed release with its bill of materials, and checking one.
//! - `api-fuzz`: whether a server answers as the OpenAPI file says.
//! - `bench`, `openapi`, `sim`: forwarded to the crates that do the work.

mod api_fuzz;
mod conformance;
mod coverage;
mod error;
mod forward;
mod mutants;
mod release;
mod score;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::ChoreError;

/// Chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Report for each promised row whether its test passes.
    Conformance(conformance::Options),
    /// Check the style rules over every tracked file.
    Tidy,
    /// Report which lines and regions the tests run, crate by crate.
    Coverage(coverage::Options),
    /// Report how many small changes of the product the tests notice.
    Mutants(mutants::Options),
    /// Make a signed release, or check one.
    Release(release::Options),
    /// Call a development server with generated requests and compare its answers with the OpenAPI file.
    ApiFuzz(api_fuzz::Options),
    /// Run the benchmarks; all arguments go to `bursar-bench`.
    Bench {
        /// Arguments of `bursar-bench`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Simulate the money path by seed, going on where the last campaign ended; all arguments go to `bursar-sim`.
    Sim {
        /// Arguments of `bursar-sim`, such as `--minutes 10 --jobs 2` or `--seed 7 --trace`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Write `docs/openapi.json` from the server's own description.
    Openapi {
        /// Compare instead of writing; a difference is a failure.
        #[arg(long)]
        check: bool,
    },
}

/// How a chore that ran to its end turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Nothing to complain about.
    Good,
    /// The chore ran and found something wrong.
    Bad,
}

fn main() -> ExitCode {
    match run(Arguments::parse().chore) {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::from(1),
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(chore: Chore) -> Result<Verdict, ChoreError> {
    let root = workspace::root()?;
    match chore {
        Chore::Conformance(options) => conformance::run(&root, &options),
        Chore::Tidy => tidy::run(&root),
        Chore::Coverage(options) => coverage::run(&root, &options),
        Chore::Mutants(options) => mutants::run(&root, &options),
        Chore::Release(options) => release::run(&root, &options),
        Chore::ApiFuzz(options) => api_fuzz::run(&root, &options),
        Chore::Bench { arguments } => forward::bench(&root, &arguments),
        Chore::Sim { arguments } => forward::sim(&root, &arguments),
        Chore::Openapi { check } => forward::openapi(&root, check),
    }
}
