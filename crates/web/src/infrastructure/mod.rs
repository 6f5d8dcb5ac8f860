//! The routes that belong to no desk: liveness, health, readiness, metrics (H13-H15, H18). Never limited.

mod health;
mod metrics_access;
mod readiness;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, http::HeaderMap};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

pub use health::{DatabaseHealth, UpstreamSample, Upstreams};
pub use metrics_access::MetricsAccess;
pub use readiness::{Finding, Weight};

use crate::call::Call;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::metrics::{Format, Registry};
use crate::operation::{Auth, Operation};
use crate::platform_codes::{NOT_FOUND, UNAUTHORIZED};
use crate::route::{Route, Surface};
use crate::schema;

/// How long the database may take to answer before it counts as down.
const DATABASE_TIME_MAX: Duration = Duration::from_secs(2);
/// How long all readiness checks together may take.
const READINESS_TIME_MAX: Duration = Duration::from_secs(5);
/// Infrastructure routes read no body.
const BODY_BYTES_MAX: usize = 1_024;

/// What the process knows about itself. Implemented where everything is wired together.
pub trait HealthSource: Send + Sync + 'static {
    /// `IMAGE_TAG`, or `dev`.
    fn version(&self) -> String;
    /// The build commit, 40 hex digits.
    fn commit(&self) -> String;
    /// The clock's time as RFC 3339 text in UTC.
    fn timestamp(&self) -> String;
    /// The desks that are on, in their fixed order.
    fn desks(&self) -> Vec<&'static str>;
    /// Whether the trades switch is on, as it takes effect.
    fn trades_enabled(&self) -> bool;
    /// Whether the trades module was started by its environment gate.
    fn trades_started(&self) -> bool;
    /// Asks the database; may hang, the caller gives it 2 s.
    fn database(&self) -> BoxFuture<'_, DatabaseHealth>;
    /// The latest background samples of the upstreams.
    fn upstreams(&self) -> Upstreams;
    /// Everything that is missing or degraded; empty = ready. May hang, the caller gives it 5 s.
    fn readiness(&self) -> BoxFuture<'_, Vec<Finding>>;
    /// Who may read `/metrics` now.
    fn metrics_access(&self) -> MetricsAccess;
}

/// All infrastructure routes, also for a listener of their own (`BURSAR_OPS_LISTEN`).
pub fn surface(source: &Arc<dyn HealthSource>, registry: &Arc<Registry>) -> Surface {
    let mut surface = Surface::new("platform", Envelope::Flat, BODY_BYTES_MAX);
    surface.routes = vec![
        get(source, "/livez", operation("livez", "The process is alive."), |_, _| async {
            Ok(Json(json!({"status": "alive"})))
        }),
        get(
            source,
            "/health/live",
            operation("health_live", "The process is alive."),
            |_, call| async move { Ok(Json(json!({"ok": true, "requestId": call.identity().request_id()}))) },
        ),
        get(source, "/healthz", operation("healthz", "The process is alive, with its version."), healthz),
        get(
            source,
            "/health",
            operation("health", "Database and upstreams.")
                .refusal(StatusCode::SERVICE_UNAVAILABLE, "Something that payments need is down."),
            health_route,
        ),
        get(
            source,
            "/readyz",
            operation("readyz", "Whether to send requests here.")
                .query("desk", schema::string(), "Only the process and this desk.")
                .refusal(StatusCode::SERVICE_UNAVAILABLE, "Not ready, with reasons.")
                .refusal(StatusCode::NOT_FOUND, "That desk is not on."),
            readyz,
        ),
        metrics_route(source, Arc::clone(registry)),
    ];
    surface
}

fn operation(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, summary, Auth::None).answer(StatusCode::OK, "Yes.", json!({"type": "object"}))
}

fn get<F, Fut, R>(source: &Arc<dyn HealthSource>, path: &'static str, operation: Operation, run: F) -> Route
where
    F: Fn(Arc<dyn HealthSource>, Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ApiError>> + Send + 'static,
    R: IntoResponse,
{
    let source = Arc::clone(source);
    Route::new(Method::GET, path, operation, move |call| run(Arc::clone(&source), call))
}

async fn healthz(source: Arc<dyn HealthSource>, call: Call) -> Result<Response, ApiError> {
    if call.prefers("text/plain") {
        return Ok("ok".into_response());
    }
    Ok(Json(json!({"status": "ok", "version": source.version()})).into_response())
}

async fn health_route(
    source: Arc<dyn HealthSource>,
    call: Call,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let answered = tokio::time::timeout(DATABASE_TIME_MAX, source.database()).await;
    let database = answered.unwrap_or(DatabaseHealth { answers: false, migrated: false });
    let (healthy, mut body) = health::body(source.as_ref(), database, std::time::Instant::now());
    body.insert("requestId".to_owned(), Value::from(call.identity().request_id()));
    Ok((status(healthy), Json(Value::Object(body))))
}

async fn readyz(source: Arc<dyn HealthSource>, call: Call) -> Result<(StatusCode, Json<Value>), ApiError> {
    let desks = source.desks();
    let only = call.query("desk");
    if let Some(desk) = only.as_deref().filter(|desk| !desks.contains(desk)) {
        let message = format!("The desk `{desk}` is not on here; /health lists the desks that are.");
        return Err(ApiError::because(&NOT_FOUND, message));
    }
    let answered = tokio::time::timeout(READINESS_TIME_MAX, source.readiness()).await;
    let findings = answered.unwrap_or_else(|_elapsed| vec![readiness::checks_hang()]);
    let (ready, body) = readiness::body(&desks, &findings, only.as_deref());
    Ok((status(ready), Json(body)))
}

fn metrics_route(source: &Arc<dyn HealthSource>, registry: Arc<Registry>) -> Route {
    let operation = Operation::new("metrics", "Prometheus metrics.", Auth::Bearer("METRICS_TOKEN"))
        .or_auth(Auth::None)
        .answer_as(StatusCode::OK, "The metrics.", Format::Text.content_type(), schema::string())
        .refusal(StatusCode::UNAUTHORIZED, "Not from here, or not with this token.");
    get(source, "/metrics", operation, move |source, call| {
        let registry = Arc::clone(&registry);
        async move {
            if !source.metrics_access().allows(&call) {
                let challenge = HeaderValue::from_static("Bearer");
                return Err(ApiError::of(&UNAUTHORIZED).with_header(header::WWW_AUTHENTICATE, challenge));
            }
            let format = Format::from_accept(call.header("accept"));
            let content_type = HeaderValue::from_static(format.content_type());
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
            // Some readings come from the database, which blocks, and whose client may not be used on an async thread.
            let rendered = tokio::task::spawn_blocking(move || registry.render(format)).await;
            Ok((headers, rendered.map_err(|gone| ApiError::fault(&gone))?))
        }
    })
}

fn status(good: bool) -> StatusCode {
    if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
