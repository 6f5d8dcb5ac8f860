//! The audit log: events chained by hash per writing process, verified against anchors, delivered by signed webhook.
//!
//! Entry points: [`Recorder::record`] writes events and their link in the transaction that they tell of;
//! [`verify`] finds any edit, deletion, reordering or truncation up to the last anchor (invariant AUDIT-CHAIN).

mod canonical;
mod event;
mod recorder;

mod outbox;
pub use event::{Actor, Event, Level, StoredEvent, Target};
pub use recorder::{Recorder, SaltKey};

use bursar_store::Migration;

/// The audit log's tables.
pub const MIGRATIONS: [Migration; 1] =
    [Migration { name: "audit/0001_audit", epoch: 1, sql: include_str!("../migrations/0001_audit.sql") }];
