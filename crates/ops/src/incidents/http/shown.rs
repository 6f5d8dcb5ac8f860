//! Incidents as these routes show them: names in snake case, times RFC 3339 in UTC.

use bursar_desk::incident::{Class, Entry, Incident};
use bursar_store::Timestamp;
use serde_json::{Value, json};

use crate::incidents::report::{Linked, Report};
use crate::incidents::timers::Timer;

/// One incident as it stands.
pub(super) fn incident(incident: &Incident) -> Value {
    json!({
        "id": incident.id, "desk": incident.desk, "class": incident.class.name(), "state": incident.state.name(),
        "title": incident.title, "message": incident.message, "expected_end": time(incident.expected_end),
        "opened_at": time(Some(incident.opened_at)), "opened_by": incident.opened_by,
        "acknowledged_at": time(incident.acknowledged_at), "told_at": time(incident.told_at),
        "resolved_at": time(incident.resolved_at), "reviewed_at": time(incident.reviewed_at),
    })
}

/// One incident with all that belongs to it.
pub(super) fn report(report: &Report) -> Value {
    let mut shown = incident(&report.incident);
    let timer = |(timer, due): &(Timer, Timestamp)| json!({"timer": timer.name(), "due_at": time(Some(*due)), "overdue": report.now >= *due});
    shown["timeline"] = report.timeline.iter().map(entry).collect();
    shown["timers"] = report.timers.iter().map(timer).collect();
    shown["linked"] = report.linked.iter().map(linked).collect();
    shown
}

fn entry(entry: &Entry) -> Value {
    json!({
        "number": entry.number, "at": time(Some(entry.at)), "act": entry.act.name(), "actor": entry.actor,
        "note": entry.note, "message": entry.message, "expected_end": time(entry.expected_end),
        "class": entry.class.map(Class::name),
    })
}

fn linked(linked: &Linked) -> Value {
    json!({
        "event": linked.event, "at": time(Some(linked.at)), "name": linked.name, "desk": linked.desk,
        "target": linked.target, "actor": linked.actor,
    })
}

/// In whole milliseconds; nothing for an instant beyond the calendar.
fn time(at: Option<Timestamp>) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(at?.ms()).ok()?;
    Some(format!("{at:.3}"))
}
