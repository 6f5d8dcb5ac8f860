//! Which way prices go: decided by the campaign's seed, published before a round ends.

use std::collections::BTreeMap;

use super::{MARKETS, Random, round_key};
use crate::harness::Prices;

/// The outcome of every round so far, by its number in storage: `Some(up wins)`, or a tie.
#[derive(Clone, Debug, Default)]
pub struct Outcomes(BTreeMap<i64, Option<bool>>);

impl Outcomes {
    /// Decides all markets of the rounds that start at `start_ms`, once.
    pub fn publish(&mut self, prices: &Prices, start_ms: i64, random: &mut Random) {
        for market in MARKETS {
            let any = random.pick(&[Some(true), Some(false), Some(true), Some(false), None]);
            let decided = self.0.get(&round_key(market, start_ms)).copied().unwrap_or(any);
            self.decide(prices, market, start_ms, decided);
        }
    }

    /// Decides one round.
    pub fn decide(&mut self, prices: &Prices, market: &str, start_ms: i64, outcome: Option<bool>) {
        let at_end = match outcome {
            Some(true) => 101,
            Some(false) => 99,
            None => 100,
        };
        prices.set_round(market, start_ms, 100, at_end);
        self.0.insert(round_key(market, start_ms), outcome);
    }

    /// The outcome of a round.
    pub fn of(&self, round_key: i64) -> Option<bool> {
        *self.0.get(&round_key).unwrap_or_else(|| panic!("round {round_key} was never played"))
    }
}
