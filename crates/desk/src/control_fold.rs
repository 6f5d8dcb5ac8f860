//! Folding recorded changes of switches and settings into the audit log, and recorded stops into their rows.

use bursar_audit::{Actor, Event, Level, Recorder, Target};
use bursar_control::{
    Change, ConfigTable, RecordedStop, Switch, SwitchChange, Switchboard, fold_changes, unfolded_changes,
};
use bursar_store::{Store, StoreError, Timestamp, Tx};
use serde_json::json;

/// Changes folded in one transaction.
const FOLD_MAX: i64 = 256;
/// Everything that has a configuration table.
const TABLES: [ConfigTable; 6] = [
    ConfigTable::PLATFORM,
    ConfigTable::ROUNDS,
    ConfigTable::FAUCET,
    ConfigTable::COMMITMENTS,
    ConfigTable::TRADES,
    ConfigTable::ARENA,
];

/// Records every change that is not in the audit log yet, each exactly once, and says how many there were. Call it in
/// the transaction that changes something, or from the job that looks for hand-typed changes.
pub fn fold(tx: &mut Tx<'_>, recorder: &Recorder, now: Timestamp) -> Result<usize, StoreError> {
    let mut folded = 0;
    loop {
        let changes = unfolded_changes(tx, FOLD_MAX)?;
        if changes.is_empty() {
            return Ok(folded);
        }
        let events: Vec<Event> = changes.iter().map(event).collect();
        let first = recorder.record(tx, &events, now)?;
        let numbers: Vec<i64> = (first..).take(changes.len()).collect();
        fold_changes(tx, &changes, &numbers)?;
        folded += changes.len();
    }
}

/// Whether anything waits to be folded.
pub fn is_pending(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    Ok(!unfolded_changes(tx, 1)?.is_empty())
}

/// Whether the control file stops a switch of `known` whose row does not say it yet. A file that cannot be read is no
/// work: everything is stopped then, and readiness says why.
#[must_use]
pub fn has_recorded_stops(switchboard: &Switchboard, known: &[(ConfigTable, Switch)]) -> bool {
    let stops = switchboard.recorded().unwrap_or_default();
    stops.iter().any(|stop| named(stop, known).is_some())
}

/// Turns the stops of the control file into rows, with their audit events, then forgets them. Says how many there were.
/// Stops of switches that are not `known` stay: another version of this program may know them.
pub fn adopt_recorded_stops(
    store: &Store,
    switchboard: &Switchboard,
    recorder: &Recorder,
    known: &[(ConfigTable, Switch)],
) -> Result<usize, StoreError> {
    let Some(file) = switchboard.control_file() else { return Ok(0) };
    if !has_recorded_stops(switchboard, known) {
        return Ok(0);
    }
    let adopted = store.transact("desk.adopt_stops", |tx| {
        let (now, real) = (tx.reading()?, tx.real_time()?);
        let mut adopted = Vec::new();
        // Read inside the transaction: a resume that comes between changes the file, and the commit guard sees it.
        for stop in switchboard.recorded()? {
            let Some((table, switch)) = named(&stop, known) else { continue };
            let (actor, reason) = (stop.actor.as_str(), stop.reason.as_str());
            // Whoever recorded it had no clock but the machine's.
            let expires_at = stop.expires_at_ms.map(|end| now.after_ms(end.saturating_sub(real.ms())));
            let change = SwitchChange { table, switch, stop: true, actor, reason, expires_at };
            Switchboard::set(tx, &[change], now)?;
            adopted.push(stop);
        }
        fold(tx, recorder, now)?;
        Ok(adopted)
    })?;
    file.forget_recorded(&adopted)?;
    Ok(adopted.len())
}

fn named(stop: &RecordedStop, known: &[(ConfigTable, Switch)]) -> Option<(ConfigTable, Switch)> {
    known.iter().find(|(_, switch)| switch.desk == stop.desk && switch.key == stop.key).copied()
}

fn event(change: &Change) -> Event {
    let name = match change.new.as_deref() {
        None => "control.row_deleted",
        Some("on" | "off") => "control.switch_changed",
        Some(_) => "control.setting_changed",
    };
    let payload = json!({
        "key": change.key, "old": change.old, "new": change.new, "source": change.source, "actor": change.actor,
        "reason": change.reason, "dbRole": change.db_role, "atMs": change.at.ms(),
    });
    Event {
        level: Level::Warn,
        desk: desk_of(&change.desk),
        name,
        actor: actor(change),
        target: Target { kind: "config", id: format!("{}/{}", change.desk, change.key) },
        request_id: None,
        correlation_id: None,
        payload: payload.to_string(),
    }
}

/// Names stay in the payload; an id such as `cli:root` may stand outside it (docs/spec/platform.md X1).
fn actor(change: &Change) -> Actor {
    let kind = match change.source.as_deref() {
        Some("operator") => "operator",
        Some("sql") => "sql",
        _ => "system",
    };
    Actor { kind, id: change.actor.as_deref().map_or("", actor_id).to_owned() }
}

/// The part of `actor` that may stand outside a payload: the whole of an id, nothing of a name.
pub(crate) fn actor_id(actor: &str) -> &str {
    let is_id = ["operator:", "service:", "cli:"].iter().any(|prefix| actor.starts_with(prefix));
    if is_id { actor } else { "" }
}

/// The configuration table's name for a desk, `platform` for anything else.
pub(crate) fn desk_of(name: &str) -> &'static str {
    TABLES.iter().find(|table| table.desk == name).map_or("platform", |table| table.desk)
}
