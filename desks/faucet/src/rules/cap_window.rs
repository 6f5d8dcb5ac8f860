//! Where the daily and the weekly window of the caps begin (docs/spec/faucet.md 3.4).

use bursar_store::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const DAY_MS: i64 = 86_400_000;
const WEEK_MS: i64 = 7 * DAY_MS;

/// How cap windows move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapWindow {
    /// The last 24 hours and the last 7 days.
    Rolling,
    /// Since midnight and since Monday's midnight in this zone.
    Calendar(TimeZone),
}

/// The instants from which on payouts count, themselves included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowStarts {
    /// Of the daily window.
    pub daily: Timestamp,
    /// Of the weekly window.
    pub weekly: Timestamp,
}

/// Why a window cannot be placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapWindowError {
    /// The zone's name is not in the time zone database.
    #[error("reset_tz is {0:?}, which is no time zone; write one like UTC or Europe/Berlin")]
    UnknownZone(String),
    /// The time lies outside the calendar.
    #[error("the time {0} lies outside the calendar, so no cap window contains it")]
    OutsideCalendar(Timestamp),
}

impl CapWindow {
    /// Calendar windows in a zone of the time zone database (`reset_tz`).
    pub fn calendar(zone: &str) -> Result<CapWindow, CapWindowError> {
        let unknown = |_| CapWindowError::UnknownZone(zone.to_owned());
        TimeZone::get(zone).map(CapWindow::Calendar).map_err(unknown)
    }

    /// Where the windows that contain `now` begin.
    pub fn starts(&self, now: Timestamp) -> Result<WindowStarts, CapWindowError> {
        match self {
            CapWindow::Rolling => {
                Ok(WindowStarts { daily: now.after_ms(-DAY_MS), weekly: now.after_ms(-WEEK_MS) })
            }
            CapWindow::Calendar(zone) => {
                calendar_starts(zone, now).map_err(|_| CapWindowError::OutsideCalendar(now))
            }
        }
    }
}

fn calendar_starts(zone: &TimeZone, now: Timestamp) -> Result<WindowStarts, jiff::Error> {
    let today = jiff::Timestamp::from_millisecond(now.ms())?.to_zoned(zone.clone()).date();
    let monday = today.checked_sub(today.weekday().to_monday_zero_offset().days())?;
    Ok(WindowStarts { daily: midnight(zone, today)?, weekly: midnight(zone, monday)? })
}

/// The first instant of a day. Where clocks skip midnight the day begins after the gap.
fn midnight(zone: &TimeZone, day: Date) -> Result<Timestamp, jiff::Error> {
    Ok(Timestamp::from_ms(day.to_zoned(zone.clone())?.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_ms(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn rolling_windows_reach_back_24_hours_and_7_days() {
        let starts = CapWindow::Rolling.starts(at("2026-03-10T12:34:56.789Z")).unwrap();
        assert_eq!(starts.daily, at("2026-03-09T12:34:56.789Z"));
        assert_eq!(starts.weekly, at("2026-03-03T12:34:56.789Z"));
    }

    #[test]
    fn calendar_windows_begin_at_midnight_and_on_monday_in_their_zone() {
        for (zone, now, daily, weekly) in [
            ("UTC", "2026-03-09T00:00:00Z", "2026-03-09T00:00:00Z", "2026-03-09T00:00:00Z"),
            ("UTC", "2026-03-08T23:59:59.999Z", "2026-03-08T00:00:00Z", "2026-03-02T00:00:00Z"),
            ("Europe/Berlin", "2026-03-08T23:30:00Z", "2026-03-08T23:00:00Z", "2026-03-08T23:00:00Z"),
            // Clocks go forward on 29 March 2026: this Sunday has 23 hours, and Monday's midnight is an hour earlier in UTC.
            ("Europe/Berlin", "2026-03-29T21:59:59Z", "2026-03-28T23:00:00Z", "2026-03-22T23:00:00Z"),
            ("Europe/Berlin", "2026-03-29T22:00:00Z", "2026-03-29T22:00:00Z", "2026-03-29T22:00:00Z"),
            ("America/New_York", "2026-11-21T04:59:59Z", "2026-11-20T05:00:00Z", "2026-11-16T05:00:00Z"),
            // Beirut skips midnight: 29 March 2026 begins at 01:00 local time.
            ("Asia/Beirut", "2026-03-29T12:00:00Z", "2026-03-28T22:00:00Z", "2026-03-22T22:00:00Z"),
        ] {
            let starts = CapWindow::calendar(zone).unwrap().starts(at(now)).unwrap();
            assert_eq!(starts, WindowStarts { daily: at(daily), weekly: at(weekly) }, "{zone} {now}");
        }
    }

    #[test]
    fn an_unknown_zone_and_a_time_outside_the_calendar_are_refused() {
        assert_eq!(CapWindow::calendar("Berlin"), Err(CapWindowError::UnknownZone("Berlin".to_owned())));
        let (utc, never) = (CapWindow::calendar("UTC").unwrap(), Timestamp::from_ms(i64::MAX));
        assert_eq!(utc.starts(never), Err(CapWindowError::OutsideCalendar(never)));
    }
}
