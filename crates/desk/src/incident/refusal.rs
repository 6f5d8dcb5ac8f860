//! Why something cannot be done with an incident.

use super::record::State;

/// Why something cannot be done: the caller's doing, and nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such incident, or it is another desk's.
    #[error("there is no incident {0}; list them")]
    NotFound(i64),
    /// No desk has this name.
    #[error("no desk is called {0:?}")]
    NoDesk(String),
    /// It is too far, or not far enough.
    #[error("incident {id} is {}, so it cannot be {wanted}; {hint}", .state.name())]
    State {
        /// Which.
        id: i64,
        /// How far it is.
        state: State,
        /// What was asked for, as a participle.
        wanted: &'static str,
        /// What can be done instead.
        hint: &'static str,
    },
    /// It was resolved too long ago to be the same.
    #[error("incident {0} was resolved more than 30 minutes ago; open a new one that names it")]
    WatchOver(i64),
    /// A text or time is missing or out of bounds.
    #[error("{field} {rule}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// What it has to be.
        rule: &'static str,
    },
}

impl Refusal {
    /// A stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::NotFound(_) => "incident_not_found",
            Refusal::State { .. } => "incident_state",
            Refusal::WatchOver(_) => "incident_watch_over",
            Refusal::NoDesk(_) | Refusal::Invalid { .. } => "invalid_incident",
        }
    }
}
