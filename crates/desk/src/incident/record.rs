//! An incident as it stands, and the lines of its timeline.

use bursar_store::Timestamp;
use serde_json::{Value, json};

use super::class::Class;

/// How far an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It goes on.
    Open,
    /// It is over; what is to be learnt from it is not written down yet.
    Resolved,
    /// That is written down. Nothing changes any more.
    Reviewed,
}

impl State {
    /// All states in their order.
    pub const ALL: [State; 3] = [State::Open, State::Resolved, State::Reviewed];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Resolved => "resolved",
            State::Reviewed => "reviewed",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// How it is stored.
    pub(super) const fn code(self) -> i64 {
        match self {
            State::Open => 0,
            State::Resolved => 1,
            State::Reviewed => 2,
        }
    }
}

/// An incident as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Its number.
    pub id: i64,
    /// The desk, or `platform` for all of them.
    pub desk: String,
    /// How bad it is.
    pub class: Class,
    /// How far it is.
    pub state: State,
    /// In words for operators.
    pub title: String,
    /// In words for users, shown while it is open; empty = they are told nothing.
    pub message: String,
    /// When it is expected to be over.
    pub expected_end: Option<Timestamp>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// By whom, as the audit log names them.
    pub opened_by: String,
    /// When it was opened, or last opened again.
    pub open_since: Timestamp,
    /// When somebody first took care of it, since then.
    pub acknowledged_at: Option<Timestamp>,
    /// When users were last told something, since then.
    pub told_at: Option<Timestamp>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// When it was reviewed.
    pub reviewed_at: Option<Timestamp>,
    /// How many lines its timeline has.
    pub entries: i64,
}

impl Incident {
    /// The incident as commands and logs show it, times in Unix ms.
    #[must_use]
    pub fn shown(&self) -> Value {
        let ms = |at: Option<Timestamp>| at.map(Timestamp::ms);
        json!({
            "id": self.id, "desk": self.desk, "class": self.class.name(), "state": self.state.name(),
            "title": self.title, "message": self.message, "expectedEndMs": ms(self.expected_end),
            "openedAtMs": self.opened_at.ms(), "openedBy": self.opened_by,
            "acknowledgedAtMs": ms(self.acknowledged_at), "toldAtMs": ms(self.told_at),
            "resolvedAtMs": ms(self.resolved_at), "reviewedAtMs": ms(self.reviewed_at),
        })
    }
}

/// What an act does, as the timeline and the audit log name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActKind {
    /// It was opened.
    Opened,
    /// Somebody takes care of it.
    Acknowledged,
    /// Something new.
    Updated,
    /// It is over.
    Resolved,
    /// It is not over after all.
    Reopened,
    /// What is to be learnt from it.
    Reviewed,
}

impl ActKind {
    const ALL: [ActKind; 6] = [
        ActKind::Opened,
        ActKind::Acknowledged,
        ActKind::Updated,
        ActKind::Resolved,
        ActKind::Reopened,
        ActKind::Reviewed,
    ];

    /// The audit event of the act.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            ActKind::Opened => "incident.opened",
            ActKind::Acknowledged => "incident.acknowledged",
            ActKind::Updated => "incident.updated",
            ActKind::Resolved => "incident.resolved",
            ActKind::Reopened => "incident.reopened",
            ActKind::Reviewed => "incident.reviewed",
        }
    }

    /// The act in a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.event().split_once('.').map_or(self.event(), |(_, name)| name)
    }

    pub(super) fn from_name(name: &str) -> Option<ActKind> {
        ActKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counts from 1 within the incident.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub act: ActKind,
    /// By whom, as the audit log names them.
    pub actor: String,
    /// In words for operators; may be empty.
    pub note: String,
    /// What users were told by it; `None` = nothing new, empty = nothing any more.
    pub message: Option<String>,
    /// The expected end from then on, when the act spoke of it and it was known.
    pub expected_end: Option<Timestamp>,
    /// The class from then on, when the act changed it.
    pub class: Option<Class>,
}

impl Entry {
    /// The line as commands show it, times in Unix ms.
    #[must_use]
    pub fn shown(&self) -> Value {
        json!({
            "number": self.number, "atMs": self.at.ms(), "act": self.act.name(), "actor": self.actor,
            "note": self.note, "message": self.message, "expectedEndMs": self.expected_end.map(Timestamp::ms),
            "class": self.class.map(Class::name),
        })
    }
}
