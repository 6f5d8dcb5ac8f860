//! `bursar faucet switches | stop | resume`: the faucet's kill switches from the command line, which bind the next write
//! whether the server answers or not.

use bursar_audit::Recorder;
use bursar_control::settings::{self, SettingRow};
use bursar_control::{ConfigTable, RecordedStop, StopSource, Switch, SwitchChange, SwitchState, Switchboard};
use bursar_faucet::adoption::{STAYS_STOPPED, keeps_stopped, resumed_by_force};
use bursar_faucet::switches::{SWITCHES, WORDS, named, word};
use bursar_store::clock::machine_time;
use bursar_store::{Store, StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::accountable::Accountable;
use super::context::Patience;
use super::{CommandError, Context, duration};
use crate::host::Desks;

/// Options of `bursar faucet stop` and `resume`.
#[derive(Clone, Debug, clap::Args)]
pub struct SwitchOptions {
    /// What: payouts, accrual, scheduler, or real-money, which makes everything a dry run.
    #[arg(value_name = "SWITCH", value_parser = names())]
    pub switch: String,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who is responsible, when that is not the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// How long a stop lasts, such as 15m; without it until it is resumed. What is stopped for longer stays so.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse_ms)]
    pub for_ms: Option<i64>,
}

fn names() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(WORDS.map(|(word, _)| word))
}

/// Options of `bursar faucet resume`.
#[derive(Clone, Debug, clap::Args)]
pub struct ResumeOptions {
    /// What, who and why.
    #[command(flatten)]
    pub switch: SwitchOptions,
    /// Resume payouts although payments from before a restore may be missing here; say why with --reason. What is missing
    /// is then paid a second time.
    #[arg(long, requires = "reason")]
    pub force: bool,
}

/// How all of them stand.
pub(super) fn list(context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let switchboard = Desks::new(&configuration).switchboard(&configuration);
    let store = context.open(&configuration, Patience::Short)?;
    Ok(json!({"ok": true, "switches": shown(&store, &switchboard, &SWITCHES)?}))
}

/// Stops one.
pub(super) fn stop(options: &SwitchOptions, context: &Context) -> Result<Value, CommandError> {
    let (switch, who) = (wanted(options)?, accountable(options, context)?);
    let configuration = context.configuration_for_stop()?;
    let switchboard = Desks::new(&configuration).switchboard(&configuration);
    let now = machine_time();
    let recorded = RecordedStop {
        desk: switch.desk.to_owned(),
        key: switch.key.to_owned(),
        actor: who.actor.clone(),
        reason: who.reason.clone(),
        at_ms: now.ms(),
        expires_at_ms: options.for_ms.map(|ms| now.after_ms(ms).ms()),
    };
    // On the embedded engine it is on disk, and binds, before its row is tried (docs/spec/platform.md V7).
    let is_recorded = switchboard.control_file().is_some_and(|file| {
        file.record(std::slice::from_ref(&recorded))
            .inspect_err(|error| context.say(&format!("The control file could not be written: {error}")))
            .is_ok()
    });
    let recorder = context.recorder();
    let set = context.open(&configuration, Patience::Short).and_then(|store| {
        set(&store, &recorder, switch, &who, Wanted::Stopped { for_ms: options.for_ms }, || Ok(()))?;
        Ok(store)
    });
    match set {
        Ok(store) => {
            if let Some(file) = switchboard.control_file().filter(|_| is_recorded) {
                file.forget_recorded(std::slice::from_ref(&recorded))?;
            }
            say_what_lasts_longer(&store, switch, options.for_ms, context)?;
            answer(&store, &switchboard, switch, "binding")
        }
        Err(CommandError::Store(StoreError::Unavailable(why))) if is_recorded => {
            context.say(&format!(
                "Recorded, and binding; its row is set as soon as the database lets go ({why})."
            ));
            Ok(json!({"ok": true, "state": "recorded", "switch": word(switch), "stopped": true}))
        }
        Err(error) => Err(error),
    }
}

/// Lets one run again.
pub(super) fn resume(options: &ResumeOptions, context: &Context) -> Result<Value, CommandError> {
    let (options, force) = (&options.switch, options.force);
    let (switch, who) = (wanted(options)?, accountable(options, context)?);
    let configuration = context.configuration()?;
    let switchboard = Desks::new(&configuration).switchboard(&configuration);
    let store = context.open(&configuration, Patience::Short)?;
    let forget = || switchboard.control_file().map_or(Ok(()), |file| file.forget(&[switch]));
    if !set(&store, &context.recorder(), switch, &who, Wanted::Running { force }, forget)? {
        let why = format!("{STAYS_STOPPED}, or resume with --force and --reason.");
        let answer = json!({"ok": false, "code": "payments_unadopted", "state": "stopped", "error": why});
        return Err(CommandError::No { answer, why });
    }
    if !switchboard.is_held_by_environment(switch) {
        return answer(&store, &switchboard, switch, "running");
    }
    let name = switch.variable;
    Err(CommandError::No {
        answer: json!({"ok": false, "code": "held_by_environment", "state": "stopped", "heldBy": [name]}),
        why: format!(
            "The row says run, but {name} still says stop. Set it to off and start the server again."
        ),
    })
}

fn wanted(options: &SwitchOptions) -> Result<Switch, CommandError> {
    let known = WORDS.map(|(word, _)| word).join(", ");
    named(&options.switch).ok_or_else(|| {
        CommandError::Usage(format!("no switch is called {:?}; use one of {known}", options.switch))
    })
}

fn accountable(options: &SwitchOptions, context: &Context) -> Result<Accountable, CommandError> {
    Accountable::new(options.actor.as_deref(), context.user(), options.reason.as_deref())
}

/// What a switch is to say.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Stopped { for_ms: Option<i64> },
    Running { force: bool },
}

/// Says that a stop which lasts longer was left as it is.
fn say_what_lasts_longer(
    store: &Store,
    switch: Switch,
    for_ms: Option<i64>,
    context: &Context,
) -> Result<(), CommandError> {
    let Some(for_ms) = for_ms else { return Ok(()) };
    let (now, rows) = store.read("command.faucet_switches", |tx| {
        Ok((tx.reading()?, settings::rows(tx, ConfigTable::FAUCET)?))
    })?;
    let row = rows.iter().find(|row| row.key == switch.key && row.value == "on");
    if row.is_some_and(|row| row.expires_at.is_none_or(|end| end > now.after_ms(for_ms))) {
        let word = word(switch);
        context.say(&format!(
            "It was stopped for longer already, and stays so: a stop never shortens another. `bursar faucet resume {word}` \
             ends it."
        ));
    }
    Ok(())
}

/// Sets the row; its change is in the audit log by itself, and what force overrides beside it. `then` has a say before the
/// commit. Not done, and `false`, where running could pay somebody twice.
fn set(
    store: &Store,
    recorder: &Recorder,
    switch: Switch,
    who: &Accountable,
    wanted: Wanted,
    mut then: impl FnMut() -> Result<(), StoreError>,
) -> Result<bool, CommandError> {
    Ok(store.transact("command.faucet_switch", |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let table = ConfigTable::FAUCET;
        let (stop, for_ms) = match wanted {
            Wanted::Stopped { for_ms } => (true, for_ms),
            Wanted::Running { force } => {
                if keeps_stopped(tx, switch)? {
                    if !force {
                        return Ok(false);
                    }
                    let event = resumed_by_force(tx, &who.actor, &who.reason)?;
                    recorder.record(tx, &[event], now)?;
                }
                (false, None)
            }
        };
        // Switches get their rows when the server first starts; a stop may come before.
        if settings::rows(tx, table)?.iter().all(|row| row.key != switch.key) {
            settings::seed(tx, table, &[(switch.key, "off".to_owned(), "on = stopped", false)], now)?;
        }
        let expires_at = for_ms.map(|ms| now.after_ms(ms));
        let (actor, reason) = (who.actor.as_str(), who.reason.as_str());
        Switchboard::set(tx, &[SwitchChange { table, switch, stop, actor, reason, expires_at }], now)?;
        then().map(|()| true)
    })?)
}

fn answer(
    store: &Store,
    switchboard: &Switchboard,
    switch: Switch,
    state: &str,
) -> Result<Value, CommandError> {
    let switches = shown(store, switchboard, &[switch])?;
    Ok(json!({"ok": true, "state": state, "switches": switches}))
}

fn shown(store: &Store, switchboard: &Switchboard, switches: &[Switch]) -> Result<Value, StoreError> {
    store.read("command.faucet_switches", |tx| {
        let now = tx.reading()?;
        let states = switchboard.peek(tx, ConfigTable::FAUCET, switches, now)?;
        let rows = settings::rows(tx, ConfigTable::FAUCET)?;
        Ok(switches.iter().zip(states).map(|(switch, state)| one(*switch, state, &rows)).collect())
    })
}

fn one(switch: Switch, state: SwitchState, rows: &[SettingRow]) -> Value {
    let row = rows.iter().find(|row| row.key == switch.key);
    let expires_at = row.and_then(|row| row.expires_at).filter(|_| state.is_stopped());
    let stopped_by = match state {
        SwitchState::Running => None,
        SwitchState::Stopped(StopSource::Environment) => Some("environment"),
        SwitchState::Stopped(StopSource::Row) => Some("row"),
        SwitchState::Stopped(StopSource::ControlFile) => Some("control_file"),
        SwitchState::Stopped(StopSource::Unreadable) => Some("unreadable"),
    };
    json!({
        "switch": word(switch), "stopped": state.is_stopped(), "stoppedBy": stopped_by,
        "expiresAtMs": expires_at.map(Timestamp::ms),
    })
}
