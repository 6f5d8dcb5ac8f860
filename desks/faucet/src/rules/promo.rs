//! Dated promotions: a higher rate and higher caps for some days (docs/spec/faucet.md 3.3).

use bursar_store::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::rate::Multiplier;

/// A promotion. It runs on its days, first and last included, while its flag is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promo {
    /// Its stable name.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Its picture.
    pub emoji: &'static str,
    /// One line for people.
    pub tagline: &'static str,
    /// How pages look while it runs.
    pub theme: &'static str,
    /// What it does to the rate.
    pub multiplier: Multiplier,
    /// The daily cap is at least this many kills.
    pub daily_cap: u32,
    /// The weekly cap is at least this many kills.
    pub weekly_cap: u32,
    /// First day, UTC.
    pub first_day: Date,
    /// Last day, UTC.
    pub last_day: Date,
    /// The variable that switches it on.
    pub flag: &'static str,
}

/// All promotions; the first that runs counts.
pub const REGISTRY: [Promo; 1] = [Promo {
    key: "lunar_new_year_2026",
    name: "Lunar New Year 2026",
    emoji: "🧧",
    tagline: "The year of the horse: every kill earns 1.88 times as much.",
    theme: "lunar",
    multiplier: Multiplier::from_hundredths(188),
    daily_cap: 200,
    weekly_cap: 1_000,
    first_day: date(2026, 2, 17),
    last_day: date(2026, 2, 25),
    flag: "P2S_LUNAR_NEW_YEAR",
}];

impl Promo {
    /// Days left with today counted: `max(0, last day - today + 1)`.
    #[must_use]
    pub fn days_remaining(&self, now: Timestamp) -> i32 {
        let days = |today: Date| (self.last_day - today).get_days().saturating_add(1);
        utc_day(now).map_or(0, days).max(0)
    }

    fn runs_on(&self, day: Date) -> bool {
        (self.first_day..=self.last_day).contains(&day)
    }
}

/// The promotion that runs at `now`, if any; `is_on` tells whether a flag is on.
pub fn active(registry: &[Promo], now: Timestamp, is_on: impl Fn(&str) -> bool) -> Option<&Promo> {
    let today = utc_day(now)?;
    registry.iter().find(|promo| promo.runs_on(today) && is_on(promo.flag))
}

/// The day in UTC; `None` beyond the calendar (year 9999).
fn utc_day(at: Timestamp) -> Option<Date> {
    let at = jiff::Timestamp::from_millisecond(at.ms()).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_ms(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn a_promotion_runs_from_its_first_day_to_the_end_of_its_last_in_utc() {
        for (now, key, days) in [
            ("2026-02-16T23:59:59.999Z", None, 10),
            ("2026-02-17T00:00:00Z", Some("lunar_new_year_2026"), 9),
            ("2026-02-25T23:59:59.999Z", Some("lunar_new_year_2026"), 1),
            ("2026-02-26T00:00:00Z", None, 0),
            ("2026-03-26T00:00:00Z", None, 0),
        ] {
            let promo = active(&REGISTRY, at(now), |flag| flag == "P2S_LUNAR_NEW_YEAR");
            assert_eq!(promo.map(|promo| promo.key), key, "{now}");
            assert_eq!(REGISTRY[0].days_remaining(at(now)), days, "{now}");
        }
    }

    #[test]
    fn without_its_flag_it_does_not_run_and_the_first_that_runs_counts() {
        let now = at("2026-02-20T12:00:00Z");
        assert_eq!(active(&REGISTRY, now, |_| false), None);
        let second = Promo { key: "second", flag: "OTHER", ..REGISTRY[0] };
        let both = [REGISTRY[0], second];
        assert_eq!(active(&both, now, |_| true).map(|promo| promo.key), Some("lunar_new_year_2026"));
        assert_eq!(active(&both, now, |flag| flag == "OTHER").map(|promo| promo.key), Some("second"));
        assert_eq!(active(&both, Timestamp::from_ms(i64::MAX), |_| true), None);
    }
}
