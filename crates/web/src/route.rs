//! Routes, and the surface with which a desk shows itself over HTTP.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::call::Call;
use crate::cors::CorsPolicy;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::error_code::ErrorCode;
use crate::headers::HeaderPolicy;
use crate::metrics::HistogramFamily;
use crate::operation::Operation;
use crate::schema;

/// What runs for a route.
pub type Handler = Arc<dyn Fn(Call) -> BoxFuture<'static, Result<Response, ApiError>> + Send + Sync>;

/// How long an answer may take unless the route or desk says otherwise.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// One method on one path template (`/api/rounds/{id}`, `/static/{*file}`).
#[derive(Clone)]
pub struct Route {
    /// The method. `GET` routes answer `HEAD` too.
    pub method: Method,
    /// The path template; also the `path` label in metrics.
    pub path: &'static str,
    /// What the API description says.
    pub operation: Operation,
    /// What runs.
    pub handler: Handler,
    /// In place of the desk's limit, in bytes.
    pub body_bytes_max: Option<usize>,
    /// In place of the desk's time for an answer.
    pub answer_time_max: Option<Duration>,
    /// In place of the desk's envelope: [`Envelope::Union`] where two desks share a route.
    pub envelope: Option<Envelope>,
}

impl Route {
    /// A route whose handler is an async function of a [`Call`].
    pub fn new<F, Fut, R>(method: Method, path: &'static str, operation: Operation, handler: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ApiError>> + Send + 'static,
        R: IntoResponse,
    {
        let handler: Handler =
            Arc::new(move |call| handler(call).map(|answer| answer.map(IntoResponse::into_response)).boxed());
        Self { method, path, operation, handler, body_bytes_max: None, answer_time_max: None, envelope: None }
    }

    /// A `GET` route that serves one fixed text or file; browsers ask again each time.
    pub fn fixed(
        path: &'static str,
        operation: Operation,
        content_type: &'static str,
        content: Bytes,
    ) -> Self {
        let is_json = content_type == "application/json";
        let schema = if is_json { schema::object([]) } else { schema::string() };
        let operation = operation.answer_as(StatusCode::OK, "The file.", content_type, schema);
        Self::new(Method::GET, path, operation, move |_| {
            let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")];
            let response = (headers, content.clone()).into_response();
            async { Ok(response) }
        })
    }

    /// Sets the limit for the body, in bytes.
    #[must_use]
    pub fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.body_bytes_max = Some(bytes);
        self
    }

    /// Sets the time for an answer.
    #[must_use]
    pub fn answer_time_max(mut self, time: Duration) -> Self {
        self.answer_time_max = Some(time);
        self
    }

    /// Sets the envelope of errors.
    #[must_use]
    pub fn envelope(mut self, envelope: Envelope) -> Self {
        self.envelope = Some(envelope);
        self
    }
}

/// All that one desk (or the platform) answers, and how.
#[derive(Clone)]
pub struct Surface {
    /// The desk's name in logs and in the API description.
    pub desk: &'static str,
    /// How its errors look.
    pub envelope: Envelope,
    /// The largest body, in bytes (H11).
    pub body_bytes_max: usize,
    /// How long a body may take to arrive.
    pub body_time_max: Duration,
    /// How long an answer may take.
    pub answer_time_max: Duration,
    /// Its security headers (H8).
    pub headers: HeaderPolicy,
    /// Who may read its answers from a browser (H9).
    pub cors: CorsPolicy,
    /// The error codes that it adds.
    pub errors: &'static [ErrorCode],
    /// Named JSON Schemas that its operations refer to.
    pub schemas: Vec<(&'static str, Value)>,
    /// A further duration histogram with labels method, path, status (arena's, M2).
    pub duration_by_status: Option<HistogramFamily<3>>,
    /// Its routes.
    pub routes: Vec<Route>,
}

impl Surface {
    /// A surface without routes, with the common headers and times (body 10 s, answer 30 s).
    pub fn new(desk: &'static str, envelope: Envelope, body_bytes_max: usize) -> Self {
        Self {
            desk,
            envelope,
            body_bytes_max,
            body_time_max: BODY_TIME_MAX,
            answer_time_max: ANSWER_TIME_MAX,
            headers: HeaderPolicy::new(),
            cors: CorsPolicy::Closed,
            errors: &[],
            schemas: Vec::new(),
            duration_by_status: None,
            routes: Vec::new(),
        }
    }

    /// What runs for this method and path template, if the surface has such a route.
    #[must_use]
    pub fn handler(&self, method: &Method, path: &str) -> Option<Handler> {
        let found = self.routes.iter().find(|route| route.method == *method && route.path == path);
        found.map(|route| Arc::clone(&route.handler))
    }

    /// Adds a route.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }
}
