//! Operating the desk's switches, alike for the HTTP route and the command line.

use bursar_audit::Recorder;
use bursar_control::{ConfigTable, RecordedStop, Switch, SwitchChange, Switchboard};
use bursar_desk::control_fold::fold;
use bursar_desk::incident::By;
use bursar_store::{StoreError, Timestamp, Tx};

use crate::incident;
use crate::settings::{PAUSE_JOINS, PAUSE_SETTLE_API, PAUSE_SIM_SETTLEMENTS, SWITCHES};
use crate::status::due_rounds;
use crate::worker::{self, Worker};

/// The words by which people name switches, and what they stand for.
pub const WORDS: [(&str, &[Switch]); 4] = [
    ("joins", &[PAUSE_JOINS]),
    ("sim-settlement", &[PAUSE_SIM_SETTLEMENTS]),
    ("settle-api", &[PAUSE_SETTLE_API]),
    ("all", &SWITCHES),
];

/// The switches that `word` names.
#[must_use]
pub fn switches(word: &str) -> Option<&'static [Switch]> {
    WORDS.iter().find(|(name, _)| *name == word).map(|(_, switches)| *switches)
}

/// The word for one switch.
#[must_use]
pub fn word(switch: Switch) -> &'static str {
    WORDS.iter().find(|(_, switches)| *switches == [switch]).map_or("", |(word, _)| *word)
}

/// Stopping or resuming some switches in one change.
#[derive(Clone, Copy, Debug)]
pub struct Toggle<'a> {
    /// Which.
    pub switches: &'a [Switch],
    /// Stop them (else let them run).
    pub stop: bool,
    /// Who.
    pub actor: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When a stop ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Resume joins although overdue rounds wait or nobody settles (docs/spec/rounds.md R49).
    pub force: bool,
}

/// What became of a toggle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toggled {
    /// The rows say it.
    Done,
    /// Joins stay stopped: this many overdue rounds wait to be settled first.
    RoundsWait(i64),
    /// Joins stay stopped: no living process has followed the settlement job for this many milliseconds.
    WorkerSilent(i64),
}

/// Sets the rows of all switches of `toggle`, with their audit events, in the transaction that is open. Resuming the
/// last stop also resolves the incidents that players are told of.
pub fn toggle(
    tx: &mut Tx<'_>,
    toggle: &Toggle<'_>,
    recorder: &Recorder,
    now: Timestamp,
) -> Result<Toggled, StoreError> {
    let resumes_only_joins = !toggle.stop && toggle.switches == [PAUSE_JOINS];
    if resumes_only_joins && !toggle.force {
        let waiting = due_rounds(tx, now)?.pending;
        if waiting > 0 {
            return Ok(Toggled::RoundsWait(waiting));
        }
        if let Some(silent_ms) = worker::worker(tx, now)?.and_then(Worker::silent_ms) {
            return Ok(Toggled::WorkerSilent(silent_ms));
        }
    }
    let Toggle { stop, actor, reason, expires_at, .. } = *toggle;
    let table = ConfigTable::ROUNDS;
    let change = |switch: &Switch| SwitchChange { table, switch: *switch, stop, actor, reason, expires_at };
    let changes: Vec<SwitchChange<'_>> = toggle.switches.iter().map(change).collect();
    Switchboard::set(tx, &changes, now)?;
    if !stop && rows_all_run(tx)? {
        incident::end(tx, "Service was resumed.", By { actor, reason }, recorder)?;
    }
    fold(tx, recorder, now)?;
    Ok(Toggled::Done)
}

/// Takes resumed switches out of the control file, before the commit: whoever turns recorded stops into rows then runs
/// again and sees it. The commit guard makes this transaction run again too, when there was something to forget.
pub fn forget_recorded(switchboard: &Switchboard, named: &[Switch]) -> Result<(), StoreError> {
    let is_named =
        |stop: &RecordedStop| named.iter().any(|switch| switch.desk == stop.desk && switch.key == stop.key);
    match switchboard.control_file() {
        Some(file) if file.stops()?.iter().any(is_named) => file.forget(named),
        _ => Ok(()),
    }
}

fn rows_all_run(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let keys = SWITCHES.map(|switch| switch.key.into());
    let sql = "SELECT COUNT(*) FROM rounds_config WHERE key IN ($1, $2, $3) AND value = 'off'";
    let running = tx.query_first(sql, &keys, |row| row.get::<i64>(0))?;
    Ok(running == Some(3))
}
