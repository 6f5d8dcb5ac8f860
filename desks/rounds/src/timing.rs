//! When a round opens, locks and ends, and the ids that follow from it (docs/spec/rounds.md 3.1). All times are UTC.

use bursar_store::Timestamp;

use crate::market::Market;

/// From the start of one round of a market to the start of the next.
pub const CYCLE_MS: i64 = 120_000;
/// How long joins are accepted.
pub const OPEN_MS: i64 = 60_000;
/// From the start to the end, when the outcome is known.
pub const LENGTH_MS: i64 = 360_000;
/// No round starts later, so that ids have at most twelve digits and no time overflows.
const START_MAX_MS: i64 = 999_999_999_999_000;
const CODES_PER_SLOT: i64 = 16;

/// One round: a market and a start that is a multiple of [`CYCLE_MS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Round {
    start_ms: i64,
    market: Market,
}

/// Where a round stands by the clock alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before its start.
    Upcoming,
    /// Joins are accepted.
    Open,
    /// Joins are over, the outcome is not known.
    Locked,
    /// The end has passed.
    Due,
}

impl Round {
    /// The round of `market` that starts at `start_ms`, if one does.
    #[must_use]
    pub fn starting(market: Market, start_ms: i64) -> Option<Round> {
        let is_start = (0..=START_MAX_MS).contains(&start_ms) && start_ms % CYCLE_MS == 0;
        is_start.then_some(Round { start_ms, market })
    }

    /// The newest round of `market` that has started at `now`.
    #[must_use]
    pub fn current(market: Market, now: Timestamp) -> Round {
        let start_ms = now.ms().clamp(0, START_MAX_MS) / CYCLE_MS * CYCLE_MS;
        Round { start_ms, market }
    }

    /// The market.
    #[must_use]
    pub fn market(self) -> Market {
        self.market
    }

    /// First millisecond of the open window.
    #[must_use]
    pub fn start_ms(self) -> i64 {
        self.start_ms
    }

    /// First millisecond in which joins are refused; the start price is of this instant.
    #[must_use]
    pub fn lock_ms(self) -> i64 {
        self.start_ms + OPEN_MS
    }

    /// The instant of the end price; from here on the round is due.
    #[must_use]
    pub fn end_ms(self) -> i64 {
        self.start_ms + LENGTH_MS
    }

    /// The second of the start price.
    #[must_use]
    pub fn start_price_s(self) -> i64 {
        self.lock_ms() / 1_000
    }

    /// The second of the end price.
    #[must_use]
    pub fn end_price_s(self) -> i64 {
        self.end_ms() / 1_000
    }

    /// Where the round stands at `now`.
    #[must_use]
    pub fn phase(self, now: Timestamp) -> Phase {
        match now.ms() {
            ms if ms < self.start_ms => Phase::Upcoming,
            ms if ms < self.lock_ms() => Phase::Open,
            ms if ms < self.end_ms() => Phase::Locked,
            _ => Phase::Due,
        }
    }

    /// The public id, such as `SOL-1700000040-5m`.
    #[must_use]
    pub fn id(self) -> String {
        format!("{}-{}-5m", self.market.key(), self.start_ms / 1_000)
    }

    /// The round of a public id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Round> {
        let mut parts = id.splitn(3, '-');
        let (market, start, length) = (parts.next()?, parts.next()?, parts.next()?);
        let is_plain =
            !start.is_empty() && start.len() <= 12 && start.bytes().all(|byte| byte.is_ascii_digit());
        let start_ms = start.parse::<i64>().ok().filter(|_| is_plain)?.checked_mul(1_000)?;
        let round = Round::starting(Market::from_key(market)?, start_ms)?;
        (length == "5m" && round.id() == id).then_some(round)
    }

    /// The number that stands for the round in storage; sorts by start.
    #[must_use]
    pub fn key(self) -> i64 {
        self.start_ms / CYCLE_MS * CODES_PER_SLOT + i64::from(self.market.code())
    }

    /// The round of a stored number.
    #[must_use]
    pub fn from_key(key: i64) -> Option<Round> {
        let code = u8::try_from(key.rem_euclid(CODES_PER_SLOT)).ok()?;
        Round::starting(Market::from_code(code)?, key.div_euclid(CODES_PER_SLOT).checked_mul(CYCLE_MS)?)
    }

    /// The least key of the rounds that start at `start_ms` or later.
    #[must_use]
    pub fn first_key_at(start_ms: i64) -> i64 {
        start_ms.div_euclid(CYCLE_MS).saturating_add(i64::from(start_ms % CYCLE_MS != 0)) * CODES_PER_SLOT
    }

    /// The greatest key whose round has ended at `now`.
    #[must_use]
    pub fn last_due_key(now: Timestamp) -> i64 {
        (now.ms() - LENGTH_MS).div_euclid(CYCLE_MS) * CODES_PER_SLOT + CODES_PER_SLOT - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sol(start_ms: i64) -> Round {
        Round::starting(Market::Sol, start_ms).unwrap()
    }

    #[test]
    fn a_round_opens_60_s_waits_60_s_and_ends_after_360_s() {
        let round = sol(1_700_000_040_000);
        assert_eq!((round.lock_ms(), round.end_ms()), (1_700_000_100_000, 1_700_000_400_000));
        assert_eq!((round.start_price_s(), round.end_price_s()), (1_700_000_100, 1_700_000_400));
        let phase = |ms| round.phase(Timestamp::from_ms(ms));
        assert_eq!(phase(1_700_000_039_999), Phase::Upcoming);
        assert_eq!(phase(1_700_000_040_000), Phase::Open);
        assert_eq!(phase(1_700_000_099_999), Phase::Open);
        assert_eq!(phase(1_700_000_100_000), Phase::Locked);
        assert_eq!(phase(1_700_000_399_999), Phase::Locked);
        assert_eq!(phase(1_700_000_400_000), Phase::Due);
    }

    #[test]
    fn ids_and_keys_name_one_round_each() {
        for market in Market::ALL {
            let round = Round::starting(market, 1_700_000_040_000).unwrap();
            assert_eq!(Round::from_id(&round.id()), Some(round));
            assert_eq!(Round::from_key(round.key()), Some(round));
        }
        assert_eq!(sol(1_700_000_040_000).id(), "SOL-1700000040-5m");
    }

    #[test]
    fn what_only_looks_like_an_id_is_none() {
        let bad = [
            "SOL-1700000041-5m",
            "sol-1700000040-5m",
            "SOL-1700000040-6m",
            "SOL-01700000040-5m",
            "SOL-+1700000040-5m",
        ];
        bad.iter()
            .chain(&["SOL-1700000040-5m ", "SOL", ""])
            .for_each(|id| assert_eq!(Round::from_id(id), None, "{id}"));
    }

    #[test]
    fn a_round_is_due_from_its_end_on() {
        let round = sol(1_700_000_040_000);
        assert!(round.key() <= Round::last_due_key(Timestamp::from_ms(round.end_ms())));
        assert!(round.key() > Round::last_due_key(Timestamp::from_ms(round.end_ms() - 1)));
    }
}
