//! One route at work: its handler under a deadline, with faults turned into safe answers.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use axum::response::Response;
use futures_util::FutureExt;
use tokio::time::timeout_at;

use crate::access_log::Watch;
use crate::call::Call;
use crate::cors::CorsPolicy;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::headers::HeaderPolicy;
use crate::platform_codes::{DEADLINE_EXCEEDED, INTERNAL};
use crate::request_id::RequestIdentity;
use crate::route::Handler;

/// Everything a request to one route needs, looked up once at assembly.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    pub(crate) template: &'static str,
    pub(crate) parameter_names: Vec<String>,
    pub(crate) handler: Handler,
    pub(crate) body_bytes_max: usize,
    pub(crate) body_time_max: Duration,
    pub(crate) answer_time_max: Duration,
    pub(crate) profile: Profile,
    pub(crate) watch: Arc<Watch>,
}

/// How answers look: shared by a desk's routes.
#[derive(Clone)]
pub(crate) struct Profile {
    pub(crate) envelope: Envelope,
    pub(crate) headers: Arc<HeaderPolicy>,
    pub(crate) cors: Arc<CorsPolicy>,
}

impl Endpoint {
    /// Runs the handler. It is dropped at the deadline; work it handed on is finished all the same.
    pub(crate) async fn run(&self, call: Call) -> Response {
        let deadline = call.deadline;
        let identity = call.identity.clone();
        let answer = AssertUnwindSafe(async { (self.handler)(call).await }).catch_unwind();
        let error = match timeout_at(deadline, answer).await {
            Ok(Ok(Ok(response))) => return response,
            Ok(Ok(Err(error))) => error,
            Ok(Err(panic)) => ApiError::of(&INTERNAL).with_fault(&HandlerPanic(panic_text(panic.as_ref()))),
            Err(_elapsed) => ApiError::of(&DEADLINE_EXCEEDED),
        };
        log_fault(self.watch.desk, &identity, &error);
        self.profile.envelope.render(&error, identity.request_id())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the handler panicked: {0}")]
struct HandlerPanic(String);

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn log_fault(desk: &str, identity: &RequestIdentity, error: &ApiError) {
    let Some(fault) = error.fault_text() else { return };
    tracing::error!(
        target: "bursar::http",
        event = "request_fault",
        requestId = identity.request_id(),
        correlation_id = identity.correlation_id(),
        trace_id = identity.trace_id(),
        desk,
        code = error.code(),
        fault,
        "a request failed"
    );
}
