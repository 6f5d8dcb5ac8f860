//! Reading payouts: one, and pages of the desk's. Only those that were asked for over this API are there.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bursar_keys::KeyId;
use bursar_store::{StoreError, Tx};
use bursar_web::platform_codes::{FORBIDDEN, INVALID_QUERY};
use bursar_web::{ApiError, Call};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::codes::refused;
use super::guard::Payer;
use super::{Routes, answer, no_store};
use crate::document::document;
use crate::pages::PayoutShown;
use crate::{IntentState, OutsideFilter, OutsideKey, PAGE_MAX, Rejection};

/// Payouts on a page unless the caller asks for another number.
const PAGE: i64 = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    state: Option<String>,
    desk: Option<String>,
    wallet: Option<String>,
    key: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A page that was asked for.
struct Wish {
    filter: OutsideFilter,
    limit: i64,
    cursor: Option<Uuid>,
}

pub(super) async fn show(routes: Arc<Routes>, payer: Payer, call: Call) -> Result<Response, ApiError> {
    let id = id(call.parameter("id"))?;
    let (payouts, desk) = (routes.payouts.clone(), payer.desk);
    let found = move |tx: &mut Tx<'_>| payouts.outside_payout(tx, desk, id);
    let shown = routes.platform.off_thread.read("payouts.show", found).await?;
    Ok(answer(StatusCode::OK, &shown.ok_or_else(|| refused(&Rejection::Unknown))?))
}

pub(super) async fn list(routes: Arc<Routes>, payer: Payer, call: Call) -> Result<Response, ApiError> {
    let wish = Query::wish(call.query_as()?, &payer)?;
    let (payouts, limit) = (routes.payouts.clone(), wish.limit);
    let page = move |tx: &mut Tx<'_>| -> Result<Option<Vec<PayoutShown>>, StoreError> {
        let before = match wish.cursor {
            None => None,
            Some(cursor) => match payouts.outside_payout(tx, wish.filter.desk, cursor)? {
                Some(last) => Some(last.payout.id),
                None => return Ok(None),
            },
        };
        payouts.outside_payouts(tx, &wish.filter, before, wish.limit).map(Some)
    };
    let page = routes.platform.off_thread.read("payouts.list", page).await?;
    let unknown = || ApiError::because(&INVALID_QUERY, "cursor takes `next` of the page before.");
    let page = page.ok_or_else(unknown)?;
    let is_full = i64::try_from(page.len()).is_ok_and(|length| length == limit);
    let next = page.last().filter(|_| is_full).map(|last| last.payout.public_id.to_string());
    let payouts: Vec<Value> = page.iter().map(document).collect();
    Ok(no_store(Json(json!({ "payouts": payouts, "next": next })).into_response()))
}

impl Query {
    fn wish(self, payer: &Payer) -> Result<Wish, ApiError> {
        let invalid = |text: String| ApiError::because(&INVALID_QUERY, text);
        if self.desk.is_some_and(|desk| desk != payer.desk) {
            return Err(ApiError::because(
                &FORBIDDEN,
                "This token belongs to another desk; leave `desk` out.",
            ));
        }
        let state = match self.state.as_deref() {
            None => None,
            Some(name) => Some(IntentState::from_name(name).ok_or_else(|| {
                invalid(format!("state takes one of {}.", IntentState::ALL.map(IntentState::name).join(", ")))
            })?),
        };
        let wallet = self.wallet.as_deref().map(KeyId::parse).transpose();
        let wallet = wallet.map_err(|_| invalid("wallet takes the name of a wallet.".to_owned()))?;
        let key = self.key.as_deref().map(|key| OutsideKey::parse(&payer.actor, key)).transpose();
        let key = key.map_err(|_| invalid("key takes 1 to 100 visible ASCII characters.".to_owned()))?;
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(invalid(format!("limit takes 1 to {PAGE_MAX}.")));
        }
        let cursor = self.cursor.as_deref().map(Uuid::parse_str).transpose();
        let cursor = cursor.map_err(|_| invalid("cursor takes `next` of the page before.".to_owned()))?;
        Ok(Wish { filter: OutsideFilter { desk: payer.desk, wallet, state, key }, limit, cursor })
    }
}

/// The payout that a path names; what is no id names none.
pub(super) fn id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::parse_str(text).map_err(|_| refused(&Rejection::Unknown))
}
