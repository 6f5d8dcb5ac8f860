//! Assertions of a load that did not hold, each named once a round with a count and an example.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a load asserts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Every join is accepted.
    JoinsFailed,
    /// Every entry is sent before its window closes.
    JoinsUnsent,
    /// The pool of a round can be read.
    PoolUnread,
    /// The pool is exactly what was sent.
    PoolDiffers,
    /// The results of every wallet can be read.
    ResultsUnread,
    /// Every accepted entry is in them.
    ResultsMissing,
    /// After the end and the grace nothing is pending.
    ResultsPending,
    /// Reading again shows the same.
    ResultsChanged,
    /// An entry is shown as it was sent.
    EntryDiffers,
    /// All entries of a round show the same settlement.
    SettlementsDiffer,
    /// The settlement follows from the stakes and prices.
    SettlementWrong,
    /// Each payout is the recomputed one.
    PayoutWrong,
    /// Payouts and fee are the pool.
    PoolNotConserved,
    /// The fee that the server has booked is the recomputed one.
    FeeDiffers,
}

/// An assertion that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    /// Which.
    pub check: Check,
    /// In which round; `None` = in the load as a whole.
    pub round_id: Option<String>,
    /// How often.
    pub count: usize,
    /// The first case in words.
    pub example: String,
}

impl Breach {
    /// In words.
    pub fn line(&self) -> String {
        let name = serde_json::to_value(self.check).ok();
        let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
        let place = self.round_id.as_ref().map_or_else(String::new, |round| format!(" in {round}"));
        match self.count {
            1 => format!("{name}{place}: {}", self.example),
            count => format!("{name}{place}: {count} cases, the first: {}", self.example),
        }
    }
}

/// Breaches as they are found.
#[derive(Debug, Default)]
pub struct Breaches(BTreeMap<(Check, Option<String>), (usize, String)>);

impl Breaches {
    /// Notes one case.
    pub fn note(&mut self, check: Check, round_id: Option<&str>, example: impl FnOnce() -> String) {
        let case = self.0.entry((check, round_id.map(str::to_owned)));
        case.and_modify(|(count, _)| *count += 1).or_insert_with(|| (1, example()));
    }

    /// Notes a case unless `holds`.
    pub fn require(
        &mut self,
        holds: bool,
        check: Check,
        round_id: Option<&str>,
        example: impl FnOnce() -> String,
    ) {
        if !holds {
            self.note(check, round_id, example);
        }
    }

    /// All of them.
    pub fn list(&self) -> Vec<Breach> {
        let one = |((check, round_id), (count, example)): (&(Check, Option<String>), &(usize, String))| {
            let (round_id, example) = (round_id.clone(), example.clone());
            Breach { check: *check, round_id, count: *count, example }
        };
        self.0.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_of_one_check_in_one_round_are_counted_and_the_first_is_told() {
        let mut breaches = Breaches::default();
        for wallet in ["a", "b"] {
            breaches.require(false, Check::ResultsPending, Some("SOL-1-5m"), || format!("wallet {wallet}"));
        }
        breaches.require(true, Check::PoolDiffers, Some("SOL-1-5m"), || "never".to_owned());
        breaches.note(Check::JoinsFailed, None, || "503 joins_paused".to_owned());
        let lines: Vec<String> = breaches.list().iter().map(Breach::line).collect();
        assert_eq!(
            lines,
            ["joins_failed: 503 joins_paused", "results_pending in SOL-1-5m: 2 cases, the first: wallet a"]
        );
    }
}
