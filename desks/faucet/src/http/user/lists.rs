//! `GET /me/payouts` and `/me/accruals`.

use std::sync::Arc;

use axum::Json;
use bursar_store::{Timestamp, Tx};
use bursar_web::platform_codes::{INVALID_QUERY, UNAUTHORIZED};
use bursar_web::{ApiError, Call};
use serde_json::{Value, json};

use super::super::guards::{Page, flag, moment, page};
use super::super::{Routes, codes};
use crate::identity::verify::peek;
use crate::record::listing::{AccrualRow, PayoutList, PayoutRow, PayoutSort, accruals_of};
use crate::rules::holdings::AccrualState;
use crate::rules::payout_state::PublicStatus;

pub(super) async fn payouts(
    routes: Arc<Routes>,
    call: Call,
    now: Timestamp,
) -> Result<Json<Value>, ApiError> {
    let uid = routes.session(&call, now)?.uid;
    let Page { limit, offset } = page(&call, 20, 100)?;
    let status = match call.query("status") {
        None => None,
        Some(word) => Some(
            PublicStatus::from_word(&word)
                .ok_or_else(|| ApiError::because(&INVALID_QUERY, "status takes pending, sent or failed."))?,
        ),
    };
    let (sort, descending) = order(call.query("sort").as_deref().unwrap_or("-created_at"))?;
    let faucet = Arc::clone(&routes.faucet);
    let read = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let dry_run = faucet.mode(tx, now)?.dry_run;
        let Some(user) = peek(tx, &uid)? else { return Ok(None) };
        let list = PayoutList { user: user.id, dry_run, status, sort, descending, limit: limit + 1, offset };
        list.rows(tx).map(Some)
    };
    let rows = routes.faucet.platform.off_thread.read("faucet.payouts", read).await?;
    let rows = rows.ok_or_else(|| ApiError::of(&UNAUTHORIZED))?;
    Ok(Json(listed("payouts", &rows, Page { limit, offset }, payout)))
}

pub(super) async fn accruals(
    routes: Arc<Routes>,
    call: Call,
    now: Timestamp,
) -> Result<Json<Value>, ApiError> {
    let uid = routes.session(&call, now)?.uid;
    let Page { limit, offset } = page(&call, 50, 200)?;
    let settled = flag(&call, "settled")?;
    let faucet = Arc::clone(&routes.faucet);
    let read = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let dry_run = faucet.mode(tx, now)?.dry_run;
        let Some(user) = peek(tx, &uid)? else { return Ok(None) };
        accruals_of(tx, (user.id, dry_run), settled, (limit + 1, offset)).map(Some)
    };
    let rows = routes.faucet.platform.off_thread.read("faucet.accruals", read).await?;
    let rows = rows.ok_or_else(|| ApiError::of(&UNAUTHORIZED))?;
    Ok(Json(listed("accruals", &rows, Page { limit, offset }, accrual)))
}

/// A page of which one row more was read, to know whether there is more.
fn listed<T>(name: &str, rows: &[T], Page { limit, offset }: Page, shown: impl Fn(&T) -> Value) -> Value {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let page: Vec<Value> = rows.iter().take(most).map(shown).collect();
    let count = page.len();
    let mut answer = json!({"count": count, "limit": limit, "offset": offset, "has_more": rows.len() > most});
    answer[name] = Value::from(page);
    answer
}

fn order(text: &str) -> Result<(PayoutSort, bool), ApiError> {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let sort = match name {
        "created_at" => PayoutSort::CreatedAt,
        "amount_ban" => PayoutSort::Amount,
        "status" => PayoutSort::Status,
        _ => return Err(ApiError::of(&codes::INVALID_SORT)),
    };
    Ok((sort, descending))
}

fn payout(row: &PayoutRow) -> Value {
    json!({
        "id": row.id, "amount_ban": row.amount, "status": row.state.public().word(), "tx_hash": row.tx_hash,
        "created_at": moment(row.created_at),
    })
}

fn accrual(row: &AccrualRow) -> Value {
    json!({
        "id": row.id, "kills": row.kills, "amount_ban": row.amount,
        "settled": row.state == AccrualState::Settled, "epoch_minute": row.epoch_minute,
        "created_at": moment(row.created_at),
    })
}
