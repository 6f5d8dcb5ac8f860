//! The conformance report: each promised row, and whether a test proves it.

mod nextest;
mod report;
mod spec_rows;
mod test_name;

use std::path::Path;

use crate::Verdict;
use crate::error::ChoreError;

use self::report::Report;
use self::spec_rows::{Desk, Specification};

/// What to report and how.
#[derive(clap::Args)]
pub struct Options {
    /// Print one JSON document on stdout and nothing else there.
    #[arg(long)]
    json: bool,
    /// Only this desk: rounds, faucet, commitments, trades or arena.
    #[arg(long, value_parser = Desk::parse)]
    desk: Option<Desk>,
    /// Run nothing; say only which rows have a test.
    #[arg(long)]
    no_run: bool,
}

/// Runs the conformance tests (unless told not to) and prints the report.
pub fn run(root: &Path, options: &Options) -> Result<Verdict, ChoreError> {
    let mut specification = Specification::read(&root.join("docs/spec"))?;
    if let Some(desk) = options.desk {
        specification.keep_only(desk);
    }
    let tests = nextest::list(root)?;
    let report = if options.no_run {
        Report::of_existence(&specification, &tests)
    } else {
        let run = nextest::run(root, options.desk)?;
        Report::of_run(&specification, &tests, &run)
    };
    for stray in report.strays() {
        eprintln!("warning: {stray} names no row of docs/spec; check the id in the test's name.");
    }
    if options.json {
        println!("{}", report.to_json()?);
    } else {
        print!("{}", report.to_table());
    }
    Ok(report.verdict())
}
