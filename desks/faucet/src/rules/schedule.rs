//! When cycles run, how long to wait after errors and before retries, and what is late (docs/spec/faucet.md 3.5, 3.11).
//!
//! Nothing here draws lots: whoever calls passes a [`Chance`].

use bursar_store::Timestamp;

/// Seconds between cycles unless set otherwise.
pub const DEFAULT_INTERVAL_S: u32 = 1_200;
/// The shortest interval; less is raised to it.
const INTERVAL_S_MIN: u32 = 30;
/// Attempts at one payout, the first included.
pub const ATTEMPTS_MAX: u32 = 3;
/// The longest wait before an attempt.
const RETRY_WAIT_MS_MAX: i64 = 5_000;
/// The longest wait after a failed cycle.
const ERROR_WAIT_S_MAX: i64 = 60;

/// A draw from `0..=1`, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance(u32);

impl Chance {
    /// A draw of `millionths`, held at 1.
    #[must_use]
    pub const fn from_millionths(millionths: u32) -> Chance {
        if millionths > 1_000_000 { Chance(1_000_000) } else { Chance(millionths) }
    }

    /// This part of `whole`, rounded down.
    const fn of(self, whole: i64) -> i64 {
        // Lossless widening; the wholes here are below 2^43.
        whole * self.0 as i64 / 1_000_000
    }
}

/// How often the two cycles run, in seconds; at least 30.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    accrual_s: u32,
    settlement_s: u32,
}

impl Intervals {
    /// Intervals as asked for, raised to 30 seconds where they are shorter.
    #[must_use]
    pub fn new(accrual_s: u32, settlement_s: u32) -> Intervals {
        Intervals { accrual_s: accrual_s.max(INTERVAL_S_MIN), settlement_s: settlement_s.max(INTERVAL_S_MIN) }
    }

    /// Seconds between accrual runs.
    #[must_use]
    pub const fn accrual_s(self) -> u32 {
        self.accrual_s
    }

    /// Seconds between settlements.
    #[must_use]
    pub const fn settlement_s(self) -> u32 {
        self.settlement_s
    }

    /// When accrual is due: one interval after it last began, or at once.
    #[must_use]
    pub fn next_accrual(self, started: Timestamp, last: Option<Timestamp>) -> Timestamp {
        last.map_or(started, |last| last.after_ms(i64::from(self.accrual_s) * 1_000))
    }

    /// When settlement is due: one interval after it last began, or half an interval after the scheduler started, so that
    /// the two take turns.
    #[must_use]
    pub fn next_settlement(self, started: Timestamp, last: Option<Timestamp>) -> Timestamp {
        let interval_ms = i64::from(self.settlement_s) * 1_000;
        last.map_or(started.after_ms(interval_ms / 2), |last| last.after_ms(interval_ms))
    }
}

/// How long until `due`, in whole seconds rounded up; 0 when it is due.
#[must_use]
pub fn countdown_s(due: Timestamp, now: Timestamp) -> i64 {
    let left_ms = due.ms().saturating_sub(now.ms()).max(0);
    left_ms / 1_000 + i64::from(left_ms % 1_000 > 0)
}

/// Whether something that happens every `interval_s` seconds last happened more than two intervals ago: the heartbeat of a
/// scheduler that is no longer alive, or accrual that lags.
#[must_use]
pub fn is_overdue(last: Timestamp, interval_s: u32, now: Timestamp) -> bool {
    now.ms().saturating_sub(last.ms()) > i64::from(interval_s) * 2_000
}

/// How long the scheduler waits after `failures` failed cycles in a row: 1 s, doubling up to 60 s.
#[must_use]
pub const fn error_wait_ms(failures: u32) -> i64 {
    let doublings = match failures.saturating_sub(1) {
        up_to_five @ 0..=5 => up_to_five,
        _ => 6,
    };
    let seconds = 1_i64 << doublings;
    1_000 * if seconds > ERROR_WAIT_S_MAX { ERROR_WAIT_S_MAX } else { seconds }
}

/// How long the scheduler waits before its first cycle: between nothing and `P2S_START_JITTER_SEC`.
#[must_use]
pub const fn start_wait_ms(jitter_s: u32, chance: Chance) -> i64 {
    // Lossless widening.
    chance.of(jitter_s as i64 * 1_000)
}

/// How long to wait before attempt number `attempt`: `min(0.5 * 2^(attempt - 1) * U(0.5, 1.5), 5)` seconds, so 0.5 to 1.5
/// before the second and 1 to 3 before the third. `None` for the first, which does not wait, and past the last.
#[must_use]
pub const fn retry_wait_ms(attempt: u32, chance: Chance) -> Option<i64> {
    if attempt < 2 || attempt > ATTEMPTS_MAX {
        return None;
    }
    let step_ms = 500_i64 << (attempt - 1);
    let wait_ms = step_ms / 2 + chance.of(step_ms);
    Some(if wait_ms > RETRY_WAIT_MS_MAX { RETRY_WAIT_MS_MAX } else { wait_ms })
}

/// How long the oldest accrual that could be paid has waited, in whole minutes; 0 when there is none.
#[must_use]
pub fn lag_minutes(oldest_payable: Option<Timestamp>, now: Timestamp) -> i64 {
    oldest_payable.map_or(0, |since| now.ms().saturating_sub(since.ms()).max(0) / 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);
    const LEAST: Chance = Chance::from_millionths(0);
    const MOST: Chance = Chance::from_millionths(u32::MAX);

    #[test]
    fn intervals_below_thirty_seconds_are_raised() {
        let intervals = Intervals::new(29, 30);
        assert_eq!((intervals.accrual_s(), intervals.settlement_s()), (30, 30));
        let default = Intervals::new(DEFAULT_INTERVAL_S, 31);
        assert_eq!((default.accrual_s(), default.settlement_s()), (1_200, 31));
    }

    #[test]
    fn the_first_settlement_comes_half_an_interval_after_the_start() {
        let intervals = Intervals::new(1_200, 1_200);
        assert_eq!(intervals.next_accrual(NOW, None), NOW);
        assert_eq!(intervals.next_settlement(NOW, None), NOW.after_ms(600_000));
        assert_eq!(intervals.next_accrual(NOW, Some(NOW)), NOW.after_ms(1_200_000));
        assert_eq!(intervals.next_settlement(NOW, Some(NOW)), NOW.after_ms(1_200_000));
    }

    #[test]
    fn countdowns_are_never_negative() {
        for (left_ms, seconds) in [(0, 0), (-5_000, 0), (1, 1), (1_000, 1), (1_001, 2), (1_200_000, 1_200)] {
            assert_eq!(countdown_s(NOW.after_ms(left_ms), NOW), seconds, "{left_ms}");
        }
    }

    #[test]
    fn more_than_two_intervals_are_overdue() {
        assert!(!is_overdue(NOW, 1_200, NOW.after_ms(2_400_000)));
        assert!(is_overdue(NOW, 1_200, NOW.after_ms(2_400_001)));
    }

    #[test]
    fn after_errors_the_wait_doubles_from_one_second_to_sixty() {
        let waits = [1, 2, 3, 4, 5, 6, 7, 8, u32::MAX].map(|failures| error_wait_ms(failures) / 1_000);
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(error_wait_ms(0), 1_000);
    }

    #[test]
    fn the_second_attempt_waits_half_a_second_to_one_and_a_half_and_the_third_one_to_three() {
        assert_eq!((retry_wait_ms(2, LEAST), retry_wait_ms(2, MOST)), (Some(500), Some(1_500)));
        assert_eq!((retry_wait_ms(3, LEAST), retry_wait_ms(3, MOST)), (Some(1_000), Some(3_000)));
        for attempt in [0, 1, 4, u32::MAX] {
            assert_eq!(retry_wait_ms(attempt, MOST), None, "{attempt}");
        }
    }

    #[test]
    fn the_start_waits_up_to_the_jitter() {
        assert_eq!(
            (start_wait_ms(0, MOST), start_wait_ms(30, LEAST), start_wait_ms(30, MOST)),
            (0, 0, 30_000)
        );
        assert_eq!(start_wait_ms(u32::MAX, MOST), 4_294_967_295_000);
    }

    #[test]
    fn the_lag_is_the_age_of_the_oldest_accrual_that_could_be_paid() {
        assert_eq!(lag_minutes(Some(NOW.after_ms(-31 * 60_000)), NOW), 31);
        assert_eq!(lag_minutes(Some(NOW.after_ms(-31 * 60_000 + 1)), NOW), 30);
        assert_eq!((lag_minutes(None, NOW), lag_minutes(Some(NOW.after_ms(60_000)), NOW)), (0, 0));
    }

    proptest! {
        #[test]
        fn two_retries_wait_between_one_and_a_half_and_four_and_a_half_seconds(a in 0_u32..=1_000_000, b in 0_u32..=1_000_000) {
            let wait = |attempt, chance| retry_wait_ms(attempt, Chance::from_millionths(chance)).unwrap();
            prop_assert!((1_500..=4_500).contains(&(wait(2, a) + wait(3, b))));
        }
    }
}
