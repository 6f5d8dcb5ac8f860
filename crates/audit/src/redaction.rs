//! Erasing payloads, which leaves an event that names them; the chain goes on holding.

use std::collections::HashSet;
use std::sync::LazyLock;

use bursar_store::Column::{Bytes, Int, Text};
use bursar_store::{Bulk, Lock, Lookup, Param, StoreError, Timestamp, Tx};

use crate::event::{Actor, Event, Level, StoredEvent, Target};
use crate::ranges::Ranges;
use crate::recorder::Recorder;

const NAME: &str = "audit.redacted";
const TARGET: &str = "audit_events";

static KNOWN: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new("id", "audit_events", &[("id", Int)], Lock::Update));
static BLANK: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::update("audit_events", 1, &[("id", Int), ("payload", Text), ("salt", Bytes)]));

/// Why payloads were not erased; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedactionRefusal {
    /// No event was named.
    #[error("name at least one event to redact")]
    NoEvents,
    /// No reason was given.
    #[error("give the reason for the redaction; it stays in the audit log")]
    NoReason,
    /// Some events do not exist.
    #[error("there is no event {0}; nothing was redacted")]
    Unknown(i64),
}

/// Erases payload and salt of `events` and records `audit.redacted`, which names them in its target, in the open
/// transaction. Returns the number of that event. Events that are blank already are named again.
pub fn redact(
    tx: &mut Tx<'_>,
    recorder: &Recorder,
    events: &[i64],
    reason: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<Result<i64, RedactionRefusal>, StoreError> {
    if events.is_empty() {
        return Ok(Err(RedactionRefusal::NoEvents));
    }
    if reason.trim().is_empty() {
        return Ok(Err(RedactionRefusal::NoReason));
    }
    let keys: Vec<Param<'_>> = events.iter().map(|id| Param::Int(*id)).collect();
    let known: HashSet<i64> = tx.lookup(&KNOWN, &keys, |row| row.get(0))?.into_iter().collect();
    if let Some(unknown) = events.iter().find(|id| !known.contains(id)) {
        return Ok(Err(RedactionRefusal::Unknown(*unknown)));
    }
    let rows: Vec<Param<'_>> =
        events.iter().flat_map(|id| [Param::Int(*id), Param::Null, Param::Null]).collect();
    tx.execute_many(&BLANK, &rows)?;
    let names = Ranges::of(events).to_string();
    let event = Event {
        level: Level::Warn,
        desk: "platform",
        name: NAME,
        actor: actor.clone(),
        target: Target { kind: TARGET, id: names },
        request_id: None,
        correlation_id: None,
        payload: serde_json::json!({ "reason": reason }).to_string(),
    };
    recorder.record(tx, &[event], now).map(Ok)
}

/// The events that `event` says were redacted: only ones before it, and none unless it is a redaction.
pub(crate) fn named_by(event: &StoredEvent) -> Ranges {
    if event.event != NAME || event.target_type != TARGET {
        return Ranges::default();
    }
    let named = Ranges::parse(&event.target_id).unwrap_or_default();
    let before = event.id.saturating_sub(1);
    Ranges::of_ranges(named.iter().map(|(first, last)| (first, last.min(before))).collect())
}
