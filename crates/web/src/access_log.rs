//! The log line of a request (X4), and what is counted even when the client leaves early.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode, Uri};
use tokio::time::Instant;

use crate::metrics::{EndpointMetrics, Gauge};
use crate::request_id::RequestIdentity;

/// Logged and counted when the client closes the connection before there is an answer.
const CLIENT_LEFT: u16 = 499;

/// Where the numbers of a route's requests go.
pub(crate) struct Watch {
    pub(crate) desk: &'static str,
    pub(crate) metrics: EndpointMetrics,
}

/// One request being watched from its head to its answer's head.
pub(crate) struct Observation {
    watch: Arc<Watch>,
    started: Instant,
    identity: RequestIdentity,
    /// Kept only when request lines are logged.
    line: Option<(Method, Uri)>,
    in_flight: Arc<Gauge>,
    answered: Option<StatusCode>,
}

impl Observation {
    pub(crate) fn start(
        watch: Arc<Watch>,
        started: Instant,
        identity: RequestIdentity,
        line: (&Method, &Uri),
        in_flight: &Arc<Gauge>,
    ) -> Self {
        in_flight.add(1);
        let logged = tracing::enabled!(target: "bursar::http", tracing::Level::INFO);
        let line = logged.then(|| (line.0.clone(), line.1.clone()));
        Self { watch, started, identity, line, in_flight: Arc::clone(in_flight), answered: None }
    }

    /// The answer is ready.
    pub(crate) fn finish(mut self, status: StatusCode) {
        self.answered = Some(status);
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.in_flight.add(-1);
        let duration = self.started.elapsed();
        let left = || StatusCode::from_u16(CLIENT_LEFT).unwrap_or(StatusCode::BAD_REQUEST);
        let status = self.answered.unwrap_or_else(left);
        self.watch.metrics.record(status, duration, self.identity.trace_number());
        if let Some((method, uri)) = &self.line {
            log(self.watch.desk, &self.identity, method, uri, status, duration);
        }
    }
}

fn log(
    desk: &str,
    identity: &RequestIdentity,
    method: &Method,
    uri: &Uri,
    status: StatusCode,
    duration: Duration,
) {
    // Operators search the log for "rate limit".
    let message =
        if status == StatusCode::TOO_MANY_REQUESTS { "refused by a rate limit" } else { "answered" };
    tracing::info!(
        target: "bursar::http",
        event = "http_request",
        requestId = identity.request_id(),
        correlation_id = identity.correlation_id(),
        trace_id = identity.trace_id(),
        method = method.as_str(),
        path = uri.path(),
        status = status.as_u16(),
        duration_ms = milliseconds(duration),
        desk,
        "{message}"
    );
}

/// A duration in milliseconds with three decimal places.
#[expect(clippy::float_arithmetic, reason = "a figure for people in a log line, not money")]
fn milliseconds(duration: Duration) -> f64 {
    f64::from(u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)) / 1_000.0
}
