//! `bursar rollback drill`: everything stops first, the release before can run on this data, and a player gets in and out
//! again; then service is back, joins last (docs/spec/rounds.md R46 to R49).

mod previous;

use std::path::PathBuf;
use std::time::Duration;

use bursar_audit::{Actor, Event, Level, Target};
use bursar_rounds::DESK;
use bursar_rounds::settings::SWITCHES;
use serde_json::{Value, json};

use super::accountable::Accountable;
use super::context::Patience;
use super::load::{Server, ServerClock};
use super::ops::{self, OpsVerb, PauseOptions, ResumeOptions, SmokeOptions, WatchOptions};
use super::{CommandError, Context, DatabaseOption};

/// How long overdue rounds may take to be settled once settlement runs again, in milliseconds.
const SETTLED_WITHIN_MS: i64 = 60_000;
/// Between two looks at them.
const LOOK_MS: i64 = 5_000;
const TIMEOUT: Duration = Duration::from_secs(10);

/// `bursar rollback`.
#[derive(Clone, Debug, clap::Args)]
pub struct Rollback {
    /// What to do.
    #[command(subcommand)]
    pub verb: RollbackVerb,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar rollback`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum RollbackVerb {
    /// Prove that the release before could take over now. Starts only while everything is stopped, and ends with
    /// everything running; when a step fails, everything is stopped again.
    Drill(DrillOptions),
}

/// Options of `bursar rollback drill`.
#[derive(Clone, Debug, clap::Args)]
pub struct DrillOptions {
    /// The server that plays the smoke test; OPS_BASE unless given.
    #[arg(long, value_name = "URL")]
    pub base: Option<String>,
    /// The program of the release before, which then looks at the data itself.
    #[arg(long, value_name = "PROGRAM")]
    pub previous: Option<PathBuf>,
    /// The compatibility epoch of the release before; without it that of this one.
    #[arg(long, value_name = "EPOCH", value_parser = clap::value_parser!(i64).range(1..))]
    pub previous_epoch: Option<i64>,
    /// Move the server's manual clock instead of waiting.
    #[arg(long)]
    pub advance_clock: bool,
    /// Stop everything again at the end.
    #[arg(long)]
    pub stop_after: bool,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT", default_value = "rollback drill")]
    pub reason: String,
    /// Who is responsible, when that is not the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &RollbackVerb, context: &Context) -> Result<Value, CommandError> {
    let RollbackVerb::Drill(options) = verb;
    let configuration = context.configuration()?;
    let base = ops::named_base(options.base.as_deref(), &configuration)?;
    let who = Accountable::new(options.actor.as_deref(), context.user(), Some(&options.reason))?;
    let drill = Drill { options, context, base };
    drill.begins_stopped()?;
    let mut steps = Vec::new();
    let came = drill.take(&mut steps);
    let stops_again = came.is_err() || options.stop_after;
    let stopped = stops_again.then(|| drill.stop());
    let mut answer =
        json!({"ok": came.is_ok(), "base": drill.base, "steps": steps, "stoppedAgain": stops_again});
    drill.record(&who, &answer)?;
    // A stop that failed is the worse news of the two.
    stopped.transpose()?;
    match came {
        Ok(()) => Ok(answer),
        Err(error) => {
            answer["error"] = error.to_string().into();
            answer["cause"] = error.answer();
            let why = format!("The drill failed, and everything is stopped again: {error}");
            Err(CommandError::No { answer, why })
        }
    }
}

struct Drill<'a> {
    options: &'a DrillOptions,
    context: &'a Context,
    base: String,
}

impl Drill<'_> {
    /// R46.
    fn begins_stopped(&self) -> Result<(), CommandError> {
        let configuration = self.context.configuration()?;
        let store = self.context.open_ready(&configuration, Patience::Ordinary)?;
        let states = ops::switch_states(&store, &configuration, &SWITCHES)?;
        let running = states.as_array().into_iter().flatten().filter(|one| one["stopped"] != true);
        let running: Vec<&str> = running.filter_map(|one| one["switch"].as_str()).collect();
        if running.is_empty() {
            return Ok(());
        }
        let names = running.join(", ");
        Err(CommandError::No {
            answer: json!({"ok": false, "code": "flags_off", "running": running}),
            why: format!(
                "A rollback begins with the stops, and {names} still runs. First: `bursar ops pause all`."
            ),
        })
    }

    fn take(&self, steps: &mut Vec<Value>) -> Result<(), CommandError> {
        steps.push(json!({"step": "stopped", "ok": true}));
        let mut step = |name: &str, came: Result<Value, CommandError>| {
            let found = came.as_ref().map_or_else(CommandError::answer, Value::clone);
            steps.push(json!({"step": name, "ok": came.is_ok(), "found": found}));
            came.map(|_| ())
        };
        step("previous_release", previous::can_run(self.options, self.context))?;
        step("settlement", self.resume("sim-settlement"))?;
        step("overdue_rounds", self.overdue_rounds())?;
        step("settle_api", self.resume("settle-api"))?;
        step("joins", self.resume("joins"))?;
        step("smoke", self.smoke())
    }

    fn resume(&self, switch: &str) -> Result<Value, CommandError> {
        let DrillOptions { reason, actor, .. } = self.options;
        let options = ResumeOptions {
            switch: switch.to_owned(),
            reason: Some(reason.clone()),
            actor: actor.clone(),
            force: false,
        };
        ops::run(&OpsVerb::Resume(options), self.context)
    }

    fn stop(&self) -> Result<Value, CommandError> {
        let DrillOptions { reason, actor, .. } = self.options;
        let options = PauseOptions {
            switch: "all".to_owned(),
            reason: Some(reason.clone()),
            actor: actor.clone(),
            for_ms: None,
        };
        ops::run(&OpsVerb::Pause(options), self.context)
    }

    /// Waits until the rounds that fell due during the stop are settled.
    fn overdue_rounds(&self) -> Result<Value, CommandError> {
        let fault =
            |text: String| CommandError::No { answer: json!({"ok": false, "error": text}), why: text };
        let clock = ServerClock::of(&Server::new(&self.base, TIMEOUT), self.options.advance_clock);
        let clock = clock.map_err(|error| fault(error.to_string()))?;
        let until_ms = clock.now_ms() + SETTLED_WITHIN_MS;
        loop {
            let health =
                ops::run(&OpsVerb::Health(WatchOptions { base: Some(self.base.clone()) }), self.context);
            match health {
                Ok(answer) => return Ok(answer["health"]["totals"].clone()),
                Err(error) if clock.now_ms() >= until_ms || clock.stands_still() => return Err(error),
                Err(_) => clock.pause(LOOK_MS).map_err(|error| fault(error.to_string()))?,
            }
        }
    }

    /// R48.
    fn smoke(&self) -> Result<Value, CommandError> {
        let options = SmokeOptions {
            base: Some(self.base.clone()),
            market: None,
            wait_settled: true,
            advance_clock: self.options.advance_clock,
        };
        ops::run(&OpsVerb::Smoke(options), self.context)
    }

    fn record(&self, who: &Accountable, answer: &Value) -> Result<(), CommandError> {
        let store = self.context.open_ready(&self.context.configuration()?, Patience::Ordinary)?;
        let recorder = self.context.recorder();
        let event = Event {
            level: if answer["ok"] == true { Level::Info } else { Level::Error },
            desk: DESK,
            name: "ops.rollback_drill",
            actor: Actor { kind: "operator", id: who.actor.clone() },
            target: Target { kind: "desk", id: DESK.to_owned() },
            request_id: None,
            correlation_id: None,
            payload: json!({"reason": who.reason, "drill": answer}).to_string(),
        };
        store.transact("command.rollback_drill", |tx| {
            let now = tx.reading()?;
            recorder.record(tx, std::slice::from_ref(&event), now).map(|_| ())
        })?;
        Ok(())
    }
}
