//! An incident with all that belongs to it: its timeline, what it waits for, and what happened meanwhile.

use bursar_audit::{StoredEvent, attention};
use bursar_desk::incident::{Entry, Incident, PLATFORM, incident, timeline};
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::settings::limits;
use super::timers::{Timer, due};

/// What was raised or switched shortly before an incident was opened is often why: it counts as of its time.
const BEFORE_MS: i64 = 15 * 60_000;
/// The most events that are linked.
const LINKED_MAX: usize = 200;
/// More are read, since those of other desks are left out.
const READ_MAX: i64 = 1_000;
/// Switches and settings, alerts of the evaluator, those that a desk raises by itself, and wallets that were stopped.
const TARGETS: [&str; 4] = ["config", "alert", "desk", "wallet"];

/// An incident with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Report {
    /// As it stands.
    pub incident: Incident,
    /// Every act.
    pub timeline: Vec<Entry>,
    /// What it waits for, with when that is due.
    pub timers: Vec<(Timer, Timestamp)>,
    /// Changes of switches and settings, alerts, and stops of wallets, of its desk and the platform: from 15 minutes before it was opened
    /// until it was resolved. The oldest first, 200 at most.
    pub linked: Vec<Linked>,
    /// When this was read.
    pub now: Timestamp,
}

/// Something that happened meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The audit event.
    pub event: i64,
    /// When.
    pub at: Timestamp,
    /// The event's name, such as `control.switch_changed`.
    pub name: String,
    /// The desk it is about.
    pub desk: String,
    /// What it is about, such as `rounds/pause_joins` or the name of an alert rule.
    pub target: String,
    /// Who, when that is known.
    pub actor: String,
}

/// Reads it; `None` = there is no such incident.
pub fn report(tx: &mut Tx<'_>, id: i64) -> Result<Option<Report>, StoreError> {
    let now = tx.reading()?;
    let Some(incident) = incident(tx, id)? else { return Ok(None) };
    let limits = limits(tx)?;
    let timers = Timer::ALL.iter().filter_map(|timer| Some((*timer, due(&incident, *timer, limits)?)));
    let timers = timers.collect();
    let linked = linked(tx, &incident, now)?;
    Ok(Some(Report { timeline: timeline(tx, id)?, timers, linked, incident, now }))
}

fn linked(tx: &mut Tx<'_>, incident: &Incident, now: Timestamp) -> Result<Vec<Linked>, StoreError> {
    let since = incident.opened_at.after_ms(-BEFORE_MS);
    let until = incident.resolved_at.unwrap_or(now).after_ms(1);
    let is_ours = |event: &StoredEvent| {
        incident.desk == PLATFORM || event.desk == PLATFORM || event.desk == incident.desk
    };
    let events = attention(tx, TARGETS, (since, until), READ_MAX)?;
    let ours = events.into_iter().filter(is_ours).take(LINKED_MAX);
    Ok(ours
        .map(|event| Linked {
            event: event.id,
            at: event.at,
            name: event.event,
            desk: event.desk,
            target: event.target_id,
            actor: event.actor,
        })
        .collect())
}

impl Report {
    /// As commands show it, times in Unix ms.
    #[must_use]
    pub fn shown(&self) -> Value {
        let mut shown = self.incident.shown();
        let timer = |(timer, due): &(Timer, Timestamp)| json!({"timer": timer.name(), "dueAtMs": due.ms(), "overdue": self.now >= *due});
        shown["timeline"] = self.timeline.iter().map(Entry::shown).collect();
        shown["timers"] = self.timers.iter().map(timer).collect();
        shown["linked"] = self.linked.iter().map(Linked::shown).collect();
        shown
    }
}

impl Linked {
    fn shown(&self) -> Value {
        json!({
            "event": self.event, "atMs": self.at.ms(), "name": self.name, "desk": self.desk, "target": self.target,
            "actor": self.actor,
        })
    }
}
