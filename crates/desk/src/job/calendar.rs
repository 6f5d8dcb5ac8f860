//! When a job is due: pure functions of its cadence, its last run and the work in sight.

use bursar_store::Timestamp;

/// Instants at a fixed distance, counted from the Unix epoch: restarts and other processes meet the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    every_ms: i64,
    offset_ms: i64,
}

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;

impl Cadence {
    /// Every so many milliseconds, at least 1.
    #[must_use]
    pub const fn every_ms(ms: i64) -> Cadence {
        Cadence { every_ms: if ms < 1 { 1 } else { ms }, offset_ms: 0 }
    }

    /// Every day at this time, UTC.
    #[must_use]
    pub const fn daily_at(hour: i64, minute: i64) -> Cadence {
        Cadence { every_ms: DAY_MS, offset_ms: (hour * 60 + minute) * MINUTE_MS }
    }

    /// The same distance, counted from `offset_ms` after the epoch.
    #[must_use]
    pub const fn from_offset_ms(self, offset_ms: i64) -> Cadence {
        Cadence { offset_ms, ..self }
    }

    /// Distance between two instants, in milliseconds.
    #[must_use]
    pub const fn distance_ms(self) -> i64 {
        self.every_ms
    }

    /// The first instant after `time`.
    #[must_use]
    pub fn after(self, time: Timestamp) -> Timestamp {
        let since = time.ms().saturating_sub(self.offset_ms);
        let next = since.div_euclid(self.every_ms).saturating_add(1).saturating_mul(self.every_ms);
        Timestamp::from_ms(next.saturating_add(self.offset_ms))
    }

    /// The last instant at or before `time`.
    #[must_use]
    pub fn last_until(self, time: Timestamp) -> Timestamp {
        self.after(time).after_ms(-self.every_ms)
    }
}

/// What is known of a job when its next run is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// It runs by its cadence alone; the instant its last run served, or since when it is followed.
    Cadence { served: Timestamp },
    /// It runs when there is work: when there is some, and when it was last tried.
    Work { at: Option<Timestamp>, tried: Option<Timestamp> },
}

/// The instant of the next run; `None` = none in sight.
pub(super) fn next_run(cadence: Cadence, sight: Sight) -> Option<Timestamp> {
    match sight {
        Sight::Cadence { served } => Some(cadence.after(served)),
        Sight::Work { at: None, .. } => None,
        Sight::Work { at: Some(at), tried: Some(tried) } if at <= tried => Some(cadence.after(tried)),
        Sight::Work { at: Some(at), .. } => Some(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn a_cadence_meets_the_same_instants_whoever_counts() {
        let sweep = Cadence::every_ms(5_000);
        assert_eq!([0, 1, 4_999, 5_000].map(|ms| sweep.after(at(ms)).ms()), [5_000, 5_000, 5_000, 10_000]);
        assert_eq!([0, 1, 4_999, 5_000].map(|ms| sweep.last_until(at(ms)).ms()), [0, 0, 0, 5_000]);
        let verify = Cadence::daily_at(8, 17);
        let today = 8 * 3_600_000 + 17 * 60_000;
        assert_eq!(verify.after(at(0)), at(today));
        assert_eq!(verify.after(at(today)), at(today + DAY_MS));
    }

    #[test]
    fn work_is_done_when_it_falls_due_and_tried_again_by_the_cadence_while_it_stays() {
        let next = |at_ms: Option<i64>, tried: Option<i64>| {
            let sight = Sight::Work { at: at_ms.map(at), tried: tried.map(at) };
            next_run(Cadence::every_ms(5_000), sight).map(Timestamp::ms)
        };
        assert_eq!(next(None, Some(1)), None);
        assert_eq!(next(Some(7_001), None), Some(7_001));
        assert_eq!(next(Some(7_001), Some(7_000)), Some(7_001));
        assert_eq!(next(Some(7_001), Some(7_001)), Some(10_000));
        assert_eq!(next(Some(7_001), Some(10_000)), Some(15_000));
    }

    proptest! {
        #[test]
        fn the_next_instant_is_later_by_at_most_the_distance(
            now in 0i64..4_000_000_000_000, every in 1i64..100_000_000, offset in 0i64..100_000_000,
        ) {
            let next = Cadence::every_ms(every).from_offset_ms(offset).after(at(now)).ms();
            prop_assert!(next > now && next <= now + every);
            prop_assert_eq!((next - offset).rem_euclid(every), 0);
        }
    }
}
