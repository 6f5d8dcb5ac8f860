//! The joining window that the rounds of all markets share, and the places that a load joins.

use bursar_rounds::market::Market;
use bursar_rounds::timing::{CYCLE_MS, LENGTH_MS, OPEN_MS, Round};
use bursar_store::Timestamp;

/// One start, at which six rounds open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window(i64);

impl Window {
    /// The newest window that has opened at `now_ms`.
    pub fn current(now_ms: i64) -> Window {
        Window(Round::current(Market::default(), Timestamp::from_ms(now_ms)).start_ms())
    }

    /// The one after it.
    pub fn next(self) -> Window {
        Window(self.0 + CYCLE_MS)
    }

    /// When it opens, Unix milliseconds.
    pub fn start_ms(self) -> i64 {
        self.0
    }

    /// When joins are over.
    pub fn lock_ms(self) -> i64 {
        self.0 + OPEN_MS
    }

    /// When its rounds are due.
    pub fn end_ms(self) -> i64 {
        self.0 + LENGTH_MS
    }

    /// The id of a market's round.
    pub fn round_id(self, market: Market) -> String {
        format!("{}-{}-5m", market.key(), self.0 / 1_000)
    }
}

#[cfg(test)]
impl Window {
    /// The window that opens at `start_ms`.
    pub fn at(start_ms: i64) -> Option<Window> {
        Round::starting(Market::default(), start_ms).map(|round| Window(round.start_ms()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_the_instants_and_ids_of_its_rounds() {
        let window = Window::current(1_700_000_099_999);
        assert_eq!(
            (window.start_ms(), window.lock_ms(), window.end_ms()),
            (1_700_000_040_000, 1_700_000_100_000, 1_700_000_400_000)
        );
        assert_eq!(window.next().start_ms(), 1_700_000_160_000);
        let round = Round::starting(Market::Btc, window.start_ms()).unwrap();
        assert_eq!(window.round_id(Market::Btc), round.id());
    }
}
