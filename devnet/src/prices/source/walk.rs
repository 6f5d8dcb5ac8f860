//! A price that wanders like a market, computed for any second from a seed alone.

use std::collections::BTreeMap;

use bursar_money::Price;

use super::{Quote, Source, canonical_feed};

/// Layers of noise: layer `k` changes direction every `2^k` seconds, the slowest one every 18 hours.
const LAYERS: u32 = 17;

/// Why a walk cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// The step is negative, or could carry the price to zero or out of range.
    #[error(
        "step {step} does not fit start mantissa {start}: the start must exceed {reach} steps and the step be >= 0"
    )]
    StepTooLarge {
        /// The start price's mantissa.
        start: i64,
        /// The step asked for.
        step: i64,
        /// How many steps the walk can move away from its start.
        reach: i64,
    },
}

/// A walk per feed: a pure function of (seed, feed, second), defined for every second and cheap at each.
#[derive(Clone, Debug)]
pub struct SeededWalk {
    seed: u64,
    feeds: BTreeMap<String, Walk>,
}

#[derive(Clone, Debug)]
struct Walk {
    key: u64,
    start: Price,
    step: i64,
}

impl SeededWalk {
    /// How many steps, at most, a walk is ever away from its start.
    pub const REACH_STEPS: i64 = 868;

    /// A walk without any feed.
    #[must_use]
    pub const fn new(seed: u64) -> SeededWalk {
        SeededWalk { seed, feeds: BTreeMap::new() }
    }

    /// Adds a feed around `start`; `step` is the usual change from one second to the next, in units of the mantissa.
    pub fn with_feed(mut self, feed: &str, start: Price, step: i64) -> Result<SeededWalk, WalkError> {
        let refusal = WalkError::StepTooLarge { start: start.mantissa, step, reach: Self::REACH_STEPS };
        let distance = step.checked_mul(Self::REACH_STEPS).filter(|distance| *distance >= 0);
        let fits =
            distance.is_some_and(|far| start.mantissa > far && start.mantissa.checked_add(far).is_some());
        if !fits {
            return Err(refusal);
        }
        let feed = canonical_feed(feed);
        let key = feed.bytes().fold(mix(self.seed), |key, byte| mix(key ^ u64::from(byte)));
        self.feeds.insert(feed, Walk { key, start, step });
        Ok(self)
    }
}

impl Walk {
    fn price_at(&self, second: i64) -> Price {
        let away: i128 = (0..LAYERS).map(|layer| self.layer_at(layer, second)).sum();
        let mantissa = i64::try_from(i128::from(self.start.mantissa) + away).unwrap_or(self.start.mantissa);
        Price::new(mantissa, self.start.exponent)
    }

    /// One layer: straight lines between random heights that stand `2^layer` seconds apart.
    fn layer_at(&self, layer: u32, second: i64) -> i128 {
        let period = 1i64 << layer;
        let (cell, into) = (second.div_euclid(period), i128::from(second.rem_euclid(period)));
        let (from, to) = (self.height(layer, cell), self.height(layer, cell.wrapping_add(1)));
        let period = i128::from(period);
        (from * (period - into) + to * into) / period
    }

    /// A height within `±step * sqrt(2^layer)`, so that the spread grows with the root of time.
    fn height(&self, layer: u32, cell: i64) -> i128 {
        let amplitude = i128::from(self.step) * i128::from((1u64 << layer).isqrt());
        let noise = mix(mix(self.key ^ u64::from(layer)) ^ cell.cast_unsigned());
        i128::from(noise) % (2 * amplitude + 1) - amplitude
    }
}

/// The output function of SplitMix64: every bit of the input reaches every bit of the result.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Source for SeededWalk {
    fn has(&self, feed: &str) -> bool {
        self.feeds.contains_key(feed)
    }

    fn at(&self, feed: &str, second: i64) -> Option<Quote> {
        self.feeds.get(feed).map(|walk| Quote::tight(walk.price_at(second), second))
    }

    fn latest(&self, feed: &str, now: i64) -> Option<Quote> {
        self.at(feed, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Price = Price::new(2_171_251, -2);

    fn walk(seed: u64) -> SeededWalk {
        SeededWalk::new(seed).with_feed("ab", START, 100).unwrap().with_feed("cd", START, 100).unwrap()
    }

    fn mantissas(walk: &SeededWalk, feed: &str) -> Vec<i64> {
        (0..600).map(|second| walk.at(feed, second).unwrap().price.mantissa).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_prices() {
        assert_eq!(mantissas(&walk(7), "ab"), mantissas(&walk(7), "ab"));
        let expected = [2_198_760, 2_198_693, 2_196_794];
        let seconds = [1_700_000_100, 1_700_000_101, 1_700_000_400];
        assert_eq!(seconds.map(|second| walk(7).at("ab", second).unwrap().price.mantissa), expected);
    }

    #[test]
    fn another_seed_or_feed_gives_other_prices() {
        assert_ne!(mantissas(&walk(7), "ab"), mantissas(&walk(8), "ab"));
        assert_ne!(mantissas(&walk(7), "ab"), mantissas(&walk(7), "cd"));
    }

    #[test]
    fn five_minutes_go_up_about_as_often_as_down() {
        let walk = walk(7);
        let mantissa = |second| walk.at("ab", second).unwrap().price.mantissa;
        let rounds = 0..1_000;
        let ups = rounds.filter(|round| mantissa(round * 120 + 360) > mantissa(round * 120 + 60)).count();
        assert!((400..600).contains(&ups), "{ups} of 1000 rounds went up");
    }

    #[test]
    fn the_reach_is_the_sum_of_all_layers() {
        let reach: u64 = (0..LAYERS).map(|layer| (1u64 << layer).isqrt()).sum();
        assert_eq!(i64::try_from(reach).unwrap(), SeededWalk::REACH_STEPS);
    }

    #[test]
    fn a_step_that_could_reach_zero_is_refused() {
        assert!(SeededWalk::new(1).with_feed("ab", Price::new(869, 0), 1).is_ok());
        assert!(SeededWalk::new(1).with_feed("ab", Price::new(868, 0), 1).is_err());
        assert!(SeededWalk::new(1).with_feed("ab", START, -1).is_err());
        assert!(SeededWalk::new(1).with_feed("ab", Price::new(i64::MAX, 0), 1).is_err());
        assert!(SeededWalk::new(1).with_feed("ab", START, i64::MAX).is_err());
    }

    proptest! {
        #[test]
        fn every_second_has_a_price_within_reach(seed: u64, second: i64) {
            let away = walk(seed).at("ab", second).unwrap().price.mantissa.abs_diff(START.mantissa);
            prop_assert!(away <= 100 * 868);
        }

        #[test]
        fn a_single_second_moves_the_price_by_a_few_steps(seed: u64, second in -1_000_000_000i64..4_000_000_000) {
            let walk = walk(seed);
            let [now, next] = [second, second + 1].map(|second| walk.at("ab", second).unwrap().price.mantissa);
            prop_assert!(now.abs_diff(next) <= 100 * 8);
        }
    }
}
