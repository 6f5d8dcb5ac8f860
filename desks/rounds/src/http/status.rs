//! `GET /api/status`: the public banner (docs/spec/rounds.md 4.9).

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use bursar_desk::limits::LimitRefusal;
use bursar_store::clock::machine_time;
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use parking_lot::Mutex;
use serde::Serialize;

use super::{Routes, no_store};
use crate::incident::{self, Incident};
use crate::settings::STATUS;
use crate::status::{DueRounds, Status, due_rounds, pauses, status as banner, unknown_status};

pub(super) const PATH: &str = "/api/status";

/// The counts of due rounds, reused for a while by the rules' clock. Switches and incidents are always read afresh.
pub(crate) struct StatusCache {
    reuse_ms: i64,
    last: Mutex<Option<(Timestamp, DueRounds)>>,
}

impl StatusCache {
    pub fn new(reuse: Duration) -> StatusCache {
        StatusCache { reuse_ms: i64::try_from(reuse.as_millis()).unwrap_or(0), last: Mutex::default() }
    }

    /// Counts anew at the next call: rounds were settled.
    pub fn forget(&self) {
        *self.last.lock() = None;
    }

    fn due_rounds(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<DueRounds, StoreError> {
        let last = *self.last.lock();
        if let Some((at, due)) = last.filter(|(at, _)| now >= *at && now < at.after_ms(self.reuse_ms)) {
            tracing::trace!(at = at.ms(), "status counts reused");
            return Ok(due);
        }
        let due = due_rounds(tx, now)?;
        *self.last.lock() = Some((now, due));
        Ok(due)
    }
}

#[derive(Serialize)]
struct Banner {
    #[serde(flatten)]
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<Incident>,
}

pub(super) fn operation() -> Operation {
    let answer = schema::object([
        ("ok", schema::boolean()),
        ("status", schema::one_of(&["ok", "degraded", "paused"])),
        ("joinsPaused", schema::boolean()),
        ("settlementPaused", schema::boolean()),
        ("settleApiPaused", schema::boolean()),
        ("pendingDueRounds", schema::integer()),
        ("maxSettlementLagMs", schema::integer()),
        ("updatedAtMs", schema::integer()),
        (
            "incident?",
            schema::object([("message", schema::string()), ("etaMs", schema::nullable(schema::integer()))]),
        ),
    ]);
    Operation::new("rounds_status", "How the desk is doing, for players.", Auth::None)
        .answer(StatusCode::OK, "Always, unless limited.", answer)
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls.")
}

pub(super) async fn status(routes: Arc<Routes>, call: Call) -> Result<Response, ApiError> {
    let unknown = || Banner { status: unknown_status(machine_time()), incident: None };
    let charge =
        bursar_desk::limits::Charge { limits: vec![(Routes::live(STATUS), call.client().to_string())] };
    match routes.platform.limits.pass(PATH, charge).await {
        Ok(()) => {}
        Err(refusal @ LimitRefusal::Limited { .. }) => return Err(refusal.into()),
        // The banner is there for the day when nothing else is.
        Err(LimitRefusal::Lane(error)) => {
            tracing::error!(%error, "status calls cannot be counted");
            return Ok(no_store(Json(unknown())));
        }
    }
    let (cache, switchboard) = (Arc::clone(&routes.status), routes.platform.switchboard.clone());
    let read = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let pauses = pauses(tx, &switchboard, now)?;
        let due = cache.due_rounds(tx, now)?;
        Ok(Banner { status: banner(pauses, due, now), incident: incident::current(tx)? })
    };
    let read = routes.platform.off_thread.read("rounds.status", read).await;
    let banner = read.unwrap_or_else(|error| {
        tracing::error!(fault = error.fault_text(), "the status cannot be read");
        unknown()
    });
    Ok(no_store(Json(banner)))
}
