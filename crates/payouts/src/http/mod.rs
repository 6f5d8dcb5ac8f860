//! The API by which programs have a desk pay: create, read and take back, with a payer's token. Entry point: [`surface`].
//!
//! Each route counts the call, finds out whose token it is, then reads what it was sent. Who may is decided once more in
//! the transaction that acts.

mod codes;
mod create;
mod guard;
mod limits;
mod operations;
mod read;
mod take_back;

use std::future::Future;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bursar_audit::Recorder;
use bursar_desk::Platform;
use bursar_store::StoreError;
use bursar_store::lane::LaneOptions;
use bursar_web::{ApiError, Call, CorsPolicy, Envelope, HeaderPolicy, Operation, Route, Surface};

pub use limits::settings;

use self::guard::Payer;
use crate::document::document;
use crate::pages::PayoutShown;
use crate::{OutsideLane, Payouts};

/// The desk's name in logs and in the API description: the routes are the platform's, the codes this room's.
const NAME: &str = "payouts";
/// The list, and where payouts are made.
const ALL: &str = "/v1/payouts";
/// One payout.
const ONE: &str = "/v1/payouts/{id}";
/// Takes it back.
const CANCEL: &str = "/v1/payouts/{id}/cancel";
/// The largest body, in bytes (docs/spec/platform.md H11).
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What the routes are made of.
pub struct ApiParts {
    /// Store, limits, journal of refusals.
    pub platform: Platform,
    /// The payouts of this process.
    pub payouts: Payouts,
    /// The security headers of the answers.
    pub headers: HeaderPolicy,
    /// Foreign origins that may read the answers.
    pub cors: CorsPolicy,
}

/// What the handlers work with.
struct Routes {
    platform: Platform,
    payouts: Payouts,
    lane: OutsideLane,
    /// The audit chain of payouts that are taken back.
    recorder: Recorder,
}

/// All routes, over a lane of their own.
///
/// # Errors
/// When the lane cannot be started.
pub fn surface(parts: ApiParts) -> Result<Surface, StoreError> {
    let ApiParts { platform, payouts, headers, cors } = parts;
    let lane = payouts.start_outside_lane(LaneOptions::default())?;
    let recorder = platform.recorder("payouts.api");
    let routes = Arc::new(Routes { platform, payouts, lane, recorder });
    let mut surface = Surface::new(NAME, Envelope::Flat, BODY_BYTES_MAX);
    (surface.headers, surface.cors, surface.errors) = (headers, cors, codes::CODES);
    surface.schemas = operations::schemas();
    surface.routes = vec![
        route(&routes, (Method::POST, ALL, operations::create()), create::create),
        route(&routes, (Method::GET, ALL, operations::list()), read::list),
        route(&routes, (Method::GET, ONE, operations::show()), read::show),
        route(&routes, (Method::POST, CANCEL, operations::take_back()), take_back::take_back),
    ];
    Ok(surface)
}

/// A route for payers.
fn route<F, Fut>(
    routes: &Arc<Routes>,
    (method, path, operation): (Method, &'static str, Operation),
    run: F,
) -> Route
where
    F: Fn(Arc<Routes>, Payer, Call) -> Fut + Send + Sync + Copy + 'static,
    Fut: Future<Output = Result<Response, ApiError>> + Send + 'static,
{
    let routes = Arc::clone(routes);
    Route::new(method, path, operation, move |call: Call| {
        let routes = Arc::clone(&routes);
        async move {
            // A call is not shared between threads: the guard takes what it needs of it before anything is awaited.
            let asked = guard::Asking::of(&call, path);
            let payer = routes.admit(asked).await?;
            run(routes, payer, call).await
        }
    })
}

/// A payout as an answer; never kept by anybody on the way.
fn answer(status: StatusCode, shown: &PayoutShown) -> Response {
    no_store((status, Json(document(shown))).into_response())
}

fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
