//! What routes check before they work: limits, keys, and pieces of a query.

use bursar_audit::{Actor, Event, Level, Target};
use bursar_control::ConfigTable;
use bursar_desk::limits::{Charge, LiveLimit};
use bursar_web::platform_codes::{INVALID_QUERY, UNAUTHORIZED};
use bursar_web::{ApiError, Call, KeyCheck, ServiceKey};
use serde_json::json;

use super::Routes;
use crate::DESK;
use crate::settings::Limit;

/// A key in a header, and what it means when the server has none.
pub(super) struct Demand<'a> {
    pub key: &'a ServiceKey,
    pub header: &'static str,
    /// Whether anybody may pass while no key is configured.
    pub open_when_unset: bool,
    /// The audit event of a refusal.
    pub event: &'static str,
}

impl Routes {
    /// One limit as the lane counts it.
    pub(super) fn live(limit: Limit) -> LiveLimit {
        let Limit { prefix, limit, window_ms } = limit;
        LiveLimit { table: ConfigTable::ROUNDS, prefix, limit, window_ms }
    }

    /// Counts the call against the limit of its client's address.
    pub(super) fn charge_address<'a>(
        &'a self,
        route: &'static str,
        limit: Limit,
        call: &Call,
    ) -> impl Future<Output = Result<(), ApiError>> + Send + use<'a> {
        let charge = Charge { limits: vec![(Self::live(limit), call.client().to_string())] };
        async move { Ok(self.platform.limits.pass(route, charge).await?) }
    }

    /// Passes callers with the key; others get 401, which is recorded.
    pub(super) fn demand<'a>(
        &'a self,
        call: &Call,
        demand: Demand<'_>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send + use<'a> {
        let why = match demand.key.check_header(call.headers(), demand.header) {
            KeyCheck::Accepted => None,
            KeyCheck::Unset if demand.open_when_unset => None,
            KeyCheck::Unset => Some("no key is configured"),
            KeyCheck::Missing => Some("no key was sent"),
            KeyCheck::Wrong => Some("a wrong key was sent"),
        };
        let refused = why.map(|why| {
            let payload =
                json!({"why": why, "client": call.client().to_string(), "method": call.method().as_str()});
            event(call, Level::Warn, demand.event, payload.to_string())
        });
        async move {
            let Some(refused) = refused else { return Ok(()) };
            self.record(refused).await;
            Err(ApiError::of(&UNAUTHORIZED))
        }
    }

    /// Records an event of no change. When that fails the caller is answered all the same.
    pub(super) async fn record(&self, event: Event) {
        let name = event.name;
        if let Err(error) = self.platform.journal.record(event).await {
            tracing::error!(%error, event = name, "an audit event could not be recorded");
        }
    }
}

/// An audit event about a request that changed nothing.
pub(super) fn event(call: &Call, level: Level, name: &'static str, payload: String) -> Event {
    Event {
        level,
        desk: DESK,
        name,
        actor: Actor { kind: "client", id: String::new() },
        target: Target { kind: "route", id: call.path().chars().take(128).collect() },
        request_id: Some(call.identity().request_id().to_owned()),
        correlation_id: correlation(call),
        payload,
    }
}

/// The caller's correlation id, when it differs from the request's.
pub(super) fn correlation(call: &Call) -> Option<String> {
    let identity = call.identity();
    let differs = identity.correlation_id() != identity.request_id();
    differs.then(|| identity.correlation_id().to_owned())
}

/// A whole number in the query, or `default`.
pub(super) fn whole(call: &Call, name: &'static str, default: i64) -> Result<i64, ApiError> {
    let Some(text) = call.query(name) else { return Ok(default) };
    text.parse().map_err(|_| ApiError::because(&INVALID_QUERY, format!("{name} takes a whole number.")))
}

/// A whole number in the query within bounds, or `default`.
pub(super) fn bounded(
    call: &Call,
    name: &'static str,
    (low, high): (i64, i64),
    default: i64,
) -> Result<i64, ApiError> {
    let value = whole(call, name, default)?;
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    Err(ApiError::because(&INVALID_QUERY, format!("{name} takes a whole number from {low} to {high}.")))
}
