//! What seeds together should reach, whatever rooms they play.

use std::collections::BTreeMap;

use crate::{faucet, payouts, rounds};

/// Faults and store errors that every campaign should meet.
const PLATFORM: &[(&str, &[&str])] = &[
    (
        "fault",
        &[
            "clock: back",
            "clock: drifts",
            "clock: forward",
            "disk: deletion fails",
            "disk: everything dies at a step",
            "disk: full",
            "disk: slow sync",
            "disk: sync fails",
            "disk: truncation fails",
            "disk: write fails",
            "disk: write tears",
            "machine: all processes killed",
            "machine: power cut",
            "node: dies after a commit",
            "node: dies before a commit",
            "node: dies before a transaction",
            "node: dies between two steps",
            "node: dies while it looks up a commit",
            "node: dies within a transaction",
            "operator: restores an older state",
            "store: answer lost after a commit",
            "store: answer lost before a commit",
            "store: conflict",
            "store: connection lost",
            "store: connection lost before a commit",
            "store: disk full",
            "store: statement fails",
        ],
    ),
    ("operator", &["backup"]),
    ("store error", &["disk full", "unavailable", "statement failed"]),
];

/// Everything in the catalogue that is not among what was reached: area and what.
#[must_use]
pub fn unreached(reached: &BTreeMap<(String, String), u64>) -> Vec<(&'static str, &'static str)> {
    let catalogue =
        PLATFORM.iter().chain(rounds::CATALOGUE).chain(payouts::CATALOGUE).chain(faucet::CATALOGUE);
    let all = catalogue.flat_map(|(area, whats)| whats.iter().map(|what| (*area, *what)));
    all.filter(|(area, what)| !reached.contains_key(&((*area).to_owned(), (*what).to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_seed_reached_is_named() {
        let all = unreached(&BTreeMap::new());
        assert!(all.contains(&("round", "tie")) && all.contains(&("fault", "disk: full")));
        let reached = BTreeMap::from([(("round".to_owned(), "tie".to_owned()), 3)]);
        assert_eq!(unreached(&reached).len(), all.len() - 1);
    }
}
