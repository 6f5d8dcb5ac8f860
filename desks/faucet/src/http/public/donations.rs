//! `GET /api/donations`: what was donated, and what a kill earns because of it.

use std::sync::Arc;

use axum::Json;
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::{ApiError, Call};
use serde_json::{Value, json};

use super::super::Routes;
use super::super::guards::decimal;
use crate::faucet::Faucet;
use crate::policy::{damaged, unusable_caps};
use crate::record::Donation;
use crate::rules::ban::BanE8;
use crate::rules::donation::{Economics, progress_e2};
use crate::rules::milestone::{GOAL, MILESTONES, Milestone, current, next};
use crate::settings::Values;

pub(super) async fn donations(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let faucet = Arc::clone(&routes.faucet);
    let read = move |tx: &mut Tx<'_>| read(tx, &faucet);
    routes.faucet.platform.off_thread.read("faucet.donations", read).await.map(Json)
}

fn read(tx: &mut Tx<'_>, faucet: &Faucet) -> Result<Value, StoreError> {
    let now = tx.reading()?;
    let live = Values::read(tx)?;
    let terms = faucet.policy.cap_terms(&live, now).map_err(|error| unusable_caps(&error))?;
    let totals = faucet.policy.rate_totals(tx, &live, now)?;
    let economics = totals.economics(terms.caps).map_err(damaged)?;
    let donated = totals.donated;
    let progress = progress_e2(donated);
    let milestones: Vec<Value> = MILESTONES.iter().map(|step| unlocked(step, donated)).collect();
    Ok(json!({
        "total_donated": donated, "goal": GOAL,
        "progress_pct": decimal(&format!("{}.{:02}", progress / 100, progress % 100)),
        "current_milestone": milestone(&current(donated)), "next_milestone": next_milestone(donated)?,
        "milestones": milestones, "leaderboard": Donation::donors(tx)?,
        "economics": shown(&economics)?,
    }))
}

/// A step as JSON shows it.
pub(in crate::http) fn milestone(step: &Milestone) -> Value {
    json!({
        "threshold": step.threshold, "name": step.name, "emoji": step.emoji, "description": step.description,
        "payout_multiplier": decimal(&step.multiplier.to_string()),
    })
}

/// The next step and what is missing to it.
pub(in crate::http) fn next_milestone(donated: BanE8) -> Result<Option<Value>, StoreError> {
    Ok(next(donated).map_err(damaged)?.map(|(step, remaining)| {
        let mut shown = milestone(&step);
        shown["remaining"] = json!(remaining);
        shown
    }))
}

fn unlocked(step: &Milestone, donated: BanE8) -> Value {
    let mut shown = milestone(step);
    shown["unlocked"] = (step.threshold <= donated).into();
    shown
}

fn shown(economics: &Economics) -> Result<Value, StoreError> {
    let factor = economics.sustainability.floor_e8().map_err(damaged)?;
    Ok(json!({
        "base_rate": economics.base_rate,
        "milestone_multiplier": decimal(&economics.milestone.multiplier.to_string()),
        "sustainability_factor": decimal(&factor.to_string()), "effective_rate": economics.effective_rate,
        "total_paid_out": economics.total_paid_out, "seed_fund": economics.seed_fund,
        "daily_cap_kills": economics.caps.daily, "weekly_cap_kills": economics.caps.weekly,
        "daily_cap_ban": economics.daily_cap_ban, "weekly_cap_ban": economics.weekly_cap_ban,
    }))
}
