//! `POST /api/sim/settle`: settling due rounds on request (docs/spec/rounds.md 4.4).

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use bursar_audit::Level;
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use serde_json::{Value, json};

use super::guards::{self, Demand};
use super::{Routes, codes};
use crate::settings::SETTLE;
use crate::settle::SettleError;

pub(super) const PATH: &str = "/api/sim/settle";
const KEY: &str = "x-sim-settle-key";

pub(super) fn operation() -> Operation {
    let answer = schema::object([
        ("ok", schema::boolean()),
        ("checked", schema::integer()),
        ("settled", schema::integer()),
        ("rounds", schema::array(schema::string())),
    ]);
    Operation::new("rounds_settle", "Settle due rounds now, oldest first.", Auth::ServiceKey(KEY))
        .describe(
            "The server does this by itself at the end of every round; calling it again changes nothing.",
        )
        .answer(StatusCode::OK, "What was settled.", answer)
        .refusal(StatusCode::UNAUTHORIZED, "No key, a wrong one, or none is configured.")
        .refusal(StatusCode::SERVICE_UNAVAILABLE, "Settlement is paused.")
        .refusal(StatusCode::INTERNAL_SERVER_ERROR, "The treasury guard refused.")
}

pub(super) async fn settle(routes: Arc<Routes>, call: Call) -> Result<Json<Value>, ApiError> {
    routes.charge_address(PATH, SETTLE, &call).await?;
    let key = &routes.config.sim_settle_key;
    let event = "sim_settle.unauthorized";
    routes.demand(&call, Demand { key, header: KEY, open_when_unset: false, event }).await?;
    let settler = Arc::clone(&routes.settler);
    match routes.platform.off_thread.run(move || settler.run_due(None)).await? {
        Ok(report) => {
            routes.status.forget();
            let (checked, settled, rounds) = (report.checked, report.settled.len(), report.settled);
            Ok(Json(json!({"ok": true, "checked": checked, "settled": settled, "rounds": rounds})))
        }
        Err(error) => {
            routes.metrics.count_settle_failure(&error);
            let (level, answer) = refusal(&error);
            let event =
                guards::event(&call, level, error.event(), json!({"why": error.to_string()}).to_string());
            routes.record(event).await;
            Err(answer)
        }
    }
}

fn refusal(error: &SettleError) -> (Level, ApiError) {
    match error {
        SettleError::Paused => (Level::Warn, ApiError::of(&codes::SETTLEMENT_PAUSED)),
        SettleError::TreasuryMismatch => (Level::Error, ApiError::of(&codes::TREASURY_MISMATCH)),
        SettleError::Store(store) => (Level::Error, ApiError::fault(store)),
    }
}
