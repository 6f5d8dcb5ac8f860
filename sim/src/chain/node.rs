//! One node: what it knows, and how it fails.

use std::collections::BTreeMap;

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
    /// What it has and is not final, with the height up to which it can become so.
    knows: BTreeMap<String, Option<u64>>,
    trouble: Option<(Trouble, i64)>,
}

impl Node {
    /// It is handed a transaction, or hears of it.
    pub fn hear(&mut self, id: &str, valid_until: Option<u64>) {
        self.knows.insert(id.to_owned(), valid_until);
    }

    /// Whether it has a transaction at a height: what has expired it throws away.
    pub fn has(&self, id: &str, height: u64) -> bool {
        self.knows.get(id).is_some_and(|until| until.is_none_or(|until| height <= until))
    }

    /// It no longer has a transaction.
    pub fn drop_one(&mut self, id: &str) {
        self.knows.remove(id);
    }

    /// It has nothing any more that is not final.
    pub fn drop_all(&mut self) {
        self.knows.clear();
    }

    /// What it has that is not final.
    pub fn heard(&self) -> impl Iterator<Item = &String> {
        self.knows.keys()
    }

    /// Its trouble at a time, Unix ms.
    pub fn trouble(&self, now_ms: i64) -> Option<Trouble> {
        self.trouble.filter(|(_, until_ms)| now_ms < *until_ms).map(|(trouble, _)| trouble)
    }

    /// It fails until then.
    pub fn fail(&mut self, trouble: Trouble, until_ms: i64) {
        if trouble == Trouble::Forgets {
            self.drop_all();
        }
        self.trouble = Some((trouble, until_ms));
    }

    /// It is well.
    pub fn be_well(&mut self) {
        self.trouble = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_expired_is_thrown_away_also_by_a_node_that_never_passed_it_on() {
        let mut node = Node::default();
        node.hear("expires", Some(60));
        node.hear("stays", None);
        assert!(node.has("expires", 60) && node.has("stays", 60));
        assert!(!node.has("expires", 61) && node.has("stays", 61));
        node.drop_all();
        assert!(!node.has("stays", 61));
    }
}
