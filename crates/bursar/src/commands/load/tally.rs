//! What a load has done so far: figures, counts, rounds, and the assertions that did not hold.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::breach::{Breaches, Check};
use super::entries::Entry;
use super::figures::Figures;

/// Everything that is reported.
#[derive(Default)]
pub struct Tally {
    /// Accepted joins.
    pub joins: Figures,
    /// First readings of results.
    pub reads: Figures,
    /// Second readings.
    pub rereads: Figures,
    /// Tries that the network failed.
    pub network_errors: u64,
    /// Answers that said to come later.
    pub postponed: u64,
    /// Each stage.
    pub stages: Vec<Stage>,
    /// Entries by what their wallets see, for each market.
    pub statuses: BTreeMap<&'static str, BTreeMap<String, usize>>,
    /// Each round that was read.
    pub rounds: Vec<Value>,
    /// The longest time from an end (and its grace) to the reading, in milliseconds of the server's clock.
    pub latest_read_ms: i64,
    /// What did not hold.
    pub breaches: Breaches,
}

/// What came of one stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// Entries that were to be sent.
    pub target: usize,
    /// Those that were accepted.
    pub accepted: usize,
    /// Those that were refused, or of which nobody knows.
    pub failed: usize,
    /// Those for which there was no time.
    pub unsent: usize,
    /// Windows that it took.
    pub windows: usize,
}

impl Tally {
    /// Nothing yet.
    pub fn new(stages: &[usize]) -> Tally {
        let stages = stages.iter().map(|target| Stage { target: *target, ..Stage::default() }).collect();
        Tally { stages, ..Tally::default() }
    }

    /// Entries of a stage were accepted in one window.
    pub fn joined(&mut self, stage: usize, took: Vec<Duration>, elapsed: Duration) {
        if let Some(stage) = self.stages.get_mut(stage) {
            stage.accepted += took.len();
            stage.windows += 1;
        }
        self.joins.add(took, elapsed);
    }

    /// An entry was not accepted.
    pub fn failed(&mut self, stage: usize, entry: &Entry, why: &str) {
        if let Some(stage) = self.stages.get_mut(stage) {
            stage.failed += 1;
        }
        self.breaches.note(Check::JoinsFailed, None, || format!("entry {}: {why}", entry.number));
    }

    /// An entry could not be sent in time.
    pub fn unsent(&mut self, stage: usize, entry: &Entry, why: Option<&str>) {
        if let Some(stage) = self.stages.get_mut(stage) {
            stage.unsent += 1;
        }
        let why = why.map_or_else(String::new, |why| format!(" ({why})"));
        self.breaches.note(Check::JoinsUnsent, None, || {
            format!("the window closed before entry {} could be sent{why}", entry.number)
        });
    }

    /// An entry is seen with this status.
    pub fn saw(&mut self, entry: &Entry, status: &str) {
        let statuses = self.statuses.entry(entry.market.key()).or_default();
        *statuses.entry(status.to_owned()).or_default() += 1;
    }

    /// Entries with this status over all markets.
    pub fn count_of(&self, status: &str) -> usize {
        self.statuses.values().filter_map(|statuses| statuses.get(status)).sum()
    }

    fn sum(&self, of: impl Fn(&Stage) -> usize) -> usize {
        self.stages.iter().map(of).sum()
    }

    /// The figures as JSON.
    pub fn json(&self) -> Value {
        let mut entries = self.joins.json();
        entries["planned"] = self.sum(|stage| stage.target).into();
        entries["accepted"] = self.sum(|stage| stage.accepted).into();
        entries["failed"] = self.sum(|stage| stage.failed).into();
        entries["unsent"] = self.sum(|stage| stage.unsent).into();
        entries["networkErrors"] = self.network_errors.into();
        let statuses = ["PENDING", "WIN", "LOSS", "REFUND", "MISSING"];
        let statuses: BTreeMap<_, _> =
            statuses.into_iter().map(|status| (status, self.count_of(status))).collect();
        json!({
            "entries": entries, "stages": self.stages, "postponed": self.postponed,
            "reads": self.reads.json(), "rereads": self.rereads.json(),
            "readAfterGraceMs": self.latest_read_ms, "statuses": statuses, "markets": self.statuses,
            "rounds": self.rounds, "breaches": self.breaches.list(),
        })
    }

    /// The figures for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("joins    {}", self.joins.line()),
            format!("reads    {}", self.reads.line()),
            format!("rereads  {}", self.rereads.line()),
        ];
        for (number, stage) in self.stages.iter().enumerate() {
            let Stage { target, accepted, failed, unsent, windows } = stage;
            lines.push(format!(
                "stage {}  {accepted} of {target} accepted in {windows} windows, {failed} failed, {unsent} unsent",
                number + 1
            ));
        }
        let counts = ["WIN", "LOSS", "REFUND", "PENDING", "MISSING"];
        let counts = counts.map(|status| format!("{} {status}", self.count_of(status)));
        lines.push(format!("entries  {}", counts.join(", ")));
        if self.postponed > 0 {
            lines.push(format!("limits   {} answers said to come later", self.postponed));
        }
        lines
    }
}
