//! The span of time that is looked at, in whole minutes: counts are kept by the minute.

use bursar_store::Timestamp;

use crate::commands::duration::parse_ms;

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;
const DAY_HOURS: i64 = 24;

/// Since when, as somebody types it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// An instant.
    At(Timestamp),
    /// So many milliseconds ago.
    Ago(i64),
}

/// Reads an instant or a span.
pub(super) fn since(text: &str) -> Result<Since, String> {
    if let Ok(ms) = parse_ms(text) {
        return Ok(Since::Ago(ms));
    }
    let instant: Result<jiff::Timestamp, _> = text.parse();
    let instant = instant.map(|at| Since::At(Timestamp::from_ms(at.as_millisecond())));
    instant
        .map_err(|_| "write an instant such as 2026-01-31T00:00:00Z, or a span such as 90m or 7d".to_owned())
}

/// From the first minute to before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The beginning of the first minute.
    pub from: Timestamp,
    /// The end of the last minute.
    pub until: Timestamp,
}

impl Window {
    /// The minutes that are asked for at `now`, the one of `now` included.
    pub fn new(since: Option<Since>, hours: Option<i64>, now: Timestamp) -> Window {
        let end = Timestamp::from_ms(minute_of(now).saturating_add(MINUTE_MS));
        let from = match since {
            Some(Since::At(at)) => at,
            Some(Since::Ago(ms)) => now.after_ms(ms.saturating_neg()),
            None => end.after_ms(hours.unwrap_or(DAY_HOURS).saturating_mul(HOUR_MS).saturating_neg()),
        };
        let from = Timestamp::from_ms(minute_of(from)).min(end);
        let until = match (since, hours) {
            (Some(_), Some(hours)) => from.after_ms(hours.saturating_mul(HOUR_MS)).min(end),
            (_, None) | (None, Some(_)) => end,
        };
        Window { from, until }
    }
}

fn minute_of(at: Timestamp) -> i64 {
    at.ms().div_euclid(MINUTE_MS).saturating_mul(MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-31 12:00:30 UTC.
    const NOW: Timestamp = Timestamp::from_ms(1_769_860_830_000);
    const NEXT_MINUTE: i64 = 1_769_860_860_000;

    fn window(since_text: Option<&str>, hours: Option<i64>) -> (i64, i64) {
        let window = Window::new(since_text.map(|text| since(text).unwrap()), hours, NOW);
        (window.from.ms() - NEXT_MINUTE, window.until.ms() - NEXT_MINUTE)
    }

    #[test]
    fn a_day_ends_with_the_minute_that_runs() {
        assert_eq!(window(None, None), (-24 * HOUR_MS, 0));
        assert_eq!(window(None, Some(48)), (-48 * HOUR_MS, 0));
    }

    #[test]
    fn since_an_instant_or_a_span_until_now_or_for_so_many_hours() {
        assert_eq!(window(Some("2026-01-31T11:00:59Z"), None), (-61 * MINUTE_MS, 0));
        assert_eq!(window(Some("90s"), None), (-2 * MINUTE_MS, 0));
        assert_eq!(window(Some("2026-01-30T12:01:00Z"), Some(6)), (-24 * HOUR_MS, -18 * HOUR_MS));
        assert_eq!(window(Some("1h"), Some(6)), (-61 * MINUTE_MS, 0), "nothing is counted beyond now");
        assert_eq!(window(Some("2027-01-01T00:00:00Z"), None), (0, 0), "what is to come has no counts");
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "yesterday", "2026-01-31", "5", "-1h", "367d"] {
            assert!(since(bad).is_err(), "{bad}");
        }
    }
}
