//! The conformance report: each promised row, and whether a test proves it.

mod nextest;
mod report;
mod spec_rows;
mod test_name;

use std::collections::BTreeSet;
use std::path::Path;

use crate::Verdict;
use crate::error::ChoreError;

use self::nextest::TestId;
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
        let run = nextest::run(root, &binaries(&tests, options.desk))?;
        Report::of_run(&specification, &tests, &run)
    };
    for stray in report.strays() {
        eprintln!("warning: {stray} names no row or example of docs/spec; check the id in the test's name.");
    }
    if options.json {
        println!("{}", report.to_json()?);
    } else {
        print!("{}", report.to_table());
    }
    Ok(report.verdict())
}

/// The binaries that hold conformance tests of the desk, or of any desk.
fn binaries(tests: &[TestId], desk: Option<Desk>) -> BTreeSet<&str> {
    let wanted = |test: &&TestId| {
        let claim = test_name::claim_of(&test.binary, &test.name);
        claim.is_some_and(|claim| desk.is_none_or(|desk| claim.desk() == desk))
    };
    tests.iter().filter(wanted).map(|test| test.binary.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_binaries_with_a_claim_of_the_desk_are_run() {
        let test = |binary: &str, name: &str| TestId { binary: binary.to_owned(), name: name.to_owned() };
        let tests = [
            test("bursar::conformance_rounds", "r31_binds"),
            test("bursar::conformance_arena", "a21_health"),
            test("bursar::conformance_trades", "a_helper_works"),
            test("bursar-store", "c1_unit"),
        ];
        let both = BTreeSet::from(["bursar::conformance_arena", "bursar::conformance_rounds"]);
        assert_eq!(binaries(&tests, None), both);
        assert_eq!(binaries(&tests, Some(Desk::Arena)), BTreeSet::from(["bursar::conformance_arena"]));
        assert!(binaries(&tests, Some(Desk::Faucet)).is_empty());
    }
}
