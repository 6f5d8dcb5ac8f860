//! `bursar ops alert`: is anything wrong, told to whoever must know; and a test alert over the way that real ones take
//! (docs/spec/rounds.md section 6, R26).

use std::thread::sleep;
use std::time::{Duration, Instant};

use bursar_audit::{Actor, Event, Level, Target};
use bursar_rounds::DESK;
use bursar_store::{Store, StoreError};
use serde_json::{Value, json};

use super::remote::{Reply, ask, post};
use super::report::named_base;
use crate::commands::accountable::Accountable;
use crate::commands::context::Patience;
use crate::commands::{CommandError, Context};
use crate::config::Configuration;

/// A delivery takes 2.5 s at most, and the outbox is looked at each second.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(100);
const TEST_EVENT: &str = "ops.alert_test";

/// Options of `bursar ops alert`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct AlertOptions {
    /// The server to look at; OPS_BASE unless given.
    #[arg(long, value_name = "URL", conflicts_with_all = ["url", "test"])]
    pub base: Option<String>,
    /// Record a test alert and wait until the server has delivered it to its webhook.
    #[arg(long)]
    pub test: bool,
    /// Who is responsible for the test, when that is not the system user.
    #[arg(long, value_name = "NAME", requires = "test")]
    pub actor: Option<String>,
}

pub(super) fn alert(options: &AlertOptions, context: &Context) -> Result<Value, CommandError> {
    if options.test { test(options, context) } else { look(options, context) }
}

/// Exit 1 on any problem, which also goes to `OPS_ALERT_WEBHOOK_URL`.
fn look(options: &AlertOptions, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let base = named_base(options.base.as_deref(), &configuration)?;
    let key = configuration.rounds.ops_key.as_ref().map(|key| &key.current);
    let health = ask(&format!("{base}/api/ops/health"), key);
    let status = ask(&format!("{base}/api/status"), None);
    let problems = problems(&health, &status, &configuration);
    let body = |reply: &Result<Reply, String>| reply.as_ref().map_or(Value::Null, |reply| reply.body.clone());
    let mut answer = json!({
        "ok": problems.is_empty(), "base": base, "problems": problems, "health": body(&health), "status": body(&status),
    });
    if problems.is_empty() {
        return Ok(answer);
    }
    let told = match &configuration.rounds.commands.alert_webhook_url {
        None => "nobody was told, since OPS_ALERT_WEBHOOK_URL is unset".to_owned(),
        Some(url) => match post(url, &answer) {
            Ok(()) => "the webhook was told".to_owned(),
            Err(why) => format!("the webhook could not be told: {why}"),
        },
    };
    answer["told"] = told.as_str().into();
    Err(CommandError::No { answer, why: format!("{base}: {}; {told}.", problems.join(", ")) })
}

/// The problems by their stable words.
fn problems(
    health: &Result<Reply, String>,
    status: &Result<Reply, String>,
    configuration: &Configuration,
) -> Vec<String> {
    let mut problems = Vec::new();
    match health {
        Err(_) => problems.push("unhandled_error".to_owned()),
        Ok(reply) if !reply.is_good() => problems.push(format!("ops_health_http_{}", reply.status)),
        Ok(reply) => {
            let commands = &configuration.rounds.commands;
            let number = |pointer: &str| reply.body.pointer(pointer).and_then(Value::as_i64);
            if reply.body["ok"] != true {
                problems.push("health_not_ok".to_owned());
            }
            let pending_max = i64::from(commands.alert_pending_rounds);
            if number("/totals/pendingDueRounds").is_none_or(|pending| pending > pending_max) {
                problems.push("pending_due_rounds_threshold".to_owned());
            }
            if number("/settlement/maxSettlementLagMs").is_none_or(|lag| lag > commands.alert_max_lag_ms) {
                problems.push("settlement_lag_threshold".to_owned());
            }
        }
    }
    match status {
        Err(_) if health.is_err() => {}
        Err(_) => problems.push("unhandled_error".to_owned()),
        Ok(reply) if !reply.is_good() => problems.push(format!("public_status_http_{}", reply.status)),
        Ok(_) => {}
    }
    problems
}

/// Records a WARN as any other and waits until it has left the outbox.
fn test(options: &AlertOptions, context: &Context) -> Result<Value, CommandError> {
    let who = Accountable::new(options.actor.as_deref(), context.user(), Some("alert test"))?;
    let store = context.open_ready(&context.configuration()?, Patience::Ordinary)?;
    let recorder = context.recorder();
    let event = store.transact("command.alert_test", |tx| {
        let now = tx.reading()?;
        let event = Event {
            level: Level::Warn,
            desk: DESK,
            name: TEST_EVENT,
            actor: Actor { kind: "operator", id: who.actor.clone() },
            target: Target { kind: "desk", id: DESK.to_owned() },
            request_id: None,
            correlation_id: None,
            payload: json!({"why": "a test of the alert channel: nothing is wrong", "actor": who.actor})
                .to_string(),
        };
        recorder.record(tx, &[event], now)
    })?;
    let begun = Instant::now();
    let why = loop {
        match failed_attempts(&store, event)? {
            None => return Ok(json!({"ok": true, "event": event, "name": TEST_EVENT, "state": "delivered"})),
            Some(0) if begun.elapsed() < DELIVERY_PATIENCE => sleep(LOOK),
            Some(0) => break "no server has tried to deliver it: start one, with AUDIT_WEBHOOK_URL set",
            Some(_) => {
                break "the receiver did not take it: look at AUDIT_WEBHOOK_URL and at who listens there";
            }
        }
    };
    Err(CommandError::No {
        answer: json!({"ok": false, "event": event, "name": TEST_EVENT, "state": "waiting", "error": why}),
        why: format!("The test alert was not delivered: {why}. It stays in the outbox and is tried again."),
    })
}

/// Deliveries that failed so far; `None` = it has left the outbox, which only a delivery makes happen this early.
fn failed_attempts(store: &Store, event: i64) -> Result<Option<i64>, StoreError> {
    store.read("command.alert_test", |tx| {
        let sql = "SELECT attempts FROM audit_outbox WHERE event = $1";
        tx.query_first(sql, &[event.into()], |row| row.get(0))
    })
}
