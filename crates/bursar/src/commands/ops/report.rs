//! `bursar ops status`, `health` and `summary`: from a running server over HTTP, or straight from the database.

use bursar_rounds::status;
use bursar_rounds::summary::summary as read_summary;
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::remote::ask;
use crate::commands::context::Patience;
use crate::commands::{CommandError, Context};
use crate::config::Configuration;
use crate::host::Desks;

/// Settlements that a summary may list.
const SETTLEMENTS: (i64, i64) = (10, 120);

/// Options of `bursar ops status` and `health`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WatchOptions {
    /// Ask the server at this address instead of reading the database; OPS_BASE says the same.
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    pub base: Option<String>,
}

/// Options of `bursar ops summary`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SummaryOptions {
    /// Which server.
    #[command(flatten)]
    pub watch: WatchOptions,
    /// Newest settlements to list, held between 10 and 120; OPS_SUMMARY_LIMIT unless given.
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<i64>,
}

pub(super) fn status(options: &WatchOptions, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    if let Some(base) = base(options, context, &configuration) {
        return remote("status", &base, "/api/status", &configuration);
    }
    let switchboard = Desks::new(&configuration).switchboard(&configuration);
    let status = local(context, &configuration, |tx, now| {
        let pauses = status::pauses(tx, &switchboard, now)?;
        Ok(status::status(pauses, status::due_rounds(tx, now)?, now))
    })?;
    Ok(json!({"ok": true, "statusCode": null, "base": null, "status": status}))
}

/// Exit 1 when degraded, unreachable or refused (R38).
pub(super) fn health(options: &WatchOptions, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let answer = match base(options, context, &configuration) {
        Some(base) => remote("health", &base, "/api/ops/health", &configuration)?,
        None => {
            let health = local(context, &configuration, status::health)?;
            json!({"statusCode": null, "base": null, "health": health})
        }
    };
    judged(answer)
}

pub(super) fn summary(options: &SummaryOptions, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let limit = options.limit.unwrap_or_else(|| configuration.rounds.commands.summary_limit.into());
    let limit = limit.clamp(SETTLEMENTS.0, SETTLEMENTS.1);
    if let Some(base) = base(&options.watch, context, &configuration) {
        return remote("summary", &base, &format!("/api/ops/summary?limit={limit}"), &configuration);
    }
    let summary = local(context, &configuration, |tx, now| read_summary(tx, limit, now))?;
    Ok(json!({"ok": true, "statusCode": null, "base": null, "summary": summary}))
}

/// The server to ask; a database named on the command line means that none is.
fn base(options: &WatchOptions, context: &Context, configuration: &Configuration) -> Option<String> {
    let configured = configuration.rounds.commands.base_url.as_ref().filter(|_| !context.names_database());
    let base = options.base.as_ref().or(configured)?;
    Some(base.trim_end_matches('/').to_owned())
}

/// The server that a command is about; there is none to fall back to.
pub(in crate::commands) fn named_base(
    option: Option<&str>,
    configuration: &Configuration,
) -> Result<String, CommandError> {
    let base = option.or(configuration.rounds.commands.base_url.as_deref());
    base.map(|base| base.trim_end_matches('/').to_owned()).ok_or_else(|| {
        let text = "name the server with --base URL or OPS_BASE, such as http://127.0.0.1:3000";
        CommandError::Usage(text.to_owned())
    })
}

fn local<T>(
    context: &Context,
    configuration: &Configuration,
    read: impl FnOnce(&mut Tx<'_>, Timestamp) -> Result<T, StoreError>,
) -> Result<T, CommandError> {
    let store = context.open_ready(configuration, Patience::Ordinary)?;
    Ok(store.read("command.report", |tx| {
        let now = tx.reading()?;
        read(tx, now)
    })?)
}

fn remote(name: &str, base: &str, path: &str, configuration: &Configuration) -> Result<Value, CommandError> {
    // The key of operators goes to operators' routes only.
    let key = configuration.rounds.ops_key.as_ref().filter(|_| path.starts_with("/api/ops/"));
    let reply =
        ask(&format!("{base}{path}"), key.map(|key| &key.current)).map_err(|error| CommandError::No {
            answer: json!({"ok": false, "statusCode": null, "base": base, "error": error}),
            why: format!(
                "{base} does not answer: {error}. Start the server, or name the right one with --base."
            ),
        })?;
    let mut answer = json!({"ok": reply.is_good(), "statusCode": reply.status, "base": base});
    answer[name] = reply.body.clone();
    match reply.status {
        _ if reply.is_good() => Ok(answer),
        401 => Err(CommandError::No {
            answer,
            why: format!("{base} refuses the key; set OPS_API_KEY here to the key that the server has."),
        }),
        status => Err(CommandError::No { answer, why: format!("{base} answered {status}.") }),
    }
}

/// Adds the verdict of a health: good only when the desk says so itself.
fn judged(mut answer: Value) -> Result<Value, CommandError> {
    let is_healthy = answer["health"]["ok"] == true;
    answer["ok"] = is_healthy.into();
    if is_healthy {
        return Ok(answer);
    }
    let number = |pointer: &str| answer.pointer(pointer).and_then(Value::as_i64);
    let waiting = number("/health/totals/pendingDueRounds");
    let lag_ms = number("/health/settlement/maxSettlementLagMs");
    let why = match (waiting, lag_ms) {
        (Some(waiting), Some(lag_ms)) => format!(
            "Degraded: {waiting} rounds are past their end and not settled, the oldest for {lag_ms} ms. Look at the \
             price source and at the switch sim-settlement."
        ),
        _ => "Degraded: the answer does not say that all is well.".to_owned(),
    };
    Err(CommandError::No { answer, why })
}
