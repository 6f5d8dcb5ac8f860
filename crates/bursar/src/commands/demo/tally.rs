//! What became of the players' requests.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// Counts, shared by all players.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

/// How many requests ended in which way since the start of this run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Entries that were made.
    pub accepted: u64,
    /// Refusals by their code.
    pub refused: BTreeMap<String, u64>,
    /// Requests without an answer.
    pub unanswered: u64,
}

impl Tally {
    pub fn accepted(&self) {
        self.0.lock().accepted += 1;
    }

    pub fn refused(&self, code: &str) {
        *self.0.lock().refused.entry(code.to_owned()).or_default() += 1;
    }

    pub fn unanswered(&self) {
        self.0.lock().unanswered += 1;
    }

    pub fn counts(&self) -> Counts {
        self.0.lock().clone()
    }
}
