//! One node: what it knows, and how it fails.

use std::collections::BTreeSet;

/// How a node fails for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It does not answer.
    Silent,
    /// It answers that it is asked too often.
    Limited,
    /// It answers with what nobody can read.
    Garbage,
    /// It takes what is sent, and all its answers are lost.
    Mute,
    /// It says that it takes what is sent, and passes nothing on.
    Drops,
    /// It is behind by this much, ms.
    Lags(i64),
    /// It has forgotten what is not final, and its history is pruned.
    Forgets,
    /// It denies what it knows.
    Denies,
    /// It shows another transaction in each slot.
    Forks,
}

/// Every trouble with its name; at most one node at a time lies, which is what the last three are.
pub const TROUBLES: [(Trouble, &str); 9] = [
    (Trouble::Silent, "chain: node silent"),
    (Trouble::Limited, "chain: node answers 429"),
    (Trouble::Garbage, "chain: node answers garbage"),
    (Trouble::Mute, "chain: node whose answers are lost"),
    (Trouble::Drops, "chain: node drops what it takes"),
    (Trouble::Lags(90_000), "chain: node lags"),
    (Trouble::Forgets, "chain: node forgets"),
    (Trouble::Denies, "chain: node denies what it knows"),
    (Trouble::Forks, "chain: node shows a fork"),
];

impl Trouble {
    /// Whether its word is false rather than missing.
    pub fn lies(self) -> bool {
        matches!(self, Trouble::Lags(_) | Trouble::Forgets | Trouble::Denies | Trouble::Forks)
    }
}

/// A node.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// What it has and is not final.
    pub knows: BTreeSet<String>,
    trouble: Option<(Trouble, i64)>,
}

impl Node {
    /// Its trouble at a time, Unix ms.
    pub fn trouble(&self, now_ms: i64) -> Option<Trouble> {
        self.trouble.filter(|(_, until_ms)| now_ms < *until_ms).map(|(trouble, _)| trouble)
    }

    /// It fails until then.
    pub fn fail(&mut self, trouble: Trouble, until_ms: i64) {
        if trouble == Trouble::Forgets {
            self.knows.clear();
        }
        self.trouble = Some((trouble, until_ms));
    }

    /// It is well.
    pub fn be_well(&mut self) {
        self.trouble = None;
    }
}
