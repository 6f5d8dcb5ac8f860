//! What can be done with an incident, as whoever does it says it.

use bursar_store::Timestamp;

use super::class::Class;

/// What an act says about the expected end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpectedEnd {
    /// Nothing.
    #[default]
    Same,
    /// Nobody knows.
    Unknown,
    /// Then.
    At(Timestamp),
    /// That many milliseconds from now.
    After(i64),
}

/// An incident to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The desk, or `platform` for all of them.
    pub desk: String,
    /// How bad it is.
    pub class: Class,
    /// In words for operators, 1 to 120 characters.
    pub title: String,
    /// In words for users, up to 500 characters; empty = they are told nothing.
    pub message: String,
    /// When it is expected to be over.
    pub expected_end: ExpectedEnd,
    /// Whether whoever opens it takes care of it, so that nobody has to be called.
    pub is_acknowledged: bool,
}

/// Something new about an open incident; one part of it at least.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// In words for operators, up to 4,000 characters; may be empty.
    pub note: String,
    /// In words for users, up to 500 characters; empty = they are told nothing any more.
    pub message: Option<String>,
    /// When it is expected to be over.
    pub expected_end: ExpectedEnd,
    /// How bad it is by now.
    pub class: Option<Class>,
}

/// What is done with an incident that is there. Notes are in words for operators, up to 4,000 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Somebody takes care of it.
    Acknowledge {
        /// May be empty.
        note: String,
    },
    /// Something new.
    Update(News),
    /// It is over.
    Resolve {
        /// What ended it.
        note: String,
    },
    /// It is not over after all.
    Reopen {
        /// What came back.
        note: String,
    },
    /// What happened, what showed it, and what changes.
    Review {
        /// The lesson.
        text: String,
    },
}

impl Act {
    /// The act as a participle.
    pub(super) fn wanted(&self) -> &'static str {
        match self {
            Act::Acknowledge { .. } => "acknowledged",
            Act::Update(_) => "updated",
            Act::Resolve { .. } => "resolved",
            Act::Reopen { .. } => "opened again",
            Act::Review { .. } => "reviewed",
        }
    }
}
