//! What administrators see and do (docs/spec/faucet.md 4.3).

mod audit;
mod donations;
mod flags;
mod health;
mod login;
mod logs;
mod payouts;
mod scheduler;
mod seed;
mod settings;
mod stats;
mod switches;
mod upkeep;

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use bursar_web::{Auth, Operation, Route, schema};
use serde_json::Value;

use super::public::listed;
use super::{CYCLE_TIME_MAX, Routes, admin_get, admin_post, changing, reading, route};
use crate::rules::session_token::ADMIN_COOKIE;

const SESSION: Auth = Auth::Cookie(ADMIN_COOKIE);

fn seen(id: &'static str, summary: &'static str) -> Operation {
    reading(id, summary, SESSION)
}

fn done(id: &'static str, summary: &'static str, request: Value) -> Operation {
    changing(id, summary, SESSION, request).refusal(
        StatusCode::CONFLICT,
        "The idempotency key belongs to another request, or the state forbids it.",
    )
}

pub(super) fn routes(routes: &Arc<Routes>) -> Vec<Route> {
    let mut all = vec![route(routes, Method::POST, login::PATH, login::operation(), login::login)];
    all.extend(looking(routes));
    all.extend(judging(routes));
    all.extend(operating(routes));
    all.extend(configuring(routes));
    all.extend(obsolete(routes));
    all
}

fn looking(routes: &Arc<Routes>) -> Vec<Route> {
    let audit = listed(seen("faucet_audit", "What administrators did, newest first."))
        .query("action", schema::string(), "Only this action.")
        .query("actor_email", schema::string(), "Only this administrator's.")
        .query("target_type", schema::string(), "Only those on this type of target.");
    let flags = listed(seen("faucet_flags", "Suspicions, newest first.")).query(
        "state",
        schema::one_of(&["open", "false_positive", "confirmed"]),
        "Only those; open unless given.",
    );
    let yunite = seen("faucet_debug_yunite", "What Yunite says of a Discord account.").required_query(
        "discord_user_id",
        schema::string(),
        "The account.",
    );
    vec![
        admin_get(routes, "/admin/audit", audit, audit::audit),
        admin_get(routes, "/admin/stats", seen("faucet_stats", "The faucet in figures."), stats::stats),
        admin_get(
            routes,
            "/admin/health/extended",
            seen("faucet_health", "What works and what does not."),
            health::health,
        ),
        admin_get(routes, "/admin/flags", flags, flags::list),
        admin_get(
            routes,
            "/admin/reconcile",
            seen("faucet_reconcile", "Whether kills and accruals add up."),
            upkeep::reconcile,
        )
        .answer_time_max(CYCLE_TIME_MAX),
        admin_get(
            routes,
            "/admin/metrics/snapshot",
            seen("faucet_metrics_snapshot", "The metrics of now, as a file."),
            upkeep::snapshot,
        ),
        admin_get(routes, "/debug/yunite", yunite, upkeep::yunite),
        admin_get(
            routes,
            "/admin/logs/recent",
            of_log(seen("faucet_logs", "The newest lines of the log, oldest first.")),
            logs::recent,
        ),
        admin_get(
            routes,
            "/admin/logs/tail",
            of_log(Operation::new("faucet_logs_tail", "The log as it comes, one event a line.", SESSION))
                .answer_as(StatusCode::OK, "Events.", "text/event-stream", schema::string())
                .refusal(StatusCode::UNAUTHORIZED, "No valid session.")
                .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls; see Retry-After.")
                .refusal(StatusCode::SERVICE_UNAVAILABLE, "Too many follow the log already."),
            logs::follow,
        ),
    ]
}

fn of_log(operation: Operation) -> Operation {
    operation
        .query("tail", schema::integer(), "So many of the newest lines, at most 5000.")
        .query("request_id", schema::string(), "Only lines of this request.")
        .query("correlation_id", schema::string(), "Only lines of this action.")
        .query("trace_id", schema::string(), "Only lines of this trace.")
}

fn judging(routes: &Arc<Routes>) -> Vec<Route> {
    let review = schema::object([
        ("verdict", schema::one_of(&["false_positive", "confirmed"])),
        ("reason", schema::string()),
    ]);
    let lift = schema::object([("reason", schema::string())]);
    vec![
        admin_post(
            routes,
            "/admin/flags/{id}/review",
            done("faucet_review", "Judge a suspicion.", review),
            flags::review,
        ),
        admin_post(
            routes,
            "/admin/users/{id}/lift-hold",
            done("faucet_lift_hold", "Let a held player be paid again.", lift),
            flags::lift,
        ),
    ]
}

fn operating(routes: &Arc<Routes>) -> Vec<Route> {
    let nothing = || schema::object([]);
    let reverify = schema::object([("discord_id", schema::string())]);
    let retry = schema::object([("payout_id", schema::integer())]);
    let prune = schema::object([
        ("reason", schema::string()),
        ("retention_days?", schema::integer()),
        ("dry_run?", schema::boolean()),
    ]);
    let rebuild = schema::object([("force?", schema::boolean()), ("dry_run?", schema::boolean())]);
    let erase = schema::object([("reason", schema::string())]);
    vec![
        admin_post(
            routes,
            "/admin/reverify",
            done("faucet_reverify", "Look a player up again.", reverify),
            payouts::reverify,
        ),
        admin_post(
            routes,
            "/admin/payouts/retry",
            done("faucet_retry", "Try a payout again.", retry),
            payouts::retry,
        ),
        admin_post(routes, "/admin/prune", done("faucet_prune", "Delete what is old.", prune), upkeep::prune)
            .answer_time_max(CYCLE_TIME_MAX),
        admin_post(
            routes,
            "/admin/users/{id}/erase",
            done("faucet_erase", "Erase a player.", erase),
            upkeep::erase,
        ),
        admin_post(
            routes,
            "/admin/donations/rebuild",
            done("faucet_rebuild", "Book what the chain shows.", rebuild),
            donations::rebuild,
        )
        .answer_time_max(CYCLE_TIME_MAX),
        admin_post(
            routes,
            "/admin/scheduler/trigger",
            done("faucet_trigger", "Run accrual and settlement.", nothing()),
            scheduler::trigger,
        )
        .answer_time_max(CYCLE_TIME_MAX),
        admin_post(
            routes,
            "/admin/scheduler/settle",
            done("faucet_settle", "Run a settlement.", nothing()),
            scheduler::settle,
        )
        .answer_time_max(CYCLE_TIME_MAX),
    ]
}

/// Kept for old callers.
fn obsolete(routes: &Arc<Routes>) -> Vec<Route> {
    let nothing = || schema::object([]);
    vec![
        admin_post(
            routes,
            "/admin/config/operator-seed/dedupe",
            done("faucet_seed_dedupe", "Kept for old callers: there can be no duplicates.", nothing()),
            upkeep::no_duplicates,
        ),
        admin_post(
            routes,
            "/admin/db/dedupe",
            done("faucet_db_dedupe", "Kept for old callers: there can be no duplicates.", nothing()),
            upkeep::no_duplicates,
        ),
    ]
}

fn configuring(routes: &Arc<Routes>) -> Vec<Route> {
    let intervals = schema::object([
        ("accrual_interval_seconds?", schema::integer()),
        ("settlement_interval_seconds?", schema::integer()),
    ]);
    let terms = schema::object([
        ("ban_per_kill?", schema::string()),
        ("daily_kill_cap?", schema::integer()),
        ("weekly_kill_cap?", schema::integer()),
    ]);
    let switch = schema::object([
        ("switch", schema::string()),
        ("state", schema::one_of(&["on", "off"])),
        ("reason", schema::string()),
    ]);
    let new_seed = schema::object([("seed", schema::string())]);
    let scheduler = "/admin/scheduler/config";
    let payout = "/admin/payout/config";
    let switches = "/admin/switches";
    vec![
        admin_get(
            routes,
            "/admin/scheduler/status",
            seen("faucet_scheduler", "Whether the scheduler lives."),
            scheduler::status,
        ),
        admin_get(routes, scheduler, seen("faucet_intervals", "Time between runs."), settings::intervals),
        admin_post(
            routes,
            scheduler,
            done("faucet_set_intervals", "Set the time between runs.", intervals),
            settings::set_intervals,
        ),
        admin_get(routes, payout, seen("faucet_terms", "Rate and caps in force."), settings::terms),
        admin_post(
            routes,
            payout,
            done("faucet_set_terms", "Set rate and caps.", terms),
            settings::set_terms,
        ),
        admin_get(
            routes,
            switches,
            seen("faucet_switches", "The switches and who set them."),
            switches::list,
        ),
        admin_post(
            routes,
            switches,
            done("faucet_set_switch", "Stop (`on`) or resume (`off`).", switch),
            switches::set,
        ),
        admin_post(
            routes,
            "/admin/config/operator-seed",
            done("faucet_set_seed", "Set the operator's seed.", new_seed),
            seed::set,
        ),
        admin_get(
            routes,
            "/admin/config/operator-seed/status",
            seen("faucet_seed", "Whether there is a seed, and its address."),
            seed::status,
        ),
    ]
}
