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
use crate::rules::abuse::{FlagState, Verdict, after_review, lifted};
use crate::rules::eligibility::Eligibility;

#[derive(Deserialize)]
struct Wish {
    verdict: String,
    reason: String,
}

#[derive(Deserialize)]
struct Lift {
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
    release(tx, flag.user_id, verdict, now)?;
    tx.close_clock(CLOCK, now)?;
    Ok(Ok(flag))
}

/// The standing of a flag's player after its review.
fn release(tx: &mut Tx<'_>, user: i64, verdict: Verdict, now: Timestamp) -> Result<(), StoreError> {
    let sql = "SELECT id FROM faucet_abuse_flag WHERE user_id = $1 AND state <> 'false_positive' LIMIT 1";
    let has_other_flags = tx.query_first(sql, &[user.into()], |row| row.get::<i64>(0))?.is_some();
    let mut users = User::load(tx, &[user])?;
    for user in &mut users {
        let is_verified = user.is_guild_member && user.epic_account_id.is_some();
        user.eligibility = after_review(user.eligibility, verdict, has_other_flags, is_verified);
    }
    User::save(tx, &users, now)
}

/// Ends a hold whatever its flags say: a confirmed one is final, and no review would ever end the hold. Payouts that
/// waited go on with the next settlement.
pub(super) async fn lift(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let Lift { reason: why } = act.json()?;
    let why = reason(&why)?;
    let id = act.call.parameter("id").to_owned();
    let number: i64 = id.parse().map_err(|_| ApiError::of(&codes::UNKNOWN_PLAYER))?;
    let done = act.event(&Done {
        action: "lift_hold",
        target: ("user", &id),
        summary: format!("the hold of player {id} is lifted: {why}"),
        detail: json!({"reason": why}),
    });
    let shared = Arc::clone(&routes);
    let work = move |tx: &mut Tx<'_>| {
        let now = tx.open_clock(CLOCK)?;
        let known = User::load(tx, &[number])?.pop().filter(|user| user.erased_at.is_none());
        let Some(mut user) = known else { return Ok(Err(ApiError::of(&codes::UNKNOWN_PLAYER))) };
        if user.eligibility != Eligibility::Held {
            return Ok(Err(ApiError::of(&codes::NOT_HELD)));
        }
        let is_verified = user.is_guild_member && user.epic_account_id.is_some();
        user.eligibility = lifted(user.eligibility, is_verified);
        User::save(tx, std::slice::from_ref(&user), now)?;
        shared.recorder.record(tx, std::slice::from_ref(&done), now)?;
        tx.close_clock(CLOCK, now)?;
        Ok(Ok(json!({"user_id": user.id, "eligibility": user.eligibility.word()})))
    };
    routes.faucet.platform.off_thread.transact("faucet.lift_hold", work).await?
}

fn shown(flag: &AbuseFlag) -> Value {
    json!({
        "id": flag.id, "user_id": flag.user_id, "flag_type": flag.flag_type,
        "severity": flag.flag.severity.word(), "state": flag.flag.state.word(), "detail": flag.detail,
        "reviewed_by": flag.reviewed_by, "reviewed_at": flag.reviewed_at.map(moment),
        "created_at": moment(flag.created_at),
    })
}
