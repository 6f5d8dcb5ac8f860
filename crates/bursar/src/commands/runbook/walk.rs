//! Walking an operator through a procedure: asked before each step that changes something, each step timed against its
//! budget, and everything written to the audit log as it happens.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use bursar_audit::{Actor, Event, Level, Target};
use clap::Parser;
use serde_json::{Value, json};

use super::markdown::{Procedure, Step, fits, words};
use crate::commands::accountable::Accountable;
use crate::commands::context::Patience;
use crate::commands::{CommandError, Context, Verb, aliases, run};

/// A command line of the runbook.
#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    verb: Verb,
}

/// One walk.
pub(super) struct Walk<'a> {
    pub procedure: &'a Procedure,
    pub context: &'a Context,
    pub who: Accountable,
    /// Tell commands that wait to move the server's manual clock instead.
    pub advance_clock: bool,
    /// Whether to do the step; asked before each that changes something.
    pub asks: &'a mut dyn FnMut(&Step) -> bool,
}

/// What became of a step.
struct Came {
    shown: Value,
    is_good: bool,
}

impl Walk<'_> {
    /// Walks to the end, or to the first step that fails or is declined.
    pub fn walk(&mut self) -> Result<Value, CommandError> {
        let procedure = self.procedure;
        self.record("runbook.started", Level::Info, &json!({"steps": procedure.steps.len()}))?;
        let (mut shown, mut ended) = (Vec::new(), "done");
        for (index, step) in procedure.steps.iter().enumerate() {
            self.context.say(&introduction(index + 1, procedure.steps.len(), step));
            if step.changes_state && !(self.asks)(step) {
                ended = "declined";
                shown.push(json!({"step": step.title, "outcome": ended}));
                break;
            }
            let came = self.take(step);
            self.record("runbook.step", if came.is_good { Level::Info } else { Level::Warn }, &came.shown)?;
            shown.push(came.shown);
            if !came.is_good {
                ended = "failed";
                break;
            }
        }
        let is_done = ended == "done";
        self.record(
            "runbook.ended",
            if is_done { Level::Info } else { Level::Warn },
            &json!({"outcome": ended}),
        )?;
        let answer = json!({"ok": is_done, "runbook": procedure.name, "outcome": ended, "steps": shown});
        if is_done {
            return Ok(answer);
        }
        let last = answer["steps"].as_array().and_then(|steps| steps.last());
        let title = last.and_then(|step| step["step"].as_str()).unwrap_or_default();
        let why = format!("{} ended at {title:?}: {ended}. Its later steps were not done.", procedure.name);
        Err(CommandError::No { answer, why })
    }

    /// All commands of a step in order; the first that says no ends it, unless it may.
    fn take(&self, step: &Step) -> Came {
        let begun = Instant::now();
        let (mut commands, mut is_good) = (Vec::new(), true);
        let mut answered = None;
        for line in &step.commands {
            let came = self.command(line);
            let found = came.as_ref().map_or_else(CommandError::answer, Value::clone);
            self.context.say(&format!("  {line}\n    {found}"));
            if let Err(error) = &came {
                self.context.say(&format!("    {error}"));
            }
            is_good = came.is_ok() || step.may_say_no;
            commands.push(json!({"command": line, "ok": came.is_ok(), "code": code(&came)}));
            answered = came.ok();
            if !is_good {
                break;
            }
        }
        // A command that may say no has told what is wrong by itself.
        if let (Some(answer), Some(expected)) = (answered, &step.expected)
            && !fits(&answer, expected)
        {
            self.context.say(&format!("  That is not as it should be. Expected:\n    {expected}"));
            is_good = false;
        }
        let (took, budget) = (begun.elapsed(), Duration::from_secs(step.budget_minutes.saturating_mul(60)));
        let in_time = took <= budget;
        if !in_time {
            self.context.say(&format!(
                "  That took {} s, and {} s are meant for it.",
                took.as_secs(),
                budget.as_secs()
            ));
        }
        let outcome = if is_good { "done" } else { "failed" };
        let shown = json!({
            "step": step.title, "outcome": outcome, "tookMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "budgetMs": u64::try_from(budget.as_millis()).unwrap_or(u64::MAX), "inTime": in_time,
            "commands": commands,
        });
        Came { shown, is_good }
    }

    fn command(&self, line: &str) -> Result<Value, CommandError> {
        let verb = parse(line, self.advance_clock)?;
        run(&verb, self.context)
    }

    fn record(&self, name: &'static str, level: Level, payload: &Value) -> Result<(), CommandError> {
        let store = self.context.open_ready(&self.context.configuration()?, Patience::Ordinary)?;
        let recorder = self.context.recorder();
        let Accountable { actor, reason } = &self.who;
        let event = Event {
            level,
            desk: self.procedure.desk,
            name,
            actor: Actor { kind: "operator", id: actor.clone() },
            target: Target { kind: "runbook", id: self.procedure.name.clone() },
            request_id: None,
            correlation_id: None,
            payload: json!({"reason": reason, "run": payload}).to_string(),
        };
        store.transact("command.runbook", |tx| {
            let now = tx.reading()?;
            recorder.record(tx, std::slice::from_ref(&event), now).map(|_| ())
        })?;
        Ok(())
    }
}

/// What a line of the runbook means.
pub(super) fn parse(line: &str, advance_clock: bool) -> Result<Verb, CommandError> {
    let misread =
        |why: String| CommandError::Usage(format!("the runbook's line {line:?} is no command: {why}"));
    let mut words = words(line).ok_or_else(|| misread("a quote is left open".to_owned()))?;
    if advance_clock && waits(&words) {
        words.push("--advance-clock".to_owned());
    }
    let words = aliases::rewrite(words.into_iter().map(OsString::from));
    Line::try_parse_from(words).map(|line| line.verb).map_err(|usage| misread(usage.to_string()))
}

/// Whether a command waits for rounds.
fn waits(words: &[String]) -> bool {
    let verb: Vec<&str> = words.iter().skip(1).take(2).map(String::as_str).collect();
    matches!(verb[..], ["ops", "smoke" | "canary" | "prelaunch"] | ["rollback", "drill"])
}

fn introduction(number: usize, count: usize, step: &Step) -> String {
    let marks = if step.changes_state { ", changes state" } else { "" };
    let lines = step.commands.iter().map(|line| format!("\n  $ {line}")).collect::<String>();
    let text = if step.text.is_empty() { String::new() } else { format!("\n  {}", step.text) };
    format!("\n{number}/{count} {} ({} min{marks}){text}{lines}", step.title, step.budget_minutes)
}

fn code(came: &Result<Value, CommandError>) -> Value {
    match came {
        Ok(_) => Value::Null,
        Err(error) => error.answer()["code"].as_str().unwrap_or_else(|| error.code()).into(),
    }
}
