//! `bursar secrets reload`: asks every server to read its secrets anew, and waits for their answers.

use std::time::{Duration, Instant};

use bursar_access::{Entropy, OsEntropy};
use bursar_audit::{Actor, Event, Level, Recorder, Target};
use bursar_control::secret_roster::{Holder, holders, request_reload};
use bursar_store::{Store, StoreError};
use serde_json::{Value, json};

use super::{ReloadOptions, configuration};
use crate::commands::accountable::Accountable;
use crate::commands::context::Patience;
use crate::commands::{CommandError, Context};

/// How long servers may take to answer. Real time.
const WAIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn reload(options: &ReloadOptions, context: &Context) -> Result<Value, CommandError> {
    let who = Accountable::new(options.actor.as_deref(), context.user(), Some(&options.reason))?;
    let (configuration, _) = configuration(context)?;
    let store = context.open_ready(&configuration, Patience::Ordinary)?;
    let number = request(&store, &context.recorder(), &who)?;
    let servers = answers(&store, number)?;
    let told: Vec<Value> = servers.iter().map(|server| shown(server, number)).collect();
    let answer = |ok: bool, code: &str| {
        let mut answer = json!({"ok": ok, "request": number, "servers": told,
                                "actor": who.actor, "reason": who.reason});
        if !ok {
            answer["code"] = code.into();
        }
        answer
    };
    let no = |code: &str, why: String| Err(CommandError::No { answer: answer(false, code), why });
    let silent: Vec<&str> = servers
        .iter()
        .filter(|server| server.answered < number)
        .map(|server| server.place.as_str())
        .collect();
    let refused: Vec<String> = servers.iter().flat_map(refusals).collect();
    match () {
        () if servers.is_empty() => no(
            "no_server",
            "No server that uses this database is alive, so nobody has read anything. A server reads its secrets \
             when it starts."
                .to_owned(),
        ),
        () if !silent.is_empty() => no(
            "server_silent",
            format!(
                "{} did not answer within {} s and may still use the former secrets. Look whether it hangs; \
                 `bursar secrets list` shows what each server has in force.",
                silent.join(", "),
                WAIT.as_secs()
            ),
        ),
        () if !refused.is_empty() => {
            no("secrets_refused", format!("The secrets in force stay where a new one was refused:\n{}", refused.join("\n")))
        }
        () => {
            context.say("Every server has read its secrets; `rotated` lists what has changed.");
            Ok(answer(true, ""))
        }
    }
}

/// The request, with its event.
fn request(store: &Store, recorder: &Recorder, who: &Accountable) -> Result<i64, StoreError> {
    let mut salt = [0; 32];
    OsEntropy.fill(&mut salt);
    store.transact("command.reload_secrets", |tx| {
        let now = tx.reading()?;
        let number = request_reload(tx, &who.actor, &who.reason, salt)?;
        let event = Event {
            level: Level::Warn,
            desk: "platform",
            name: "secrets.reload_requested",
            actor: Actor { kind: "operator", id: who.actor.clone() },
            target: Target { kind: "request", id: number.to_string() },
            request_id: None,
            correlation_id: None,
            payload: json!({"reason": who.reason}).to_string(),
        };
        recorder.record(tx, &[event], now)?;
        Ok(number)
    })
}

/// The living servers, once all of them have answered or the wait is over.
fn answers(store: &Store, number: i64) -> Result<Vec<Holder>, StoreError> {
    let patience = Instant::now() + WAIT;
    loop {
        let servers = store.read("command.secret_answers", holders)?;
        if servers.iter().all(|server| server.answered >= number) || Instant::now() >= patience {
            return Ok(servers);
        }
        std::thread::sleep(LOOK);
    }
}

fn shown(server: &Holder, number: i64) -> Value {
    let answered = server.answered >= number;
    let outcome = if answered { outcome(server) } else { Value::Null };
    json!({
        "process": server.process, "place": server.place, "answered": answered,
        "rotated": outcome["rotated"], "refused": outcome["refused"],
    })
}

/// One line for each secret that a server refused.
fn refusals(server: &Holder) -> Vec<String> {
    let outcome = outcome(server);
    let refused = outcome["refused"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |problem: &Value, field: &str| problem[field].as_str().unwrap_or_default().to_owned();
    let line = |problem: &Value| {
        let [name, rule, fix] = ["var", "rule", "fix"].map(|field| text(problem, field));
        format!("- {} at {}: {name} {rule}. To fix: {fix}", text(problem, "desk"), server.place)
    };
    refused.iter().map(line).collect()
}

fn outcome(server: &Holder) -> Value {
    serde_json::from_str(&server.outcome).unwrap_or(Value::Null)
}
