//! What stops and resumes share, and resuming (docs/spec/rounds.md R31 to R37, R44, R49).

use bursar_audit::Recorder;
use bursar_control::{ConfigTable, StopSource, Switch, SwitchState, Switchboard, settings};
use bursar_rounds::operate::{Toggle, Toggled, WORDS, switches, toggle, word};
use bursar_store::{Store, StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::holder::writing_process;
use crate::commands::accountable::Accountable;
use crate::commands::context::Patience;
use crate::commands::{CommandError, Context, duration};
use crate::config::Configuration;
use crate::host::{Desks, embedded_file};

/// Options of `bursar ops pause`.
#[derive(Clone, Debug, clap::Args)]
pub struct PauseOptions {
    /// What to stop.
    #[arg(value_name = "SWITCH", value_parser = names())]
    pub switch: String,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who is responsible, when that is not the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// How long it lasts, such as 15m; without it the stop lasts until it is resumed. It never shortens a longer stop.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse_ms)]
    pub for_ms: Option<i64>,
}

/// Options of `bursar ops resume`.
#[derive(Clone, Debug, clap::Args)]
pub struct ResumeOptions {
    /// What to let run again.
    #[arg(value_name = "SWITCH", value_parser = names())]
    pub switch: String,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who is responsible, when that is not the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Resume joins although overdue rounds wait or no server settles; say why with --reason.
    #[arg(long, requires = "reason")]
    pub force: bool,
}

/// The names of switches, which clap shows when it is given another.
fn names() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(WORDS.map(|(word, _)| word))
}

/// The switches that `name` stands for.
pub(super) fn named(name: &str) -> Result<&'static [Switch], CommandError> {
    let valid = WORDS.map(|(word, _)| word).join(", ");
    switches(name)
        .ok_or_else(|| CommandError::Usage(format!("no switch is called {name:?}; use one of {valid}")))
}

/// Sets the rows of switches in one transaction, with their audit events, and lets `then` have a say before the commit.
pub(super) fn set_rows(
    store: &Store,
    recorder: &Recorder,
    wanted: &Toggle<'_>,
    for_ms: Option<i64>,
    mut then: impl FnMut() -> Result<(), StoreError>,
) -> Result<Toggled, StoreError> {
    store.transact("command.toggle", |tx| {
        let now = tx.reading()?;
        add_missing_rows(tx, wanted.switches, now)?;
        let wanted = Toggle { expires_at: for_ms.map(|ms| now.after_ms(ms)), ..*wanted };
        let toggled = toggle(tx, &wanted, recorder, now)?;
        if toggled == Toggled::Done {
            then()?;
        }
        Ok(toggled)
    })
}

/// Switches get their rows when the server first starts; a stop may come before.
fn add_missing_rows(tx: &mut Tx<'_>, switches: &[Switch], now: Timestamp) -> Result<(), StoreError> {
    let stored = settings::rows(tx, ConfigTable::ROUNDS)?;
    let is_missing = |switch: &&Switch| stored.iter().all(|row| row.key != switch.key);
    let missing = switches.iter().filter(is_missing);
    let rows: Vec<_> = missing.map(|switch| (switch.key, "off".to_owned(), "on = stopped", false)).collect();
    settings::seed(tx, ConfigTable::ROUNDS, &rows, now)
}

/// How these switches stand, for the answer.
pub(super) fn shown(
    store: &Store,
    switchboard: &Switchboard,
    switches: &[Switch],
) -> Result<Value, StoreError> {
    store.read("command.switches", |tx| {
        let now = tx.reading()?;
        let states = switchboard.peek(tx, ConfigTable::ROUNDS, switches, now)?;
        let stored = settings::rows(tx, ConfigTable::ROUNDS)?;
        let one = |(switch, state): (&Switch, SwitchState)| {
            let row = stored.iter().find(|row| row.key == switch.key);
            let expires_at = row.and_then(|row| row.expires_at).filter(|_| state.is_stopped());
            json!({
                "switch": word(*switch), "stopped": state.is_stopped(), "stoppedBy": stopped_by(state),
                "expiresAtMs": expires_at.map(Timestamp::ms),
            })
        };
        Ok(switches.iter().zip(states).map(one).collect())
    })
}

fn stopped_by(state: SwitchState) -> Option<&'static str> {
    match state {
        SwitchState::Running => None,
        SwitchState::Stopped(StopSource::Environment) => Some("environment"),
        SwitchState::Stopped(StopSource::Row) => Some("row"),
        SwitchState::Stopped(StopSource::ControlFile) => Some("control_file"),
        SwitchState::Stopped(StopSource::Unreadable) => Some("unreadable"),
    }
}

/// `bursar ops resume`: sets rows to run and forgets recorded stops, in one change.
pub(super) fn resume(options: &ResumeOptions, context: &Context) -> Result<Value, CommandError> {
    let switches = named(&options.switch)?;
    let who = Accountable::new(options.actor.as_deref(), context.user(), options.reason.as_deref())?;
    let configuration = context.configuration()?;
    let switchboard = Desks::new(&configuration).switchboard(&configuration);
    let store = context.open(&configuration, Patience::Short)?;
    let (actor, reason, force) = (who.actor.as_str(), who.reason.as_str(), options.force);
    let wanted = Toggle { switches, stop: false, actor, reason, expires_at: None, force };
    // Before the commit, while this process holds the write lock: whoever turns recorded stops into rows waits for it.
    let forget = || switchboard.control_file().map_or(Ok(()), |file| file.forget(switches));
    match set_rows(&store, &context.recorder(), &wanted, None, forget) {
        Ok(Toggled::Done) => {}
        Ok(Toggled::RoundsWait(waiting)) => return Err(rounds_wait(waiting)),
        Ok(Toggled::WorkerSilent(silent_ms)) => return Err(worker_silent(silent_ms)),
        Err(error) => return Err(waiting_for(error, &configuration)),
    }
    let held: Vec<&str> = switches
        .iter()
        .filter(|switch| switchboard.is_held_by_environment(**switch))
        .map(|switch| switch.variable)
        .collect();
    let states = shown(&store, &switchboard, switches)?;
    if held.is_empty() {
        return Ok(json!({"ok": true, "state": "running", "switches": states}));
    }
    let names = held.join(", ");
    Err(CommandError::No {
        answer: json!({"ok": false, "code": "held_by_environment", "state": "stopped", "heldBy": held,
                       "switches": states}),
        why: format!(
            "The rows say run, but {names} in this environment still says stop, and any source that says stop \
             counts. Set {names} to off and start the server again."
        ),
    })
}

fn rounds_wait(waiting: i64) -> CommandError {
    CommandError::No {
        answer: json!({"ok": false, "code": "rounds_pending", "state": "stopped", "pendingDueRounds": waiting}),
        why: format!(
            "Joins stay stopped, because {waiting} rounds are overdue: players would join a desk that does not \
             settle. Wait until they are settled, or resume with --force and --reason."
        ),
    }
}

fn worker_silent(silent_ms: i64) -> CommandError {
    CommandError::No {
        answer: json!({"ok": false, "code": "worker_silent", "state": "stopped", "silentMs": silent_ms}),
        why: format!(
            "Joins stay stopped, because no living server has followed the settlement job for {silent_ms} ms: players \
             would join a desk that does not settle. Start a server, or resume with --force and --reason."
        ),
    }
}

/// Names the process that keeps the database busy.
fn waiting_for(error: StoreError, configuration: &Configuration) -> CommandError {
    let StoreError::Unavailable(text) = &error else { return error.into() };
    let process = embedded_file(configuration).and_then(|path| writing_process(&path));
    let who = process.map_or_else(|| "another process".to_owned(), |process| format!("process {process}"));
    CommandError::No {
        answer: json!({"ok": false, "code": "database_unavailable", "waitingFor": process, "error": text}),
        why: format!("Nothing was resumed, because {who} keeps the database busy ({text}). Try again."),
    }
}
