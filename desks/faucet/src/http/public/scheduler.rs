//! `GET /api/scheduler/countdown`: when the next runs are due.

use std::sync::Arc;

use axum::Json;
use bursar_store::{Timestamp, Tx};
use bursar_web::{ApiError, Call};
use serde_json::{Value, json};

use super::super::Routes;
use crate::record::Heartbeat;
use crate::rules::schedule::countdown_s;
use crate::settings::Values;

pub(super) async fn countdown(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let started = routes.faucet.started;
    let read = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let last = |tx: &mut Tx<'_>, job| {
            Ok::<_, bursar_store::StoreError>(Heartbeat::find(tx, job)?.map(|beat| beat.ran_at))
        };
        let (accrued, settled) = (last(tx, "accrual")?, last(tx, "settlement")?);
        if accrued.is_none() && settled.is_none() {
            return Ok(json!({
                "next_accrual_in": null, "next_settlement_in": null,
                "accrual_interval_seconds": null, "settlement_interval_seconds": null,
            }));
        }
        let intervals = Values::read(tx)?.intervals();
        Ok(json!({
            "next_accrual_in": countdown_s(intervals.next_accrual(started, accrued), now),
            "next_settlement_in": countdown_s(intervals.next_settlement(started, settled), now),
            "accrual_interval_seconds": intervals.accrual_s(),
            "settlement_interval_seconds": intervals.settlement_s(),
        }))
    };
    routes.faucet.platform.off_thread.read("faucet.countdown", read).await.map(Json)
}
