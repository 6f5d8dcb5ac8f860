//! What an open or resolved incident waits for, and since when that is overdue: pure rules.

use bursar_desk::incident::{Incident, Severity, State};
use bursar_store::Timestamp;

/// Something that has to happen to an incident in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Somebody takes care of it.
    Respond,
    /// Users are told, and told again.
    Communicate,
    /// What is to be learnt from it is written down.
    Review,
}

impl Timer {
    /// All timers.
    pub const ALL: [Timer; 3] = [Timer::Respond, Timer::Communicate, Timer::Review];

    /// Its name in metrics and lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Timer::Respond => "respond",
            Timer::Communicate => "communicate",
            Timer::Review => "review",
        }
    }
}

/// How long each may take, in milliseconds of the rules' clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the opening until somebody takes care of it.
    pub respond_ms: i64,
    /// From the opening until users are told.
    pub communicate_ms: i64,
    /// From one word to users until the next.
    pub repeat_ms: i64,
    /// From its end until its review.
    pub review_ms: i64,
}

/// Until somebody takes care of a cosmetic incident: the next day will do.
const COSMETIC_RESPOND_MS: i64 = 24 * 3_600_000;

/// When `timer` is due for `incident`; `None` = it waits for no such thing. Of a cosmetic one (P3) nobody has to be told,
/// and nothing has to be learnt.
#[must_use]
pub fn due(incident: &Incident, timer: Timer, limits: Limits) -> Option<Timestamp> {
    let is_cosmetic = incident.class.severity() == Severity::Cosmetic;
    match (timer, incident.state) {
        (Timer::Respond, State::Open) if incident.acknowledged_at.is_none() => {
            let within = if is_cosmetic { COSMETIC_RESPOND_MS } else { limits.respond_ms };
            Some(incident.open_since.after_ms(within))
        }
        (Timer::Communicate, State::Open) if !is_cosmetic => Some(match incident.told_at {
            None => incident.open_since.after_ms(limits.communicate_ms),
            Some(told) => told.after_ms(limits.repeat_ms),
        }),
        (Timer::Review, State::Resolved) if !is_cosmetic => {
            incident.resolved_at.map(|resolved| resolved.after_ms(limits.review_ms))
        }
        (Timer::Respond | Timer::Communicate, State::Open | State::Resolved | State::Reviewed)
        | (Timer::Review, State::Open | State::Resolved | State::Reviewed) => None,
    }
}

/// For how many milliseconds `timer` has been overdue; `None` = it is not. It is overdue at the very instant it is due.
#[must_use]
pub fn overdue_ms(incident: &Incident, timer: Timer, limits: Limits, now: Timestamp) -> Option<i64> {
    let due = due(incident, timer, limits)?;
    (now >= due).then(|| now.ms().saturating_sub(due.ms()))
}

#[cfg(test)]
mod tests {
    use bursar_desk::incident::Class;

    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const LIMITS: Limits = Limits {
        respond_ms: 15 * MINUTE,
        communicate_ms: 15 * MINUTE,
        repeat_ms: 2 * HOUR,
        review_ms: 24 * HOUR,
    };

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    fn incident(class: Class) -> Incident {
        Incident {
            id: 1,
            desk: "trades".to_owned(),
            class,
            state: State::Open,
            title: "t".to_owned(),
            message: String::new(),
            expected_end: None,
            opened_at: at(0),
            opened_by: "cli:ann".to_owned(),
            open_since: at(0),
            acknowledged_at: None,
            told_at: None,
            resolved_at: None,
            reviewed_at: None,
            entries: 1,
        }
    }

    fn due_ms(incident: &Incident) -> [Option<i64>; 3] {
        Timer::ALL.map(|timer| due(incident, timer, LIMITS).map(Timestamp::ms))
    }

    #[test]
    fn an_incident_is_answered_within_15_minutes_and_users_are_told_within_15_then_every_2_hours() {
        for class in [Class::P0, Class::P1, Class::P2, Class::S1, Class::S2, Class::S3] {
            let opened = incident(class);
            assert_eq!(due_ms(&opened), [Some(15 * MINUTE), Some(15 * MINUTE), None], "{class}");
            let told = Incident { told_at: Some(at(5)), acknowledged_at: Some(at(5)), ..opened };
            assert_eq!(due_ms(&told), [None, Some(2 * HOUR + 5), None], "{class}");
        }
    }

    #[test]
    fn a_resolved_incident_is_reviewed_within_24_hours_and_a_reviewed_one_waits_for_nothing() {
        let resolved = Incident {
            state: State::Resolved,
            acknowledged_at: Some(at(5)),
            resolved_at: Some(at(HOUR)),
            ..incident(Class::P1)
        };
        assert_eq!(due_ms(&resolved), [None, None, Some(25 * HOUR)]);
        let reviewed = Incident { state: State::Reviewed, reviewed_at: Some(at(2 * HOUR)), ..resolved };
        assert_eq!(due_ms(&reviewed), [None; 3]);
    }

    #[test]
    fn a_cosmetic_incident_is_answered_the_next_day_and_waits_for_no_words_and_no_review() {
        assert_eq!(due_ms(&incident(Class::P3)), [Some(24 * HOUR), None, None]);
        let resolved =
            Incident { state: State::Resolved, resolved_at: Some(at(HOUR)), ..incident(Class::P3) };
        assert_eq!(due_ms(&resolved), [None; 3]);
    }

    #[test]
    fn timers_of_one_that_was_opened_again_run_from_then() {
        let again = Incident { open_since: at(HOUR), ..incident(Class::P0) };
        assert_eq!(due_ms(&again), [Some(HOUR + 15 * MINUTE), Some(HOUR + 15 * MINUTE), None]);
    }

    #[test]
    fn it_is_overdue_at_the_very_instant_it_is_due() {
        let overdue = |now| overdue_ms(&incident(Class::P1), Timer::Respond, LIMITS, at(now));
        assert_eq!([15 * MINUTE - 1, 15 * MINUTE, 15 * MINUTE + 7].map(overdue), [None, Some(0), Some(7)]);
    }
}
