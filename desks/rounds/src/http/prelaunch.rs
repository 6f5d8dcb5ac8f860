//! `GET /api/ops/prelaunch`: the server's account of itself for the prelaunch gate (docs/spec/rounds.md section 6, R22, R41).

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use bursar_store::Tx;
use bursar_web::{ApiError, Auth, Call, Operation};
use serde_json::json;

use super::ops::KEY;
use super::{Routes, no_store};
use crate::launch::launch;
use crate::settings::OPS_SUMMARY;

pub(super) const PATH: &str = "/api/ops/prelaunch";

pub(super) fn operation() -> Operation {
    Operation::new("rounds_ops_prelaunch", "What the prelaunch gate looks at.", Auth::ServiceKey(KEY))
        .describe("Switches as they bind, which keys are set, treasury and escrow, worker, stage and uptime.")
        .answer(
            StatusCode::OK,
            "The server's account of itself; the gate judges it.",
            json!({"type": "object"}),
        )
        .refusal(StatusCode::UNAUTHORIZED, "No key or a wrong one.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls.")
}

pub(super) async fn prelaunch(routes: Arc<Routes>, call: Call) -> Result<Response, ApiError> {
    routes.admit_operator(PATH, OPS_SUMMARY, &call).await?;
    let (facts, build) = (routes.config.launch.clone(), routes.config.build.clone());
    let (switchboard, started_at) = (routes.platform.switchboard.clone(), routes.started_at);
    let read = move |tx: &mut Tx<'_>| launch(tx, &facts, (&build, started_at), &switchboard);
    Ok(no_store(Json(routes.platform.off_thread.read("rounds.prelaunch", read).await?)))
}
