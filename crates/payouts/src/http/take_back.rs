//! `POST /v1/payouts/{id}/cancel`: takes a payout back, as long as nothing is signed for it.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use bursar_access::By;
use bursar_store::{StoreError, Tx};
use bursar_web::{ApiError, Call};
use serde::Deserialize;

use super::codes::{lost, refused};
use super::guard::Payer;
use super::read::id;
use super::{Routes, answer};
use crate::Rejection;
use crate::pages::PayoutShown;

/// What stands beside a payout whose payer gave no reason.
const REASON: &str = "taken back by its payer";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    reason: Option<String>,
}

pub(super) async fn take_back(
    routes: Arc<Routes>,
    payer: Payer,
    mut call: Call,
) -> Result<Response, ApiError> {
    let id = id(call.parameter("id"))?;
    let wish: Wish = call.optional_json().await?.unwrap_or_default();
    let why = wish.reason.unwrap_or_else(|| REASON.to_owned());
    let (payouts, recorder) = (routes.payouts.clone(), routes.recorder.clone());
    type Done = Result<Option<PayoutShown>, Rejection>;
    let act = move |tx: &mut Tx<'_>| -> Result<Done, StoreError> {
        let now = tx.reading()?;
        let by = By::new(&payer.actor, now);
        match payouts.take_back(tx, &by, id, &why, &payer.request, &recorder)? {
            Ok(()) => payouts.outside_payout(tx, payer.desk, id).map(Ok),
            Err(rejection) => Ok(Err(rejection)),
        }
    };
    let done = routes.platform.off_thread.transact("payouts.take_back", act).await?;
    let shown = done.map_err(|rejection| refused(&rejection))?.ok_or_else(lost)?;
    Ok(answer(StatusCode::OK, &shown))
}
