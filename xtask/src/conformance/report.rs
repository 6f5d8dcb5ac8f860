//! Joins rows with test outcomes and prints the result.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::nextest::{Outcome, Run, TestId};
use super::spec_rows::{Desk, SpecRow, Specification, Stage};
use super::test_name::{Claim, claim_of};
use crate::Verdict;
use crate::error::ChoreError;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// At least one test ran and all of its tests passed.
    Pass,
    /// A test failed, or was listed and did not report.
    Fail,
    /// A test exists; nothing was run.
    Present,
    /// It must hold now and has no test.
    Missing,
    /// It is promised for later and has no test.
    Later,
}

impl Status {
    const ALL: [Self; 5] = [Self::Pass, Self::Fail, Self::Present, Self::Missing, Self::Later];

    const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Present => "present",
            Self::Missing => "missing",
            Self::Later => "later",
        }
    }
}

#[derive(Debug, Serialize)]
struct Line {
    id: String,
    desk: &'static str,
    statement: String,
    status: Status,
}

/// The finished report. Its JSON form is the document that `--json` prints.
#[derive(Debug, Serialize)]
pub struct Report {
    rows: Vec<Line>,
    examples: Vec<Line>,
    #[serde(skip)]
    strays: Vec<String>,
    #[serde(skip)]
    ended_well: bool,
}

type Found = BTreeMap<Claim, Vec<Status>>;

impl Report {
    /// The report of a run: a listed test that did not report counts as failed.
    pub fn of_run(specification: &Specification, tests: &[TestId], run: &Run) -> Self {
        let status = |test: &TestId| match run.outcomes.get(test) {
            Some(Outcome::Passed) => Status::Pass,
            Some(Outcome::Failed) | None => Status::Fail,
        };
        Self::join(specification, tests, status, run.ended_well)
    }

    /// The report without a run: only whether a test exists.
    pub fn of_existence(specification: &Specification, tests: &[TestId]) -> Self {
        Self::join(specification, tests, |_| Status::Present, true)
    }

    /// Tests in conformance binaries of the reported desks whose id is no row or example.
    pub fn strays(&self) -> &[String] {
        &self.strays
    }

    /// Bad when a row or example failed, or when the run itself ended badly.
    pub fn verdict(&self) -> Verdict {
        let failed = self.lines().any(|line| line.status == Status::Fail);
        if failed || !self.ended_well { Verdict::Bad } else { Verdict::Good }
    }

    /// The JSON document.
    pub fn to_json(&self) -> Result<String, ChoreError> {
        serde_json::to_string(self).map_err(|error| ChoreError::Answer {
            program: "conformance report".to_owned(),
            reason: error.to_string(),
        })
    }

    /// The table for people: rows, examples, and totals per desk.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        push_section(&mut text, "Rows", &self.rows);
        push_section(&mut text, "Worked examples", &self.examples);
        text.push_str("Totals of rows\n");
        let desks: BTreeSet<Desk> = self.rows.iter().filter_map(|line| Desk::parse(line.desk).ok()).collect();
        for desk in desks {
            let lines = self.rows.iter().filter(|line| line.desk == desk.name());
            push_total(&mut text, desk.name(), lines);
        }
        push_total(&mut text, "all", self.rows.iter());
        if !self.ended_well && !self.lines().any(|line| line.status == Status::Fail) {
            text.push_str("The test run ended badly although no row failed; see its output above.\n");
        }
        text
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.rows.iter().chain(&self.examples)
    }

    fn join(
        specification: &Specification,
        tests: &[TestId],
        status: impl Fn(&TestId) -> Status,
        ended_well: bool,
    ) -> Self {
        let desks: BTreeSet<Desk> = specification.rows.iter().map(|row| row.desk).collect();
        let mut found = Found::new();
        let mut names = BTreeMap::new();
        for test in tests {
            let Some(claim) = claim_of(&test.binary, &test.name) else { continue };
            if desks.contains(&claim.desk()) {
                names.entry(claim.clone()).or_insert_with(|| format!("{} {}", test.binary, test.name));
                found.entry(claim).or_default().push(status(test));
            }
        }
        let rows = take_lines(&specification.rows, Claim::Row, &mut found);
        let examples = take_lines(&specification.examples, Claim::Example, &mut found);
        let strays = found.keys().filter_map(|claim| names.get(claim).cloned()).collect();
        Self { rows, examples, strays, ended_well }
    }
}

/// One line for each row; what the rows claim is taken out of `found`.
fn take_lines(rows: &[SpecRow], claim: fn(Desk, String) -> Claim, found: &mut Found) -> Vec<Line> {
    let line = |row: &SpecRow| {
        let statuses = found.remove(&claim(row.desk, row.id.to_ascii_lowercase())).unwrap_or_default();
        Line {
            id: row.id.clone(),
            desk: row.desk.name(),
            statement: row.statement.clone(),
            status: sum_up(row.stage, &statuses),
        }
    };
    rows.iter().map(line).collect()
}

fn sum_up(stage: Stage, statuses: &[Status]) -> Status {
    if statuses.contains(&Status::Fail) {
        return Status::Fail;
    }
    match (statuses.first(), stage) {
        (Some(status), _) => *status,
        (None, Stage::Now) => Status::Missing,
        (None, Stage::Later) => Status::Later,
    }
}

fn push_section(text: &mut String, title: &str, lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{title}");
    for line in lines {
        let _ =
            writeln!(text, "  {:<8}{:<6}{:<12}{}", line.status.word(), line.id, line.desk, line.statement);
    }
    text.push('\n');
}

fn push_total<'a>(text: &mut String, name: &str, lines: impl Iterator<Item = &'a Line>) {
    let mut counts: BTreeMap<Status, usize> = BTreeMap::new();
    for line in lines {
        *counts.entry(line.status).or_default() += 1;
    }
    let total: usize = counts.values().sum();
    let _ = write!(text, "  {name:<12}{total:>4}");
    for status in Status::ALL {
        if let Some(count) = counts.get(&status) {
            let _ = write!(text, "  {} {count}", status.word());
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, stage: Stage) -> SpecRow {
        SpecRow { id: id.to_owned(), desk: Desk::Rounds, stage, statement: format!("{id} holds.") }
    }

    fn specification() -> Specification {
        Specification {
            rows: vec![
                row("R2", Stage::Now),
                row("R6", Stage::Now),
                row("R26a", Stage::Later),
                row("R8", Stage::Later),
            ],
            examples: vec![row("C3", Stage::Now)],
        }
    }

    fn test(name: &str) -> TestId {
        TestId { binary: "bursar::conformance_rounds".to_owned(), name: name.to_owned() }
    }

    fn report(passed: &[&str], failed: &[&str], silent: &[&str]) -> Report {
        let tests: Vec<TestId> = passed.iter().chain(failed).chain(silent).map(|name| test(name)).collect();
        let mut run = Run { ended_well: failed.is_empty(), ..Run::default() };
        run.outcomes.extend(passed.iter().map(|name| (test(name), Outcome::Passed)));
        run.outcomes.extend(failed.iter().map(|name| (test(name), Outcome::Failed)));
        Report::of_run(&specification(), &tests, &run)
    }

    fn statuses(report: &Report) -> Vec<&'static str> {
        report.rows.iter().map(|line| line.status.word()).collect()
    }

    #[test]
    fn a_row_without_a_test_is_missing_now_and_later_otherwise() {
        let report = report(&["r2_key"], &[], &[]);
        assert_eq!(statuses(&report), ["pass", "missing", "later", "later"]);
        assert_eq!(report.verdict(), Verdict::Good);
    }

    #[test]
    fn a_later_row_with_a_passing_test_passes() {
        assert_eq!(statuses(&report(&["r26a_errors_arrive"], &[], &[]))[2], "pass");
    }

    #[test]
    fn one_failing_test_of_several_fails_the_row_and_the_verdict() {
        let report = report(&["r2_key", "r2_key_absent"], &["r2_key_wrong"], &[]);
        assert_eq!(statuses(&report)[0], "fail");
        assert_eq!(report.verdict(), Verdict::Bad);
    }

    #[test]
    fn a_listed_test_that_never_reported_fails_its_row() {
        assert_eq!(statuses(&report(&[], &[], &["r6_default_off"]))[1], "fail");
    }

    #[test]
    fn a_run_that_ended_badly_is_bad_without_a_failed_row() {
        let run = Run { ended_well: false, ..Run::default() };
        assert_eq!(Report::of_run(&specification(), &[], &run).verdict(), Verdict::Bad);
    }

    #[test]
    fn examples_stand_apart_from_rows() {
        let report = report(&["example_c3_small_pool"], &[], &[]);
        assert_eq!(report.examples[0].status, Status::Pass);
        assert_eq!(report.rows.len(), 4);
    }

    #[test]
    fn a_test_of_no_row_is_a_stray() {
        let report = report(&["r99_what", "r2_key", "worked_example_3_what"], &[], &[]);
        let strays =
            ["r99_what", "worked_example_3_what"].map(|name| format!("bursar::conformance_rounds {name}"));
        assert_eq!(report.strays(), strays);
    }

    #[test]
    fn without_a_run_a_row_with_a_test_is_present() {
        let report = Report::of_existence(&specification(), &[test("r2_key")]);
        assert_eq!(statuses(&report), ["present", "missing", "later", "later"]);
    }

    #[test]
    fn the_json_document_has_exactly_the_promised_members() {
        let specification = Specification { rows: vec![row("R2", Stage::Now)], examples: Vec::new() };
        let report = Report::of_existence(&specification, &[test("r2_key")]);
        let expected = r#"{"rows":[{"id":"R2","desk":"rounds","statement":"R2 holds.","status":"present"}],"examples":[]}"#;
        assert_eq!(report.to_json().unwrap(), expected);
    }

    #[test]
    fn the_table_ends_with_totals() {
        let table = report(&["r2_key"], &["r6_default_off"], &[]).to_table();
        assert!(table.contains("  pass    R2    rounds      R2 holds.\n"), "{table}");
        assert!(table.ends_with("  all            4  pass 1  fail 1  later 2\n"), "{table}");
    }
}
