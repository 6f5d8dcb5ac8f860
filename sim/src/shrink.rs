//! Making a failing run small: what can be left out while the same rule breaks is left out.

use std::time::{Duration, Instant};

use crate::invariant::Violation;
use crate::run;
use crate::scenario::{Item, Outcome, Scenario, Simpler};

/// A small scenario that breaks the same rule.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// What is left.
    pub scenario: Scenario,
    /// How it breaks the rule.
    pub violation: Violation,
    /// Troubles, acts and bursts that are left.
    pub left: [usize; 3],
    /// Runs that it took.
    pub runs: u32,
}

/// Shrinks `scenario`, which ended as `outcome`, until nothing more can go or `patience` ends. `None` when no rule was
/// broken.
#[must_use]
pub fn shrink(scenario: &Scenario, outcome: &Outcome, patience: Duration) -> Option<Shrunk> {
    let violation = outcome.violation.clone()?;
    let mut search = Search {
        best: scenario.clone(),
        items: outcome.items,
        violation,
        runs: 0,
        until: Instant::now() + patience,
    };
    for (option, _) in Simpler::ALL {
        let mut candidate = search.best.clone();
        if candidate.omitted.options.insert(option) {
            search.offer(candidate);
        }
    }
    let mut shrinks = true;
    while shrinks && Instant::now() < search.until {
        let before = search.left();
        Item::ALL.iter().for_each(|(item, _)| search.drop_items(*item));
        shrinks = search.left() < before;
    }
    let left = Item::ALL.map(|(item, _)| search.remaining(item).len());
    Some(Shrunk { scenario: search.best, violation: search.violation, left, runs: search.runs })
}

struct Search {
    best: Scenario,
    /// How many of each kind came up in the best run.
    items: [u32; 3],
    violation: Violation,
    runs: u32,
    until: Instant,
}

impl Search {
    /// Takes the candidate for the best if it breaks the same rule.
    fn offer(&mut self, candidate: Scenario) -> bool {
        if Instant::now() >= self.until {
            return false;
        }
        self.runs += 1;
        let outcome = run(&candidate);
        match outcome.violation {
            Some(violation) if violation.invariant == self.violation.invariant => {
                (self.best, self.items, self.violation) = (candidate, outcome.items, violation);
                true
            }
            _ => false,
        }
    }

    /// Numbers of one kind that still happen.
    fn remaining(&self, item: Item) -> Vec<u32> {
        let index = Item::ALL.iter().position(|(known, _)| *known == item).unwrap_or(0);
        let omitted = &self.best.omitted.items;
        (0..self.items[index]).filter(|number| !omitted.contains(&(item, *number))).collect()
    }

    fn left(&self) -> usize {
        Item::ALL.iter().map(|(item, _)| self.remaining(*item).len()).sum()
    }

    /// Leaves out runs of items, all at first, then ever fewer at a time.
    fn drop_items(&mut self, item: Item) {
        let mut size = self.remaining(item).len();
        while size > 0 {
            let mut from = 0;
            loop {
                let remaining = self.remaining(item);
                let Some(numbers) = remaining.get(from..(from + size).min(remaining.len())) else { break };
                if numbers.is_empty() {
                    break;
                }
                let mut candidate = self.best.clone();
                candidate.omitted.items.extend(numbers.iter().map(|number| (item, *number)));
                if !self.offer(candidate) {
                    from += size;
                }
            }
            size /= 2;
        }
    }
}
