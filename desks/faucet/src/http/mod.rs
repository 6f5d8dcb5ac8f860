//! The desk over HTTP: thin handlers, each running its guards in the order that docs/spec/faucet.md section 4 gives.
//!
//! Every route counts against the limits first. [`surface`] lists all of them.

mod admin;
mod bucket;
mod codes;
mod config;
mod demo;
mod guards;
mod incidents;
mod limiter;
mod once;
mod page;
mod public;
mod refusals;
mod user;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, Method};
use axum::response::IntoResponse;
use bursar_audit::Recorder;
use bursar_store::Timestamp;
use bursar_web::{ApiError, Auth, Call, Envelope, Operation, Route, Surface, set_cookie};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::DESK;
use crate::faucet::Faucet;
use crate::identity::Sessions;
use crate::rules::session_token::{ADMIN_COOKIE, ADMIN_TTL_S, USER_COOKIE, USER_TTL_S};

pub use config::{
    HttpConfig, Logs, Product, RebuildDonations, RebuildRefusal, RebuildWish, Rebuilt, SeedRefusal, SetSeed,
};
pub use incidents::incident_guard;
pub use limiter::LimiterFault;
pub use page::{Due, Funds, Gifts, Named, PageView, PlayerView, PlayersPage, Session};

use guards::Act;
use limiter::Limiter;
use once::Asked;
use public::donate::BalanceAsked;

/// The largest body, in bytes (H11).
const BODY_BYTES_MAX: usize = 64 * 1024;
/// A cycle that an administrator starts may take its time.
const CYCLE_TIME_MAX: Duration = Duration::from_secs(120);

/// What the handlers work with.
pub struct Routes {
    faucet: Arc<Faucet>,
    config: HttpConfig,
    sessions: Sessions,
    limiter: Limiter,
    /// The audit chain of administrators' acts.
    recorder: Recorder,
    set_seed: SetSeed,
    rebuild_donations: RebuildDonations,
    logs: Logs,
    started_at: Timestamp,
    balance_asked: Mutex<Option<BalanceAsked>>,
}

/// What [`Routes`] are made of.
pub struct RoutesParts {
    /// The faucet at work.
    pub faucet: Arc<Faucet>,
    /// What the routes are told.
    pub config: HttpConfig,
    /// Stores the operator's seed.
    pub set_seed: SetSeed,
    /// Rebuilds the donation ledger.
    pub rebuild_donations: RebuildDonations,
    /// The log's newest lines.
    pub logs: Logs,
}

impl Routes {
    /// Starts the limiter and reads the session secret as it stands.
    pub fn new(parts: RoutesParts) -> Result<Routes, LimiterFault> {
        let RoutesParts { faucet, config, set_seed, rebuild_donations, logs } = parts;
        let platform = &faucet.platform;
        Ok(Routes {
            config,
            sessions: Sessions::new(platform.secrets.get("SESSION_SECRET"), &*platform.entropy),
            limiter: Limiter::start(Arc::clone(&platform.store), &platform.metrics)?,
            recorder: platform.recorder("faucet.http"),
            set_seed,
            rebuild_donations,
            logs,
            started_at: platform.store.read("faucet.started_at", |tx| tx.reading())?,
            balance_asked: Mutex::default(),
            faucet,
        })
    }

    /// Cookies travel over TLS only where real money moves.
    fn is_secure(&self) -> bool {
        self.faucet.config.is_production || !self.faucet.policy.dry_run
    }

    fn user_cookie(&self, token: &str) -> Result<HeaderValue, ApiError> {
        self.cookie(USER_COOKIE, token, USER_TTL_S)
    }

    fn admin_cookie(&self, token: &str) -> Result<HeaderValue, ApiError> {
        self.cookie(ADMIN_COOKIE, token, ADMIN_TTL_S)
    }

    fn cookie(&self, name: &str, token: &str, ttl_s: i64) -> Result<HeaderValue, ApiError> {
        let age = Duration::from_secs(ttl_s.unsigned_abs());
        let unusable = std::io::Error::other("a session token does not fit a cookie");
        set_cookie(name, token, age, self.is_secure()).ok_or_else(|| ApiError::fault(&unusable))
    }
}

/// All routes of the desk.
#[must_use]
pub fn surface(routes: impl Into<Arc<Routes>>) -> Surface {
    let routes = routes.into();
    let mut surface = Surface::new(DESK, Envelope::Detail, BODY_BYTES_MAX);
    (surface.headers, surface.cors) = (routes.config.headers.clone(), routes.config.cors.clone());
    surface.errors = codes::CODES;
    surface.routes = public::routes(&routes);
    surface.routes.extend(user::routes(&routes));
    surface.routes.extend(admin::routes(&routes));
    surface.routes.extend(demo::routes(&routes));
    surface
}

/// A route that counts its call and then does what it wants.
fn route<F, Fut, R>(
    routes: &Arc<Routes>,
    method: Method,
    path: &'static str,
    operation: Operation,
    run: F,
) -> Route
where
    F: Fn(Arc<Routes>, Call, Timestamp) -> Fut + Send + Sync + Clone + 'static,
    Fut: Future<Output = Result<R, ApiError>> + Send + 'static,
    R: IntoResponse,
{
    let routes = Arc::clone(routes);
    Route::new(method, path, operation, move |call| {
        let (routes, run) = (Arc::clone(&routes), run.clone());
        async move {
            let now = routes.limiter.pass(call.client()).await?;
            run(routes, call, now).await
        }
    })
}

/// A route that only administrators may read.
fn admin_get<F, Fut, R>(routes: &Arc<Routes>, path: &'static str, operation: Operation, run: F) -> Route
where
    F: Fn(Arc<Routes>, Call, Timestamp) -> Fut + Send + Sync + Clone + 'static,
    Fut: Future<Output = Result<R, ApiError>> + Send + 'static,
    R: IntoResponse,
{
    route(routes, Method::GET, path, operation, move |routes, call, now| {
        let run = run.clone();
        async move {
            routes.admin(&call, now).await?;
            run(routes, call, now).await
        }
    })
}

/// A route by which administrators change something: the session first, then the body, then the idempotency key.
fn admin_post<F, Fut>(routes: &Arc<Routes>, path: &'static str, operation: Operation, run: F) -> Route
where
    F: Fn(Arc<Routes>, Act) -> Fut + Send + Sync + Clone + 'static,
    Fut: Future<Output = Result<Value, ApiError>> + Send + 'static,
{
    route(routes, Method::POST, path, operation, move |routes, call, now| {
        let run = run.clone();
        async move {
            let admin = routes.admin(&call, now).await?;
            let mut call = call;
            let body = call.bytes().await?;
            // A body may take its time, and whoever sends it may be shut out meanwhile.
            routes.admin(&call, now).await?;
            let act = Act { call, admin, body };
            let Some(asked) = Asked::of(&act)? else { return run(routes, act).await.map(Json) };
            if let Some(answer) = routes.claim(&asked).await? {
                return Ok(Json(answer));
            }
            let done = run(Arc::clone(&routes), act).await;
            routes.keep(asked, done.as_ref()).await;
            done.map(Json)
        }
    })
}

/// What the API description says of a route that reads.
fn reading(id: &'static str, summary: &'static str, auth: Auth) -> Operation {
    let is_open = auth == Auth::None;
    let operation = Operation::new(id, summary, auth)
        .answer(axum::http::StatusCode::OK, "What was asked for.", json!({"type": "object"}))
        .refusal(axum::http::StatusCode::TOO_MANY_REQUESTS, "Too many calls; see Retry-After.");
    if is_open {
        operation
    } else {
        operation.refusal(axum::http::StatusCode::UNAUTHORIZED, "No valid session.")
    }
}

/// What the API description says of a route that changes something.
fn changing(id: &'static str, summary: &'static str, auth: Auth, request: Value) -> Operation {
    let unprocessable = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    reading(id, summary, auth)
        .request(request)
        .refusal(unprocessable, "The body is not what the route takes.")
}
