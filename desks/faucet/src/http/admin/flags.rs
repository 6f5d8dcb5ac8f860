//! Suspicions and their review.

use std::sync::Arc;

use axum::Json;
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::platform_codes::{INVALID_BODY, INVALID_QUERY};
use bursar_web::{ApiError, Call};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::guards::{Act, Done, moment, page, reason};
use super::super::{Routes, codes};
use crate::CLOCK;
use crate::record::{AbuseFlag, User};
use crate::rules::abuse::{FlagState, Verdict};
use crate::rules::eligibility::Eligibility;

/// Open flags of one player that are looked at before a hold is lifted.
const OPEN_LOOKED_AT: i64 = 1;

#[derive(Deserialize)]
struct Wish {
    verdict: String,
    reason: String,
}

pub(super) async fn list(routes: Arc<Routes>, call: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let page = page(&call, 50, 200)?;
    let state = FlagState::from_word(call.query("state").as_deref().unwrap_or("open"));
    let state = state
        .ok_or_else(|| ApiError::because(&INVALID_QUERY, "state takes open, false_positive or confirmed."))?;
    let read = move |tx: &mut Tx<'_>| AbuseFlag::page(tx, state, page.limit, page.offset);
    let flags = routes.faucet.platform.off_thread.read("faucet.flags", read).await?;
    let flags: Vec<Value> = flags.iter().map(shown).collect();
    Ok(Json(json!({
        "count": flags.len(), "limit": page.limit, "offset": page.offset, "flags": flags,
    })))
}

pub(super) async fn review(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let wish: Wish = act.json()?;
    let verdict = match wish.verdict.as_str() {
        "false_positive" => Verdict::FalsePositive,
        "confirmed" => Verdict::Confirmed,
        _ => return Err(ApiError::because(&INVALID_BODY, "verdict takes false_positive or confirmed.")),
    };
    let why = reason(&wish.reason)?;
    let id = act.call.parameter("id").to_owned();
    let number: i64 = id.parse().map_err(|_| ApiError::of(&codes::UNKNOWN_FLAG))?;
    let done = act.event(&Done {
        action: "review_flag",
        target: ("abuse_flag", &id),
        summary: format!("flag {id} is {}: {why}", wish.verdict),
        detail: json!({"verdict": wish.verdict, "reason": why}),
    });
    let (reviewer, shared) = (act.admin.email.clone(), Arc::clone(&routes));
    let work = move |tx: &mut Tx<'_>| {
        let reviewed = reviewed(tx, number, verdict, &reviewer)?;
        if reviewed.is_ok() {
            let now = tx.reading()?;
            shared.recorder.record(tx, std::slice::from_ref(&done), now)?;
        }
        Ok(reviewed)
    };
    routes.faucet.platform.off_thread.transact("faucet.review", work).await?.map(|flag| shown(&flag))
}

fn reviewed(
    tx: &mut Tx<'_>,
    id: i64,
    verdict: Verdict,
    reviewer: &str,
) -> Result<Result<AbuseFlag, ApiError>, StoreError> {
    let now = tx.open_clock(CLOCK)?;
    let Some(mut flag) = AbuseFlag::find(tx, id)? else { return Ok(Err(ApiError::of(&codes::UNKNOWN_FLAG))) };
    let Some(state) = flag.flag.state.reviewed(verdict) else {
        return Ok(Err(ApiError::of(&codes::ALREADY_REVIEWED)));
    };
    flag.flag.state = state;
    (flag.reviewed_by, flag.reviewed_at) = (Some(reviewer.to_owned()), Some(now));
    flag.save(tx, now)?;
    if verdict == Verdict::FalsePositive {
        release(tx, flag.user_id, now)?;
    }
    tx.close_clock(CLOCK, now)?;
    Ok(Ok(flag))
}

/// Lifts a player's hold once no suspicion is left.
fn release(tx: &mut Tx<'_>, user: i64, now: Timestamp) -> Result<(), StoreError> {
    let sql = "SELECT id FROM faucet_abuse_flag WHERE user_id = $1 AND state <> 'false_positive' LIMIT $2";
    if tx.query_first(sql, &[user.into(), OPEN_LOOKED_AT.into()], |row| row.get::<i64>(0))?.is_some() {
        return Ok(());
    }
    let mut users = User::load(tx, &[user])?;
    for held in users.iter_mut().filter(|user| user.eligibility == Eligibility::Held) {
        let is_verified = held.is_guild_member && held.epic_account_id.is_some();
        held.eligibility = if is_verified { Eligibility::Eligible } else { Eligibility::Revoked };
    }
    User::save(tx, &users, now)
}

fn shown(flag: &AbuseFlag) -> Value {
    json!({
        "id": flag.id, "user_id": flag.user_id, "flag_type": flag.flag_type,
        "severity": flag.flag.severity.word(), "state": flag.flag.state.word(), "detail": flag.detail,
        "reviewed_by": flag.reviewed_by, "reviewed_at": flag.reviewed_at.map(moment),
        "created_at": moment(flag.created_at),
    })
}
