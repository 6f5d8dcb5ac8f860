//! What a run went through, in numbers.

use std::collections::BTreeMap;
use std::fmt;

/// Counts over one run or many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Runs.
    pub seeds: u64,
    /// Joins that a node's lane took up.
    pub commands: u64,
    /// Batches in which they were taken up.
    pub batches: u64,
    /// Times that a settler ran.
    pub settler_runs: u64,
    /// Entries that were committed.
    pub entries: u64,
    /// Rounds that were settled.
    pub settlements: u64,
    /// Commits that the witness looked at.
    pub commits: u64,
    /// Steps that ran while another node was in the middle of something.
    pub interleaved: u64,
    /// Simulated time, ms.
    pub simulated_ms: u64,
    /// Faults that struck, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Answers to joins, by code.
    pub answers: BTreeMap<&'static str, u64>,
}

impl Figures {
    /// Counts one batch of joins.
    pub fn batch(&mut self, joins: usize) {
        self.batches += 1;
        self.commands += u64::try_from(joins).unwrap_or(u64::MAX);
    }

    /// Counts one fault.
    pub fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Counts one answer.
    pub fn answer(&mut self, code: &'static str) {
        *self.answers.entry(code).or_default() += 1;
    }

    /// How many faults struck.
    #[must_use]
    pub fn fault_count(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: &Figures) {
        self.seeds += other.seeds;
        self.commands += other.commands;
        self.batches += other.batches;
        self.settler_runs += other.settler_runs;
        self.entries += other.entries;
        self.settlements += other.settlements;
        self.commits += other.commits;
        self.interleaved += other.interleaved;
        self.simulated_ms += other.simulated_ms;
        other.faults.iter().for_each(|(kind, count)| *self.faults.entry(kind).or_default() += count);
        other.answers.iter().for_each(|(code, count)| *self.answers.entry(code).or_default() += count);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} seeds, {} joins in {} batches, {} entries, {} settler runs, {} rounds settled",
            self.seeds, self.commands, self.batches, self.entries, self.settler_runs, self.settlements
        )?;
        writeln!(
            f,
            "{} commits witnessed, {} steps interleaved with others",
            self.commits, self.interleaved
        )?;
        writeln!(f, "answers to joins:")?;
        self.answers.iter().try_for_each(|(code, count)| writeln!(f, "  {count:>9}  {code}"))?;
        writeln!(f, "{} faults:", self.fault_count())?;
        self.faults.iter().try_for_each(|(kind, count)| writeln!(f, "  {count:>9}  {kind}"))
    }
}
