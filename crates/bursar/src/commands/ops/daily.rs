//! `bursar ops daily`: what an operator looks at each day, in one answer (docs/spec/rounds.md R29, R50, R51, R53).

use serde_json::{Value, json};

use super::remote::{ask, ask_text};
use super::report::named_base;
use super::samples::{Sample, samples};
use crate::commands::{CommandError, Context};
use crate::config::Configuration;

/// A restore proof older than a month is worth a word, in seconds.
const PROOF_AGE_MAX_S: i64 = 31 * 86_400;

/// Options of `bursar ops daily`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DailyOptions {
    /// The server to look at; OPS_BASE unless given.
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    pub base: Option<String>,
}

/// Everything that there is to look at; what is out of the ordinary stands under `lookAt`. The exit is 1 when the server
/// does not tell.
pub(super) fn daily(options: &DailyOptions, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let base = named_base(options.base.as_deref(), &configuration)?;
    let health = read(&base, "/api/ops/health", &configuration)?;
    let summary = read(&base, "/api/ops/summary", &configuration)?;
    let account = read(&base, "/api/ops/prelaunch", &configuration)?;
    let token = configuration.metrics.token.as_ref().map(|token| &token.current);
    let text =
        ask_text(&format!("{base}/metrics"), token).map_err(|why| unanswered(&base, "/metrics", &why))?;
    let figures = figures(&samples(&text));
    let look_at = look_at(&health, &figures);
    for word in &look_at {
        context.say(word);
    }
    Ok(json!({
        "ok": true, "base": base, "build": health["build"], "nowMs": health["nowMs"],
        "countedSinceMs": account["startedAtMs"], "uptimeMs": account["uptimeMs"], "stage": account["stage"],
        "health": {"status": health["status"], "pendingDueRounds": health["totals"]["pendingDueRounds"],
                   "maxSettlementLagMs": health["settlement"]["maxSettlementLagMs"]},
        "totals": summary["totals"], "markets": summary["marketBreakdown"], "canary": summary["canary"],
        "settlement": figures.settlement, "joins": figures.joins, "refusals": figures.refusals,
        "backup": figures.backup, "lookAt": look_at,
    }))
}

/// What the metrics say.
struct Figures {
    settlement: Value,
    joins: Value,
    refusals: Vec<Value>,
    backup: Value,
}

fn figures(all: &[Sample]) -> Figures {
    let named = |name: &'static str| all.iter().filter(move |one| one.name == name);
    let one = |name: &'static str| named(name).next().map_or(Value::Null, |sample| sample.value.clone());
    let lag: serde_json::Map<String, Value> = named("rounds_settlement_lag_seconds_bucket")
        .filter_map(|sample| Some((sample.labels.get("le")?.clone(), sample.value.clone())))
        .collect();
    let joins: serde_json::Map<String, Value> = named("rounds_joins_total")
        .filter_map(|sample| Some((sample.labels.get("result")?.clone(), sample.value.clone())))
        .collect();
    let refused = named("bursar_rate_limited_total").filter(|sample| sample.value.as_i64() != Some(0));
    let refusals = refused
        .map(|sample| json!({"route": sample.labels.get("route"), "bucket": sample.labels.get("bucket"), "count": sample.value}))
        .collect();
    Figures {
        settlement: json!({
            "settled": one("rounds_settled_total"), "voided": one("rounds_voided_total"),
            "failedRuns": one("rounds_settle_failures_total"), "withinSeconds": lag,
        }),
        joins: joins.into(),
        refusals,
        backup: json!({
            "lastAtSeconds": one("bursar_last_backup_timestamp_seconds"),
            "restoreProofAgeSeconds": one("bursar_restore_proof_age_seconds"),
        }),
    }
}

fn look_at(health: &Value, figures: &Figures) -> Vec<String> {
    let above_zero = |value: &Value| value.as_i64().filter(|count| *count > 0);
    let mut words = Vec::new();
    if health["ok"] != true {
        words.push(format!(
            "{} rounds are overdue: see `bursar ops health`.",
            health["totals"]["pendingDueRounds"]
        ));
    }
    if let Some(voided) = above_zero(&figures.settlement["voided"]) {
        words.push(format!("{voided} rounds were refunded because no price came: look at the price source."));
    }
    if let Some(failed) = above_zero(&figures.settlement["failedRuns"]) {
        words.push(format!("{failed} settlement runs failed: `bursar audit list --level error` says why."));
    }
    if !figures.refusals.is_empty() {
        words.push(format!("{} buckets refused calls: see refusals.", figures.refusals.len()));
    }
    if figures.backup["lastAtSeconds"].is_null() {
        words.push("No backup has been made: run `bursar backup create`.".to_owned());
    }
    // Whole seconds; a fraction does not matter here.
    let age = figures.backup["restoreProofAgeSeconds"].to_string();
    let age: Option<i64> = age.split('.').next().and_then(|seconds| seconds.parse().ok());
    if age.is_none_or(|seconds| seconds > PROOF_AGE_MAX_S) {
        words
            .push("No backup was proven by a restore within 31 days: run `bursar backup verify`.".to_owned());
    }
    words
}

fn read(base: &str, path: &str, configuration: &Configuration) -> Result<Value, CommandError> {
    let key = configuration.rounds.ops_key.as_ref().map(|key| &key.current);
    let reply = ask(&format!("{base}{path}"), key).map_err(|why| unanswered(base, path, &why))?;
    if reply.is_good() {
        return Ok(reply.body);
    }
    Err(unanswered(base, path, &format!("it answered {}", reply.status)))
}

fn unanswered(base: &str, path: &str, why: &str) -> CommandError {
    CommandError::No {
        answer: json!({"ok": false, "base": base, "path": path, "error": why}),
        why: format!(
            "{base}{path} does not tell: {why}. Start the server, name the right one with --base, and set OPS_API_KEY \
             (and METRICS_TOKEN, when it has one) here to its own."
        ),
    }
}
