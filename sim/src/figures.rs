//! What a run went through, in numbers.

use std::collections::BTreeMap;

/// Counts over one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Runs.
    pub seeds: u64,
    /// Commands that lanes took up.
    pub commands: u64,
    /// Batches in which they were taken up.
    pub batches: u64,
    /// Commits that witnesses looked at.
    pub commits: u64,
    /// Steps that ran while another node was in the middle of something.
    pub interleaved: u64,
    /// Simulated time without the nights in which nothing happens, ms.
    pub simulated_ms: u64,
    /// What was reached and how often, by area: faults that struck, answers given, states come to.
    pub reached: BTreeMap<(&'static str, &'static str), u64>,
}

impl Figures {
    /// Counts one batch of commands.
    pub fn batch(&mut self, commands: usize) {
        self.batches += 1;
        self.commands += u64::try_from(commands).unwrap_or(u64::MAX);
    }

    /// Counts something that was reached.
    pub fn reach(&mut self, area: &'static str, what: &'static str) {
        self.reach_times(area, what, 1);
    }

    /// Counts something that was reached several times.
    pub fn reach_times(&mut self, area: &'static str, what: &'static str, times: u64) {
        *self.reached.entry((area, what)).or_default() += times;
    }

    /// How often something was reached.
    #[must_use]
    pub fn times(&self, area: &'static str, what: &'static str) -> u64 {
        self.reached.get(&(area, what)).copied().unwrap_or(0)
    }

    /// How many faults struck.
    #[must_use]
    pub fn fault_count(&self) -> u64 {
        self.reached.iter().filter(|((area, _), _)| *area == "fault").map(|(_, times)| times).sum()
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: &Figures) {
        self.seeds += other.seeds;
        self.commands += other.commands;
        self.batches += other.batches;
        self.commits += other.commits;
        self.interleaved += other.interleaved;
        self.simulated_ms += other.simulated_ms;
        for ((area, what), times) in &other.reached {
            self.reach_times(area, what, *times);
        }
    }
}
