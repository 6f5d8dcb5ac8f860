//! A switch: a named stop whose state is the sum of several sources.

use bursar_store::Timestamp;

/// A kill switch, kept as a row of a desk's configuration table with the values `on` (stopped) and `off` (running).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The configuration table's desk, or `platform`.
    pub desk: &'static str,
    /// The row's key.
    pub key: &'static str,
    /// The environment variable that can hold it stopped.
    pub variable: &'static str,
}

/// Who says that a switch is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSource {
    /// The environment variable, until the process is started without it.
    Environment,
    /// The row in the database.
    Row,
    /// The control file beside an embedded database.
    ControlFile,
    /// The row is missing or holds something other than `on` or `off`.
    Unreadable,
}

/// Whether what a switch guards may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchState {
    /// It may.
    Running,
    /// It may not.
    Stopped(StopSource),
}

impl SwitchState {
    /// Whether it may not.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        matches!(self, SwitchState::Stopped(_))
    }

    /// What the stored row alone says at `now`: only `off`, or `on` past its expiry, runs.
    #[must_use]
    pub fn of_row(row: Option<(&str, Option<Timestamp>)>, now: Timestamp) -> SwitchState {
        match row {
            Some(("off", _)) => SwitchState::Running,
            Some(("on", Some(expires))) if expires <= now => SwitchState::Running,
            Some(("on", _)) => SwitchState::Stopped(StopSource::Row),
            Some(_) | None => SwitchState::Stopped(StopSource::Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_readable_off_runs() {
        let now = Timestamp::from_ms(1_000);
        let state = |row| SwitchState::of_row(row, now);
        assert_eq!(state(Some(("off", None))), SwitchState::Running);
        assert_eq!(state(Some(("on", None))), SwitchState::Stopped(StopSource::Row));
        for unreadable in ["ON", "On", "true", "1", "", "OFF", " off"] {
            assert_eq!(state(Some((unreadable, None))), SwitchState::Stopped(StopSource::Unreadable));
        }
        assert_eq!(state(None), SwitchState::Stopped(StopSource::Unreadable));
    }

    #[test]
    fn a_stop_with_an_expiry_ends_by_itself() {
        let at =
            |ms| SwitchState::of_row(Some(("on", Some(Timestamp::from_ms(500)))), Timestamp::from_ms(ms));
        assert_eq!(at(499), SwitchState::Stopped(StopSource::Row));
        assert_eq!(at(500), SwitchState::Running);
    }
}
