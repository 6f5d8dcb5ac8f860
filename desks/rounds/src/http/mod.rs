//! The desk over HTTP: thin handlers, each running its guards in the order that docs/spec/rounds.md section 4 gives.

mod codes;
mod faults;
mod guards;
mod incident;
mod join;
mod ops;
mod oracle;
mod pool;
mod prelaunch;
mod results;
mod settle;
mod status;
mod switches;

use std::future::Future;
use std::sync::Arc;

use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use bursar_audit::Recorder;
use bursar_desk::Platform;
use bursar_store::Timestamp;
use bursar_store::lane::Lane;
use bursar_web::{ApiError, Call, Envelope, Operation, Route, Surface};

use crate::DESK;
use crate::alert::Alerts;
use crate::desk::RoundsConfig;
use crate::join::JoinWork;
use crate::metrics::DeskMetrics;
use crate::oracle::LatestPrices;
use crate::settle::Settler;

pub(crate) use faults::FaultBudget;
pub(crate) use settle::OneAtATime;
pub(crate) use status::StatusCache;

/// The largest body, in bytes (H11).
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What the handlers work with.
pub(crate) struct Routes {
    pub platform: Platform,
    pub config: RoundsConfig,
    /// When this process started, by the rules' clock.
    pub started_at: Timestamp,
    pub joins: Arc<Lane<JoinWork>>,
    pub settler: Arc<Settler>,
    /// Whose settle call runs.
    pub settling: OneAtATime,
    /// The audit chain of operators' changes.
    pub recorder: Recorder,
    pub status: Arc<StatusCache>,
    pub alerts: Arc<Alerts>,
    pub metrics: DeskMetrics,
    pub faults: FaultBudget,
    /// The newest prices, for showing.
    pub latest_prices: Arc<LatestPrices>,
}

/// All routes of the desk.
pub(crate) fn surface(routes: Arc<Routes>) -> Surface {
    let mut surface = Surface::new(DESK, Envelope::FlatRetry, BODY_BYTES_MAX);
    surface.headers = routes.config.headers.clone();
    surface.cors = routes.config.cors.clone();
    surface.errors = codes::CODES;
    surface.routes = vec![
        route(&routes, Method::POST, join::PATH, join::operation(), join::join),
        route(&routes, Method::GET, pool::PATH, pool::operation(), pool::pool),
        route(&routes, Method::GET, results::PATH, results::operation(), results::results),
        route(&routes, Method::POST, settle::PATH, settle::operation(), settle::settle),
        route(&routes, Method::GET, oracle::PATH, oracle::operation(), oracle::oracle),
        route(&routes, Method::GET, status::PATH, status::operation(), status::status),
        route(&routes, Method::GET, ops::HEALTH, ops::health_operation(), ops::health),
        route(&routes, Method::GET, ops::SUMMARY, ops::summary_operation(), ops::summary),
        route(&routes, Method::GET, prelaunch::PATH, prelaunch::operation(), prelaunch::prelaunch),
        route(&routes, Method::GET, switches::PATH, switches::list_operation(), switches::list),
        route(&routes, Method::POST, switches::PATH, switches::set_operation(), switches::set),
        route(&routes, Method::GET, incident::PATH, incident::show_operation(), incident::show),
        route(&routes, Method::PUT, incident::PATH, incident::set_operation(), incident::set),
    ];
    surface
}

fn route<F, Fut, R>(
    routes: &Arc<Routes>,
    method: Method,
    path: &'static str,
    operation: Operation,
    run: F,
) -> Route
where
    F: Fn(Arc<Routes>, Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ApiError>> + Send + 'static,
    R: IntoResponse,
{
    let routes = Arc::clone(routes);
    Route::new(method, path, operation, move |call| run(Arc::clone(&routes), call))
}

/// An answer that nobody may keep.
fn no_store(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
