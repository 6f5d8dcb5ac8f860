//! Whose calls were refused, counted in memory until somebody stores it: metrics must not name a wallet (R52, M3).

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts kept apart between two takings; what comes beyond is counted without its subject.
const KEPT_APART: usize = 10_000;

/// One refused caller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// The desk.
    pub desk: &'static str,
    /// Who was refused, such as a wallet; empty = beyond what is kept apart.
    pub subject: String,
    /// The stable code of the refusal.
    pub code: &'static str,
}

/// Counts refusals by caller.
#[derive(Clone, Default)]
pub struct Refusals(Arc<Mutex<BTreeMap<Refused, i64>>>);

impl Refusals {
    /// Counts one refusal. `subject` has been checked to be an id, so that nobody can store a text of their own.
    pub fn count(&self, desk: &'static str, subject: &str, code: &'static str) {
        self.add(Refused { desk, subject: subject.to_owned(), code }, 1);
    }

    /// What was counted since the last taking.
    #[must_use]
    pub fn take(&self) -> BTreeMap<Refused, i64> {
        std::mem::take(&mut *self.0.lock())
    }

    /// Takes back what could not be stored.
    pub fn put_back(&self, counted: BTreeMap<Refused, i64>) {
        for (refused, calls) in counted {
            self.add(refused, calls);
        }
    }

    fn add(&self, mut refused: Refused, calls: i64) {
        let mut counted = self.0.lock();
        if counted.len() >= KEPT_APART && !counted.contains_key(&refused) {
            refused.subject.clear();
        }
        let count = counted.entry(refused).or_default();
        *count = count.saturating_add(calls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taking_empties_and_what_is_put_back_adds_up() {
        let refusals = Refusals::default();
        refusals.count("rounds", "a", "rate_limited");
        let taken = refusals.take();
        refusals.count("rounds", "a", "rate_limited");
        refusals.put_back(taken);
        let a = Refused { desk: "rounds", subject: "a".to_owned(), code: "rate_limited" };
        assert_eq!(refusals.take(), [(a, 2)].into());
        assert!(refusals.take().is_empty());
    }

    #[test]
    fn a_flood_of_new_subjects_is_counted_without_them() {
        let refusals = Refusals::default();
        for subject in 0..KEPT_APART + 5 {
            refusals.count("rounds", &subject.to_string(), "rate_limited");
        }
        refusals.count("rounds", "7", "rate_limited");
        let taken = refusals.take();
        let calls = |subject: &str| {
            taken[&Refused { desk: "rounds", subject: subject.to_owned(), code: "rate_limited" }]
        };
        assert_eq!((taken.len(), calls(""), calls("7")), (KEPT_APART + 1, 5, 2));
    }
}
