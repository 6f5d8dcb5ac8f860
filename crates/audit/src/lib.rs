//! The audit log: events chained by hash per writing process, verified against anchors, delivered by signed webhook.
//!
//! Entry points: [`Recorder::record`] writes events and their link in the transaction that they tell of;
//! [`verify`] finds any edit, deletion, reordering or truncation up to the last anchor (invariant AUDIT-CHAIN).

mod anchor;
mod canonical;
mod event;
mod finding;
mod outbox;
mod pages;
mod ranges;
mod reading;
mod recorder;
mod redaction;
mod signature;
mod verify;

pub use anchor::{Anchor, AnchorError, ChainHead, take_anchor};
pub use event::{Actor, Event, Level, StoredEvent, Target};
pub use finding::Finding;
pub use outbox::{Delivery, due_deliveries, is_delivered, mark_delivered, mark_failed, sign};
pub use reading::{EventFilter, attention, events};
pub use recorder::{Recorder, SaltKey};
pub use redaction::{RedactionRefusal, redact};
pub use verify::{Verification, verify};

use bursar_store::{EngineKind, Migration};

/// The audit log's tables.
pub const MIGRATIONS: [Migration; 2] = [
    Migration { name: "audit/0001_audit", epoch: 1, sql: include_str!("../migrations/0001_audit.sql") },
    Migration {
        name: "audit/0003_attention",
        epoch: 1,
        sql: include_str!("../migrations/0003_attention.sql"),
    },
];

/// What keeps the tables from being changed by hand, and the views over them (docs/spec/platform.md B2). SQLite and
/// PostgreSQL write triggers differently, so this step has one text an engine; it comes after [`MIGRATIONS`].
#[must_use]
pub fn guards(engine: EngineKind) -> Migration {
    let sql = match engine {
        EngineKind::Sqlite => include_str!("../migrations/0002_guards_sqlite.sql"),
        EngineKind::Postgres => include_str!("../migrations/0002_guards_postgres.sql"),
    };
    Migration { name: "audit/0002_guards", epoch: 1, sql }
}
