//! `bursar ops prelaunch`: may this server take players? Asked of the server itself, never of the operator's environment
//! (docs/spec/rounds.md section 6, R22, R29, R41).

use secrecy::SecretString;
use serde_json::{Value, json};

use super::gate::{Finding, Seen, Smoke, Verdict};
use super::remote::ask;
use super::report::named_base;
use super::smoke::{SmokeOptions, smoke};
use crate::commands::{CommandError, Context};

/// Options of `bursar ops prelaunch`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PrelaunchOptions {
    /// The server to look at; OPS_BASE unless given.
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    pub base: Option<String>,
    /// Leave the smoke test out; PRELAUNCH_SKIP_SMOKE says the same.
    #[arg(long)]
    pub skip_smoke: bool,
    /// Let the smoke test wait until its round is settled, which takes up to eight minutes.
    #[arg(long)]
    pub wait_settled: bool,
    /// Let the smoke test move the server's manual clock instead of waiting.
    #[arg(long)]
    pub advance_clock: bool,
}

/// Looks at everything and lists all blockers at once; the exit is 0 only without any.
pub(super) fn prelaunch(options: &PrelaunchOptions, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let base = named_base(options.base.as_deref(), &configuration)?;
    let key = configuration.rounds.ops_key.as_ref().map(|key| &key.current);
    let account = read(&base, "/api/ops/prelaunch", key);
    let commands = &configuration.rounds.commands;
    let smoke = match () {
        () if options.skip_smoke || commands.prelaunch_skip_smoke => Smoke::LeftOut,
        () if is_pointless(&account) => Smoke::Pointless,
        () => play(&base, options, context),
    };
    let seen = Seen {
        health: read(&base, "/api/ops/health", key),
        readiness: read_any(&base, "/readyz?desk=rounds"),
        wants_onchain: configuration.values.flag("PANCHO_PRELAUNCH_ONCHAIN") == Some(true),
        account,
        smoke,
    };
    let verdict = seen.judge();
    let answer = report(&base, &seen, &verdict);
    if verdict.blockers.is_empty() {
        return Ok(answer);
    }
    Err(CommandError::No { answer, why: words(&base, &verdict.blockers) })
}

/// The smoke test plays on the server that is judged, and on no other.
fn play(base: &str, options: &PrelaunchOptions, context: &Context) -> Smoke {
    let options = SmokeOptions {
        base: Some(base.to_owned()),
        market: None,
        wait_settled: options.wait_settled,
        advance_clock: options.advance_clock,
    };
    smoke(&options, context).map_or_else(|error| Smoke::Failed(error.to_string()), |_| Smoke::Passed)
}

/// Joins that are stopped refuse the canary, and a server without a key refuses its mark: both block already.
fn is_pointless(account: &Result<Value, String>) -> bool {
    let Ok(account) = account else { return false };
    let switches = account["switches"].as_array();
    let is_stopped = |one: &Value| one["switch"] == "joins" && one["stopped"] == true;
    switches.is_some_and(|all| all.iter().any(is_stopped)) || account["keys"]["ops"] == false
}

fn read(base: &str, path: &str, key: Option<&SecretString>) -> Result<Value, String> {
    let reply = ask(&format!("{base}{path}"), key)?;
    if reply.is_good() { Ok(reply.body) } else { Err(format!("GET {path} answered {}", reply.status)) }
}

/// Readiness is JSON with any status.
fn read_any(base: &str, path: &str) -> Result<Value, String> {
    ask(&format!("{base}{path}"), None).map(|reply| reply.body)
}

fn report(base: &str, seen: &Seen, verdict: &Verdict) -> Value {
    let account = seen.account.as_ref().unwrap_or(&Value::Null);
    let treasury = &account["treasury"];
    let is_equal = treasury["configured"].is_string() && treasury["configured"] == treasury["expected"];
    let smoke = match seen.smoke {
        Smoke::Passed => "passed",
        Smoke::Failed(_) => "failed",
        Smoke::LeftOut => "left out",
        Smoke::Pointless => "not played: a blocker keeps it from playing",
    };
    json!({
        "ok": verdict.blockers.is_empty(), "base": base, "blockers": verdict.blockers, "warnings": verdict.warnings,
        "treasury": {"configured": treasury["configured"], "expected": treasury["expected"], "equal": is_equal},
        "stage": account["stage"], "uptimeMs": account["uptimeMs"], "build": account["build"], "mode": account["mode"],
        "checks": [
            {"check": "state", "ok": seen.account.is_ok()},
            {"check": "health", "ok": seen.health.as_ref().is_ok_and(|health| health["ok"] == true)},
            {"check": "ready", "ok": seen.readiness.as_ref().is_ok_and(|ready| ready["status"] == "ready")},
            {"check": "smoke", "ok": matches!(seen.smoke, Smoke::Passed), "outcome": smoke},
        ],
    })
}

fn words(base: &str, blockers: &[Finding]) -> String {
    let lines = blockers.iter().map(|one| format!("- {}: {}. Fix: {}.", one.code, one.rule, one.fix));
    format!("{base} must not launch yet:\n{}", lines.collect::<Vec<_>>().join("\n"))
}
