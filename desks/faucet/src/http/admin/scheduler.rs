//! The scheduler: whether it lives, and a cycle by hand, which takes its turn behind the one that runs.

use std::sync::Arc;

use axum::Json;
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::{ApiError, Call};
use serde_json::{Value, json};

use super::super::guards::{Act, Done};
use super::super::refusals::cycle_refused;
use super::super::{Routes, codes};
use crate::record::Heartbeat;
use crate::rules::schedule::is_overdue;
use crate::settings::Values;
use crate::settlement::{Cycle, Skipped};

pub(super) async fn status(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    routes.faucet.platform.off_thread.read("faucet.scheduler", read).await.map(Json)
}

fn read(tx: &mut Tx<'_>) -> Result<Value, StoreError> {
    let now = tx.reading()?;
    let intervals = Values::read(tx)?.intervals();
    let interval_s = intervals.accrual_s().max(intervals.settlement_s());
    let beats = Heartbeat::all(tx)?;
    let cycles = beats.iter().filter(|beat| matches!(beat.job.as_str(), "accrual" | "settlement"));
    let Some(newest) = cycles.max_by_key(|beat| beat.ran_at) else {
        return Ok(json!({
            "alive": false, "last_heartbeat_ago_sec": null, "status": null, "pid": null, "error": null,
        }));
    };
    Ok(json!({
        "alive": !is_overdue(newest.ran_at, interval_s, now),
        "last_heartbeat_ago_sec": now.ms().saturating_sub(newest.ran_at.ms()).max(0) / 1_000,
        "status": newest.status, "pid": newest.process, "error": newest.error,
    }))
}

pub(super) async fn trigger(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    run(routes, act, "scheduler_trigger", true).await
}

pub(super) async fn settle(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    run(routes, act, "scheduler_settle", false).await
}

async fn run(routes: Arc<Routes>, act: Act, action: &'static str, accrues: bool) -> Result<Value, ApiError> {
    let done = act.event(&Done {
        action,
        target: ("scheduler", "faucet"),
        summary: if accrues { "accrual and settlement by hand" } else { "settlement by hand" }.to_owned(),
        detail: Value::Null,
    });
    let faucet = Arc::clone(&routes.faucet);
    let read = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        faucet.mode(tx, now)
    };
    if routes.faucet.platform.off_thread.read("faucet.mode", read).await?.scheduler_halted {
        return Err(ApiError::of(&codes::SCHEDULER_HALTED));
    }
    routes.record(done).await?;
    let faucet = Arc::clone(&routes.faucet);
    let work = move || {
        let is_stopping = || faucet.platform.stopping.has_begun();
        if accrues {
            faucet.accrue(&is_stopping)?;
        }
        faucet.settle(&is_stopping)
    };
    let cycle = routes.faucet.platform.off_thread.run(work).await?.map_err(cycle_refused)?;
    Ok(shown(&cycle))
}

fn shown(cycle: &Cycle) -> Value {
    let skipped = cycle.skipped.map(|skipped| match skipped {
        Skipped::Halted => "payouts_halted",
        Skipped::SchedulerHalted => "scheduler_halted",
        Skipped::ModeChanged => "mode_changed",
        Skipped::NoWallet => "no_operator_wallet",
        Skipped::WalletStill => "operator_wallet_stands_still",
        Skipped::BelowFloor => "balance_below_floor",
    });
    json!({
        "status": "ok", "candidates": cycle.candidates, "payouts": cycle.payouts,
        "accruals_settled": cycle.accruals, "skipped": skipped,
    })
}
