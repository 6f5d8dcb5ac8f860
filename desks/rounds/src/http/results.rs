//! `GET /api/sim/results`: a wallet's entries (docs/spec/rounds.md 4.3).

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use bursar_desk::limits::Charge;
use bursar_store::Tx;
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use serde_json::json;

use super::guards::bounded;
use super::{Routes, codes, no_store};
use crate::DESK;
use crate::results::{WalletResults, for_wallet};
use crate::settings::{RESULTS_BY_ADDRESS, RESULTS_BY_WALLET};
use crate::wallet::Address;

pub(super) const PATH: &str = "/api/sim/results";
/// Entries in one answer.
const LIMIT: (i64, i64) = (1, 200);
const OFFSET: (i64, i64) = (0, 1_000_000_000);

pub(super) fn operation() -> Operation {
    Operation::new("rounds_results", "A wallet's entries and what became of them.", Auth::None)
        .describe("Amounts are cents, whatever the names say. Reading settles nothing.")
        .required_query("wallet", schema::string(), "The wallet's address, base58.")
        .query(
            "limit",
            schema::integer_between(LIMIT.0, LIMIT.1),
            "Entries to answer, newest first; 200 when absent.",
        )
        .query("offset", schema::integer_between(OFFSET.0, OFFSET.1), "Entries to skip.")
        .answer(StatusCode::OK, "The entries, and sums over all of them.", json!({"type": "object"}))
        .refusal(StatusCode::BAD_REQUEST, "No wallet, or a wrong number.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls by this address or for this wallet.")
}

pub(super) async fn results(routes: Arc<Routes>, call: Call) -> Result<Response, ApiError> {
    let wallet = call.query("wallet").as_deref().and_then(Address::parse);
    let by_address = (Routes::live(RESULTS_BY_ADDRESS), call.client().to_string());
    let by_wallet = wallet.map(|wallet| (Routes::live(RESULTS_BY_WALLET), wallet.to_text()));
    // The address counts first, also when the wallet is no address; then the wallet: one batch for both.
    let charge = Charge { limits: std::iter::once(by_address).chain(by_wallet).collect() };
    let page = (bounded(&call, "limit", LIMIT, LIMIT.1), bounded(&call, "offset", OFFSET, 0));
    let results = routes.results(charge, wallet, page).await;
    let results = routes.note_fault(&call, "sim_results.unhandled_error", results)?;
    Ok(no_store(Json(results)))
}

impl Routes {
    async fn results(
        &self,
        charge: Charge,
        wallet: Option<Address>,
        (limit, offset): (Result<i64, ApiError>, Result<i64, ApiError>),
    ) -> Result<WalletResults, ApiError> {
        let passed = self.platform.limits.pass(PATH, charge).await.map_err(ApiError::from);
        if let (Some(wallet), Err(refusal)) = (wallet, &passed)
            && refusal.status() == StatusCode::TOO_MANY_REQUESTS
        {
            self.platform.refusals.count(DESK, &wallet.to_text(), refusal.code());
        }
        passed?;
        let wallet = wallet.ok_or_else(|| ApiError::of(&codes::INVALID_WALLET))?;
        let (limit, offset) = (limit?, offset?);
        let read = move |tx: &mut Tx<'_>| for_wallet(tx, wallet, limit, offset);
        self.platform.off_thread.read("rounds.results", read).await
    }
}
