//! Figures that cost something to read or need several readings: the book now and then, entries a second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bursar_store::{Store, StoreError};

use super::figures::{Money, money};

/// Adding up the book takes at most a twentieth of the time: it is left alone this many times as long as it took.
const BOOK_REST: u32 = 20;
/// Over how long entries a second are counted.
const RATE_SPAN: Duration = Duration::from_secs(4);

/// The money as last read, and when it is read again.
#[derive(Default)]
pub(super) struct Book(Option<(Money, Instant)>);

impl Book {
    pub fn read(&mut self, store: &Store) -> Result<Money, StoreError> {
        match &self.0 {
            Some((money, again)) if Instant::now() < *again => Ok(money.clone()),
            _ => {
                let begun = Instant::now();
                let money = money(store)?;
                self.0 = Some((money.clone(), Instant::now() + begun.elapsed() * BOOK_REST));
                Ok(money)
            }
        }
    }
}

/// Entries a second over the last few.
#[derive(Default)]
pub(super) struct Rate(VecDeque<(Instant, i64)>);

impl Rate {
    /// Takes the reading of `now` and says how many came in a second, rounded down: a figure to look at.
    pub fn of(&mut self, now: Instant, entries: i64) -> u64 {
        while self.0.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= RATE_SPAN) {
            self.0.pop_front();
        }
        self.0.push_back((now, entries));
        let Some((first, before)) = self.0.front() else { return 0 };
        let passed_ms = now.duration_since(*first).as_millis().max(1);
        let more = u128::try_from(entries - before).unwrap_or(0);
        u64::try_from(more * 1_000 / passed_ms).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_of_the_last_four_seconds() {
        let (mut rate, start) = (Rate::default(), Instant::now());
        let mut after = |ms, entries| rate.of(start + Duration::from_millis(ms), entries);
        assert_eq!(after(0, 1_000), 0);
        assert_eq!(after(2_000, 1_100), 50);
        assert_eq!(after(4_000, 1_100), 25);
        assert_eq!(after(6_000, 1_100), 0);
    }
}
