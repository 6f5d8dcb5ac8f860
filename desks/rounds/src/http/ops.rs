//! `GET /api/ops/health` and `GET /api/ops/summary`: for operators (docs/spec/rounds.md 4.10, 4.11).

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use bursar_store::Tx;
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use serde::Serialize;
use serde_json::json;

use super::guards::{Demand, whole};
use super::{Routes, no_store};
use crate::settings::{Limit, OPS_HEALTH, OPS_SUMMARY, OPS_SWITCHES};
use crate::status::{Health, health as read_health};
use crate::summary::summary as read_summary;

pub(super) const HEALTH: &str = "/api/ops/health";
pub(super) const SUMMARY: &str = "/api/ops/summary";
/// The header of operators' keys.
pub(super) const KEY: &str = "x-ops-key";
/// Settlements in a summary.
const SETTLEMENTS: (i64, i64) = (10, 120);
const SETTLEMENTS_DEFAULT: i64 = 40;

#[derive(Serialize)]
struct HealthOfBuild {
    #[serde(flatten)]
    health: Health,
    build: String,
}

pub(super) fn health_operation() -> Operation {
    Operation::new("rounds_ops_health", "How settlement is doing.", Auth::ServiceKey(KEY))
        .answer(
            StatusCode::OK,
            "Totals, pending rounds and lag; degraded is 200 too.",
            json!({"type": "object"}),
        )
        .refusal(StatusCode::UNAUTHORIZED, "No key or a wrong one.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls.")
}

pub(super) fn summary_operation() -> Operation {
    let limit = schema::integer_between(SETTLEMENTS.0, SETTLEMENTS.1);
    Operation::new("rounds_ops_summary", "Figures over all rounds.", Auth::ServiceKey(KEY))
        .query("limit", limit, "Newest settlements to list, held between 10 and 120; 40 when absent.")
        .answer(StatusCode::OK, "Totals, markets and the newest settlements.", json!({"type": "object"}))
        .refusal(StatusCode::UNAUTHORIZED, "No key or a wrong one.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls.")
}

pub(super) async fn health(routes: Arc<Routes>, call: Call) -> Result<Response, ApiError> {
    routes.admit_operator(HEALTH, OPS_HEALTH, &call).await?;
    let health = routes.health().await;
    let health = routes.note_fault(&call, "ops.health_unhandled_error", health)?;
    Ok(no_store(Json(HealthOfBuild { health, build: routes.config.build.clone() })))
}

pub(super) async fn summary(routes: Arc<Routes>, call: Call) -> Result<Response, ApiError> {
    routes.admit_operator(SUMMARY, OPS_SUMMARY, &call).await?;
    let limit = whole(&call, "limit", SETTLEMENTS_DEFAULT)?.clamp(SETTLEMENTS.0, SETTLEMENTS.1);
    let read = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        read_summary(tx, limit, now)
    };
    Ok(no_store(Json(routes.platform.off_thread.read("rounds.summary", read).await?)))
}

impl Routes {
    /// Whoever looks at a desk that is badly late raises the alert as well, timer or not.
    async fn health(&self) -> Result<Health, ApiError> {
        let alerts = Arc::clone(&self.alerts);
        let read = move |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            Ok((read_health(tx, now)?, alerts.has_any(tx, now)?))
        };
        let (health, is_alarming) = self.platform.off_thread.read("rounds.health", read).await?;
        if is_alarming {
            let alerts = Arc::clone(&self.alerts);
            let judged = self.platform.off_thread.run(move || alerts.judge()).await?;
            judged.map_err(|error| ApiError::fault(&error))?;
        }
        Ok(health)
    }

    /// First the limit, then the key; without a configured key these routes are open outside production.
    pub(super) fn admit_operator<'a>(
        &'a self,
        route: &'static str,
        limit: Limit,
        call: &Call,
    ) -> impl Future<Output = Result<(), ApiError>> + Send + use<'a> {
        self.admit(route, limit, call, !self.config.is_production)
    }

    /// For routes that change something: closed without a key in every mode.
    pub(super) fn admit_changer<'a>(
        &'a self,
        route: &'static str,
        call: &Call,
    ) -> impl Future<Output = Result<(), ApiError>> + Send + use<'a> {
        self.admit(route, OPS_SWITCHES, call, false)
    }

    fn admit<'a>(
        &'a self,
        route: &'static str,
        limit: Limit,
        call: &Call,
        open_when_unset: bool,
    ) -> impl Future<Output = Result<(), ApiError>> + Send + use<'a> {
        let counted = self.charge_address(route, limit, call);
        let key = &self.config.ops_key;
        let known =
            self.demand(call, Demand { key, header: KEY, open_when_unset, event: "ops.unauthorized" });
        async move {
            counted.await?;
            known.await
        }
    }
}
