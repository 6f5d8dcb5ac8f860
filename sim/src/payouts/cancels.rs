//! What operators took back, as they were told.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::Intent;
use super::witness::{CANCELLED, FINAL, HELD, SIGNED};
use crate::invariant::{Breach, require};

/// Cancels that were tried, by intent.
#[derive(Clone, Debug, Default)]
pub struct Cancels {
    /// Acknowledged: what waited is over, and what is under way gets no further attempt.
    taken_back: BTreeSet<i64>,
    /// Under way, or without an answer: what became of so many nobody was told.
    in_doubt: BTreeMap<i64, u32>,
}

impl Cancels {
    /// One is tried.
    pub fn begin(&mut self, intent: i64) {
        *self.in_doubt.entry(intent).or_default() += 1;
    }

    /// The operator was told that it is done, or refused.
    pub fn end(&mut self, intent: i64, is_done: bool) {
        if let Some(tries) = self.in_doubt.get_mut(&intent) {
            *tries = tries.saturating_sub(1);
        }
        if is_done {
            self.taken_back.insert(intent);
        }
    }

    /// Whether an intent was taken back.
    pub fn is_taken_back(&self, intent: i64) -> bool {
        self.taken_back.contains(&intent)
    }

    /// Whether an intent may be over unpaid: it was taken back, or that was tried and nobody knows.
    pub fn may_end(&self, intent: i64) -> bool {
        self.is_taken_back(intent) || self.in_doubt.get(&intent).is_some_and(|tries| *tries > 0)
    }

    /// An answer was true: what is done does not wait any more, and a refusal has left no trace.
    pub fn check(&self, id: i64, intent: Option<&Intent>, is_done: bool) -> Result<(), Breach> {
        let state = intent.map(|intent| intent.state);
        if is_done {
            let is_stopped = state.is_some_and(|state| state >= SIGNED && state != FINAL);
            require!(Durable, is_stopped, "{id} was taken back, and stored is {intent:?}");
        } else {
            let is_left = state == Some(CANCELLED) && !self.may_end(id);
            require!(RefusedNoTrace, !is_left, "the cancel of {id} is refused, and stored is {intent:?}");
        }
        Ok(())
    }
}

impl Cancels {
    /// The same of an intent that was given up while it was under way: its end may be a person's to decide.
    pub fn check_given_up(&self, id: i64, intent: Option<&Intent>, is_done: bool) -> Result<(), Breach> {
        let is_held = is_done && intent.is_some_and(|intent| intent.state == HELD);
        if is_held { Ok(()) } else { self.check(id, intent, is_done) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(state: i64) -> Intent {
        let [key, wallet, to] = ["order-1", "hot", "somebody"].map(str::to_owned);
        Intent { id: 1, key, wallet, to, amount: 5, state, has_hold: true }
    }

    #[test]
    fn a_cancel_excuses_an_end_while_it_is_tried_and_once_it_is_done_and_not_after_a_refusal() {
        let mut cancels = Cancels::default();
        assert!(!cancels.may_end(1));
        cancels.begin(1);
        assert!(cancels.may_end(1));
        cancels.end(1, false);
        assert!(!cancels.may_end(1));
        cancels.begin(1);
        cancels.end(1, true);
        assert!(cancels.may_end(1) && cancels.is_taken_back(1) && !cancels.may_end(2));
    }

    #[test]
    fn a_cancel_without_an_answer_excuses_for_ever_also_when_the_next_one_is_refused() {
        let mut cancels = Cancels::default();
        cancels.begin(1);
        cancels.begin(1);
        cancels.end(1, false);
        assert!(cancels.may_end(1) && !cancels.is_taken_back(1));
        assert_eq!(cancels.check(1, Some(&intent(CANCELLED)), false), Ok(()));
    }

    #[test]
    fn what_is_done_waits_no_more_and_a_refusal_leaves_no_trace() {
        let mut cancels = Cancels::default();
        assert!(cancels.check(1, Some(&intent(CANCELLED)), false).is_err());
        cancels.begin(1);
        cancels.end(1, true);
        for (state, is_true) in
            [(0, false), (1, false), (SIGNED, true), (FINAL, false), (5, true), (CANCELLED, true)]
        {
            assert_eq!(cancels.check(1, Some(&intent(state)), true).is_ok(), is_true, "state {state}");
        }
        assert!(cancels.check(1, None, true).is_err());
    }
}
