//! How much, how fast: counts, rates and percentiles of response times in whole numbers.

use std::time::Duration;

use serde_json::{Value, json};

/// Response times of one kind of request, and the time that all of them took.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    took: Vec<Duration>,
    elapsed: Duration,
}

impl Figures {
    /// Adds requests that were made together in `elapsed`.
    pub fn add(&mut self, took: impl IntoIterator<Item = Duration>, elapsed: Duration) {
        self.took.extend(took);
        self.elapsed += elapsed;
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.took.len()
    }

    /// How many in a second of the time that they took, rounded down.
    pub fn per_second(&self) -> u128 {
        let nanoseconds = self.elapsed.as_nanos().max(1);
        u128::try_from(self.took.len()).unwrap_or(u128::MAX).saturating_mul(1_000_000_000) / nanoseconds
    }

    /// The time within which so many percent of the requests were answered (nearest rank); none without requests.
    pub fn percentile(&self, percent: usize) -> Option<Duration> {
        let mut took = self.took.clone();
        took.sort_unstable();
        let rank = (took.len() * percent).div_ceil(100);
        took.get(rank.checked_sub(1)?).copied()
    }

    /// Everything as JSON, times in microseconds.
    pub fn json(&self) -> Value {
        let us = |percent| self.percentile(percent).map(|took| took.as_micros());
        json!({
            "count": self.count(), "elapsedMs": self.elapsed.as_millis(), "perSecond": self.per_second(),
            "p50Us": us(50), "p95Us": us(95), "p99Us": us(99), "maxUs": us(100),
        })
    }

    /// Everything in a line for people.
    pub fn line(&self) -> String {
        let ms = |percent| {
            let us = self.percentile(percent).map_or(0, |took| took.as_micros());
            format!("{}.{:02}", us / 1_000, us % 1_000 / 10)
        };
        format!(
            "{} in {} ms ({}/s), p50 {} ms, p95 {} ms, p99 {} ms",
            self.count(),
            self.elapsed.as_millis(),
            self.per_second(),
            ms(50),
            ms(95),
            ms(99)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank_and_rates_round_down() {
        let mut figures = Figures::default();
        assert_eq!((figures.percentile(50), figures.per_second()), (None, 0));
        figures.add((1..=200).rev().map(Duration::from_millis), Duration::from_millis(600));
        let ms = [50, 95, 99, 100].map(|percent| figures.percentile(percent).unwrap().as_millis());
        assert_eq!(ms, [100, 190, 198, 200]);
        assert_eq!(figures.per_second(), 333);
        figures.add([Duration::from_micros(1_234)], Duration::from_millis(400));
        assert_eq!((figures.count(), figures.per_second()), (201, 201));
        assert_eq!(figures.json()["p99Us"], 198_000);
        assert_eq!(figures.json()["elapsedMs"], 1_000);
    }

    #[test]
    fn one_request_is_every_percentile() {
        let mut figures = Figures::default();
        figures.add([Duration::from_micros(1_234)], Duration::from_millis(2));
        assert_eq!(figures.percentile(1), figures.percentile(100));
        assert_eq!(figures.line(), "1 in 2 ms (500/s), p50 1.23 ms, p95 1.23 ms, p99 1.23 ms");
    }
}
