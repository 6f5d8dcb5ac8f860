//! What an audit event says.

use bursar_store::{StoreError, Timestamp};

/// How much attention an event asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Normal work.
    Info,
    /// Somebody should know: refusals with a key, switches, limits.
    Warn,
    /// Something is broken.
    Error,
}

impl Level {
    /// The word that people and webhooks read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        }
    }

    pub(crate) fn code(self) -> i64 {
        match self {
            Level::Info => 0,
            Level::Warn => 1,
            Level::Error => 2,
        }
    }

    pub(crate) fn from_code(code: i64) -> Result<Level, StoreError> {
        match code {
            0 => Ok(Level::Info),
            1 => Ok(Level::Warn),
            2 => Ok(Level::Error),
            other => Err(StoreError::Decode(format!("audit level {other}"))),
        }
    }
}

/// Who did it: a kind (`player`, `operator`, `service`, `system`) and an id, never a name or address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The kind.
    pub kind: &'static str,
    /// The id.
    pub id: String,
}

impl Actor {
    /// The server itself.
    #[must_use]
    pub fn system(id: &str) -> Actor {
        Actor { kind: "system", id: id.to_owned() }
    }
}

/// What it was done to: a type and an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The type, such as `entry` or `switch`.
    pub kind: &'static str,
    /// The id.
    pub id: String,
}

/// An event to record.
#[derive(Clone, Debug)]
pub struct Event {
    /// Level.
    pub level: Level,
    /// The desk, or `platform`.
    pub desk: &'static str,
    /// Its name, such as `join.accepted`.
    pub name: &'static str,
    /// Who.
    pub actor: Actor,
    /// To what.
    pub target: Target,
    /// The request it came with.
    pub request_id: Option<String>,
    /// The caller's correlation id, when it differs from the request's.
    pub correlation_id: Option<String>,
    /// A JSON object; may hold personal data, and may be erased later.
    pub payload: String,
}

impl Event {
    /// Whether the event leaves by webhook (docs/spec/platform.md X3).
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        crate::outbox::is_delivered(self.level, self.name)
    }
}

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Level.
    pub level: Level,
    /// Desk.
    pub desk: String,
    /// Name.
    pub event: String,
    /// Kind of actor.
    pub actor_kind: String,
    /// Id of the actor.
    pub actor: String,
    /// Request.
    pub request_id: Option<String>,
    /// Correlation, when it differs.
    pub correlation_id: Option<String>,
    /// Type of the target.
    pub target_type: String,
    /// Id of the target.
    pub target_id: String,
    /// JSON text, unless pruned or erased.
    pub payload: Option<String>,
    /// Random bytes that the digest starts with, unless pruned.
    pub salt: Option<Vec<u8>>,
    /// SHA-256 of salt and payload.
    pub payload_digest: Vec<u8>,
}
