//! The audit event of an operation of this room.

use bursar_audit::{Actor, Event, Level, Target};
use serde_json::json;

use crate::{Done, PLATFORM};

impl Done {
    /// The event, to be recorded in the same transaction.
    #[must_use]
    pub fn audit_event(&self) -> Event {
        let (kind, id) = self.change.target();
        let cleared = &self.cleared;
        let payload =
            json!({"change": self.change, "approval": cleared.approval, "approvers": cleared.approvers});
        Event {
            level: Level::Warn,
            desk: PLATFORM,
            name: self.change.event(),
            actor: Actor { kind: "operator", id: cleared.actor.audit_id() },
            target: Target { kind, id },
            request_id: None,
            correlation_id: None,
            payload: payload.to_string(),
        }
    }
}
