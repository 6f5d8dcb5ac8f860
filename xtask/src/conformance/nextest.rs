//! Calls cargo-nextest and reads what it says about each test.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::error::ChoreError;
use crate::workspace::{cargo, spoken};

/// One test that exists, ignored ones left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TestId {
    /// Nextest's binary id, such as `bursar::conformance_rounds`.
    pub binary: String,
    /// The test's path inside the binary.
    pub name: String,
}

/// How one test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It failed, crashed, ran out of time, or said something unknown.
    Failed,
}

/// What a run reported.
#[derive(Debug, Default)]
pub struct Run {
    /// The outcome of each test that reported one; a failure is never overwritten.
    pub outcomes: BTreeMap<TestId, Outcome>,
    /// Whether nextest itself ended well.
    pub ended_well: bool,
}

/// Builds all tests of the workspace and lists them.
pub fn list(root: &Path) -> Result<Vec<TestId>, ChoreError> {
    let mut command = cargo(root);
    command.args(["nextest", "list", "--workspace", "--message-format", "json"]).stderr(Stdio::inherit());
    let program = spoken(&command);
    let output = command.output().map_err(|source| ChoreError::Start { program: program.clone(), source })?;
    if !output.status.success() {
        return Err(ChoreError::Program { program, status: output.status.to_string() });
    }
    parse_list(&output.stdout).map_err(|error| ChoreError::Answer { program, reason: error.to_string() })
}

/// Runs the conformance tests in the given binaries, passing nextest's lines on to stderr. No binaries, no run.
pub fn run(root: &Path, binaries: &BTreeSet<&str>) -> Result<Run, ChoreError> {
    if binaries.is_empty() {
        return Ok(Run { ended_well: true, ..Run::default() });
    }
    let mut command = run_command(root, binaries);
    let program = spoken(&command);
    let start = |source| ChoreError::Start { program: program.clone(), source };
    let mut child = command.spawn().map_err(start)?;
    let mut run = Run::default();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            let line = line.map_err(|source| ChoreError::Answer {
                program: program.clone(),
                reason: source.to_string(),
            })?;
            let line = String::from_utf8_lossy(&line);
            eprintln!("{line}");
            note(&mut run.outcomes, &line);
        }
    }
    run.ended_well = child.wait().map_err(start)?.success();
    Ok(run)
}

fn run_command(root: &Path, binaries: &BTreeSet<&str>) -> Command {
    let mut command = cargo(root);
    command
        .args(["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests", "pass", "--retries", "0"])
        .args(["--status-level", "all", "--final-status-level", "fail", "--color", "never"])
        .args(["--show-progress", "none", "-E", &filter(binaries)])
        .stdout(std::io::stderr())
        .stderr(Stdio::piped());
    command
}

/// The filter expression: tests of these binaries that are named after a row or an example.
///
/// Nextest refuses a filter that names a binary which does not exist, so the binaries come from its own list.
fn filter(binaries: &BTreeSet<&str>) -> String {
    let places: Vec<String> = binaries.iter().map(|binary| format!("binary_id(={binary})")).collect();
    format!("({}) & test(/(^|::)((r|f|c|t|a)[0-9]+[a-c]?|example_[a-z][0-9]+)_/)", places.join(" | "))
}

#[derive(Deserialize)]
struct List {
    #[serde(rename = "rust-suites")]
    suites: BTreeMap<String, Suite>,
}

#[derive(Deserialize)]
struct Suite {
    #[serde(rename = "binary-id")]
    binary: String,
    testcases: BTreeMap<String, Case>,
}

#[derive(Deserialize)]
struct Case {
    ignored: bool,
}

fn parse_list(json: &[u8]) -> Result<Vec<TestId>, serde_json::Error> {
    let list: List = serde_json::from_slice(json)?;
    let tests = list.suites.into_values().flat_map(|suite| {
        let runnable = suite.testcases.into_iter().filter(|(_, case)| !case.ignored);
        runnable.map(move |(name, _)| TestId { binary: suite.binary.clone(), name })
    });
    Ok(tests.collect())
}

/// Takes a status line into account; a failure stays whatever comes later.
fn note(outcomes: &mut BTreeMap<TestId, Outcome>, line: &str) {
    let Some((test, outcome)) = parse_status(line) else { return };
    let known = outcomes.entry(test).or_insert(outcome);
    if outcome == Outcome::Failed {
        *known = outcome;
    }
}

/// Reads a line such as `    PASS [   0.012s] (3/9) bursar::conformance_rounds r31_a_pause_binds`.
///
/// `None` for lines that say nothing final about a test. An unknown status counts as a failure.
fn parse_status(line: &str) -> Option<(TestId, Outcome)> {
    let (status, rest) = line.split_once('[')?;
    let (time, rest) = rest.split_once(']')?;
    let status = status.trim();
    let is_status = !status.is_empty()
        && status
            .chars()
            .all(|mark| mark.is_ascii_uppercase() || mark.is_ascii_digit() || " /-+".contains(mark));
    if !is_status || !time.trim().ends_with('s') {
        return None;
    }
    let rest = rest.trim();
    let rest = match rest.strip_prefix('(') {
        Some(counted) => counted.split_once(')')?.1.trim(),
        None => rest,
    };
    let (binary, name) = rest.split_once(' ')?;
    let test = TestId { binary: binary.to_owned(), name: name.trim().to_owned() };
    match status.split_whitespace().last()? {
        "SLOW" | "SKIP" | "TERMINATING" => None,
        "PASS" | "LEAK" => Some((test, Outcome::Passed)),
        _ => Some((test, Outcome::Failed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINARY: &str = "bursar::conformance_rounds";

    fn status(line: &str) -> Option<Outcome> {
        let (test, outcome) = parse_status(line)?;
        assert_eq!((test.binary.as_str(), test.name.as_str()), (BINARY, "pauses::r31_binds"));
        Some(outcome)
    }

    #[test]
    fn pass_lines_are_read_with_and_without_a_counter() {
        let pass = Some(Outcome::Passed);
        assert_eq!(status("        PASS [   0.012s] bursar::conformance_rounds pauses::r31_binds"), pass);
        assert_eq!(
            status("        PASS [   0.012s] ( 3/19) bursar::conformance_rounds pauses::r31_binds"),
            pass
        );
        assert_eq!(status("        LEAK [   0.012s] bursar::conformance_rounds pauses::r31_binds"), pass);
    }

    #[test]
    fn every_bad_or_unknown_ending_is_a_failure() {
        for word in ["FAIL", "SIGABRT", "SIGSEGV", "TIMEOUT", "LEAK-FAIL", "TRY 2 FAIL", "EXECFAIL", "NOVEL"]
        {
            let line = format!("  {word} [   1.500s] {BINARY} pauses::r31_binds");
            assert_eq!(status(&line), Some(Outcome::Failed), "{word}");
        }
    }

    #[test]
    fn lines_without_a_result_are_passed_over() {
        for line in [
            "        SLOW [> 60.000s] bursar::conformance_rounds pauses::r31_binds",
            "        SKIP [         ] bursar::conformance_rounds pauses::r31_binds",
            "     Summary [   0.124s] 5 tests run: 3 passed, 2 failed, 2 skipped",
            "    Starting 5 tests across 2 binaries (2 tests skipped)",
            "error: test run failed",
            "",
        ] {
            assert_eq!(status(line), None, "{line}");
        }
    }

    #[test]
    fn a_failure_is_not_undone_by_a_later_pass() {
        let mut outcomes = BTreeMap::new();
        note(&mut outcomes, "  FAIL [   0.1s] bursar::conformance_rounds r31_binds");
        note(&mut outcomes, "  PASS [   0.1s] bursar::conformance_rounds r31_binds");
        assert_eq!(outcomes.into_values().collect::<Vec<_>>(), [Outcome::Failed]);
    }

    #[test]
    fn the_list_leaves_out_ignored_tests() {
        let json =
            br#"{"test-count":2,"rust-suites":{"x":{"binary-id":"bursar::conformance_rounds","testcases":
            {"r31_binds":{"kind":"test","ignored":false},"r32_waits":{"kind":"test","ignored":true}}}}}"#;
        let expected = TestId { binary: BINARY.to_owned(), name: "r31_binds".to_owned() };
        assert_eq!(parse_list(json).unwrap(), [expected]);
        assert!(parse_list(b"{}").is_err());
    }

    #[test]
    fn the_filter_names_the_binaries() {
        let filter = filter(&BTreeSet::from([BINARY, "bursar::conformance_arena"]));
        let places =
            "(binary_id(=bursar::conformance_arena) | binary_id(=bursar::conformance_rounds)) & test(";
        assert!(filter.starts_with(places), "{filter}");
    }

    #[test]
    fn without_binaries_nothing_is_run_and_nothing_is_wrong() {
        let run = run(Path::new("/nowhere"), &BTreeSet::new()).unwrap();
        assert!(run.ended_well && run.outcomes.is_empty());
    }
}
