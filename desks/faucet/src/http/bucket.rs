//! A token bucket: as many calls at once as a minute allows, refilled evenly (docs/spec/faucet.md 4.4). Pure.

use bursar_store::Timestamp;

/// One call, in sixty-thousandths of a token: what a bucket of one a minute gains in a minute.
const CALL: i64 = 60_000;

/// How full a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// In sixty-thousandths of a token.
    pub level: i64,
    /// When it was so full.
    pub filled_at: Timestamp,
}

impl Bucket {
    /// A bucket that nobody has used.
    #[must_use]
    pub fn full(per_minute: i64, now: Timestamp) -> Bucket {
        Bucket { level: per_minute.saturating_mul(CALL), filled_at: now }
    }

    /// The bucket now. It gains `per_minute` parts each millisecond, up to a minute's worth.
    #[must_use]
    pub fn refilled(self, per_minute: i64, now: Timestamp) -> Bucket {
        let elapsed_ms = now.ms().saturating_sub(self.filled_at.ms()).max(0);
        let gained = elapsed_ms.saturating_mul(per_minute);
        let full = Bucket::full(per_minute, now);
        Bucket {
            level: self.level.saturating_add(gained).min(full.level),
            filled_at: now.max(self.filled_at),
        }
    }

    /// Seconds until a call passes, rounded up; `None` = one passes now.
    #[must_use]
    pub fn wait_s(self, per_minute: i64) -> Option<u64> {
        let missing = CALL.saturating_sub(self.level);
        if missing <= 0 {
            return None;
        }
        let per_second = per_minute.max(1).saturating_mul(1_000);
        let seconds = missing / per_second + i64::from(missing % per_second > 0);
        Some(u64::try_from(seconds).unwrap_or(1).max(1))
    }

    /// After a call.
    #[must_use]
    pub fn charged(self) -> Bucket {
        Bucket { level: self.level.saturating_sub(CALL), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

    fn spent(calls: usize, per_minute: i64) -> Bucket {
        (0..calls).fold(Bucket::full(per_minute, NOW), |bucket, _| bucket.charged())
    }

    #[test]
    fn a_minutes_worth_passes_at_once_and_then_one_each_sixtieth_of_it() {
        let empty = spent(120, 120);
        assert_eq!((spent(119, 120).wait_s(120), empty.wait_s(120)), (None, Some(1)));
        assert_eq!(empty.refilled(120, NOW.after_ms(499)).wait_s(120), Some(1));
        assert_eq!(empty.refilled(120, NOW.after_ms(500)).wait_s(120), None);
        assert_eq!(empty.refilled(120, NOW.after_ms(500)).charged().level, 0);
    }

    #[test]
    fn the_wait_is_rounded_up_and_a_rest_never_overfills() {
        assert_eq!(spent(1, 1).wait_s(1), Some(60));
        assert_eq!(spent(1, 1).refilled(1, NOW.after_ms(1)).wait_s(1), Some(60));
        assert_eq!(spent(1, 1).refilled(1, NOW.after_ms(1_000)).wait_s(1), Some(59));
        let rested = spent(120, 120).refilled(120, NOW.after_ms(3_600_000));
        assert_eq!(rested, Bucket::full(120, NOW.after_ms(3_600_000)));
    }

    #[test]
    fn a_clock_that_went_back_gives_nothing_and_takes_nothing() {
        let used = spent(60, 120);
        assert_eq!(used.refilled(120, NOW.after_ms(-60_000)), used);
    }

    #[test]
    fn a_lowered_limit_binds_at_once() {
        assert_eq!(Bucket::full(300, NOW).refilled(10, NOW), Bucket::full(10, NOW));
    }
}
