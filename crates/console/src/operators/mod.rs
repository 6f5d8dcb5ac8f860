//! The console: what operators see, and the stop page. Everything but signing in takes a signed-in operator.

mod approvals;
mod change;
mod incident_change;
mod incident_forms;
mod incidents;
mod jobs;
mod ledger;
mod overview;
mod payouts;
mod session;
mod settlements;
mod sign_in;
mod switches;

use std::future::Future;
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use axum::response::Response;
use bursar_access::{PLATFORM, Permission, Rejection, authorize};
use bursar_audit::Recorder;
use bursar_desk::Platform;
use bursar_web::{ApiError, Auth, Call, Operation, Route};
use maud::Markup;

pub use session::COOKIE;

use crate::ConsoleConfig;
use crate::document::{Document, Header, Refresh, render};
use crate::faucet::FaucetParts;
use crate::price_watch::PriceWatch;
use crate::response::{Keeping, page, route};
use session::Visitor;

/// The first page of the console.
const HOME: &str = "/console";

/// What the console works with.
pub(crate) struct Operators {
    platform: Platform,
    config: ConsoleConfig,
    /// `None` = the rounds desk is off.
    prices: Option<Arc<PriceWatch>>,
    /// `None` = the faucet is off.
    faucet: Option<FaucetParts>,
    /// The audit chain of what operators do here.
    recorder: Recorder,
    ledger: ledger::Kept,
}

impl Operators {
    /// Nobody is signed in at a process: sessions are in the database.
    pub fn new(
        platform: &Platform,
        config: ConsoleConfig,
        prices: Option<Arc<PriceWatch>>,
        faucet: Option<FaucetParts>,
    ) -> Operators {
        let (platform, recorder) = (platform.clone(), platform.recorder("console"));
        Operators { platform, config, prices, faucet, recorder, ledger: ledger::Kept::default() }
    }
}

/// All routes.
pub(crate) fn routes(operators: &Arc<Operators>) -> Vec<Route> {
    let view = |path, id, summary| (path, Operation::new(id, summary, Auth::Cookie(COOKIE)));
    let overview = view(HOME, "console_overview", "Rounds, switches and settlements at a glance.");
    let settlements = view("/console/settlements", "console_settlements", "Settlements with their evidence.");
    let (path, operation) = view(payouts::PATH, "console_payouts", "Wallets, payouts and what stops them.");
    let payouts = (path, payouts::described(operation));
    let jobs = view("/console/jobs", "console_jobs", "Background jobs.");
    let ledger = view("/console/ledger", "console_ledger", "The ledger's totals by asset.");
    let incidents = view(incidents::PATH, "console_incidents", "Incidents, and the form to open one.");
    let incident = view(incidents::ONE, "console_incident", "One incident with its timeline and forms.");
    let switches = view(switches::PATH, "console_switches", "The kill switches, to stop and resume.");
    let approvals =
        view(approvals::PATH, "console_approvals", "Requests for approval, to approve and decline.");
    vec![
        sign_in::show_route(operators),
        sign_in::post_route(operators),
        act(operators, sign_in::OUT, sign_in::out_operation(), sign_in::out),
        read(operators, overview, overview::show),
        read(operators, settlements, settlements::show),
        read(operators, payouts, payouts::show),
        read(operators, jobs, jobs::show),
        read(operators, ledger, ledger::show),
        read(operators, incidents, incidents::show),
        read(operators, incident, incidents::show_one),
        act(operators, incidents::PATH, incident_change::operation(), incident_change::change),
        read(operators, approvals, approvals::show),
        act(operators, approvals::PATH, approvals::operation(), approvals::vote),
        read(operators, switches, switches::show),
        act(operators, switches::PATH, change::operation(), change::change),
    ]
}

/// A page for operators who may read.
fn read<F, Fut>(operators: &Arc<Operators>, (path, operation): (&'static str, Operation), run: F) -> Route
where
    F: Fn(Arc<Operators>, Visitor, Call) -> Fut + Send + Sync + Copy + 'static,
    Fut: Future<Output = Result<Response, ApiError>> + Send + 'static,
{
    admitted(operators, Method::GET, path, operation, run)
}

/// A form that only operators may send; `run` asks for the right that its act takes.
fn act<F, Fut>(operators: &Arc<Operators>, path: &'static str, operation: Operation, run: F) -> Route
where
    F: Fn(Arc<Operators>, Visitor, Call) -> Fut + Send + Sync + Copy + 'static,
    Fut: Future<Output = Result<Response, ApiError>> + Send + 'static,
{
    admitted(operators, Method::POST, path, operation, run)
}

/// A route that is run for signed-in operators; others get the form to sign in, with 401.
fn admitted<F, Fut>(
    operators: &Arc<Operators>,
    method: Method,
    path: &'static str,
    operation: Operation,
    run: F,
) -> Route
where
    F: Fn(Arc<Operators>, Visitor, Call) -> Fut + Send + Sync + Copy + 'static,
    Fut: Future<Output = Result<Response, ApiError>> + Send + 'static,
{
    let operation = operation
        .refusal(StatusCode::UNAUTHORIZED, "Nobody is signed in: the page is the form to do so.")
        .refusal(StatusCode::FORBIDDEN, "The operator's role does not include this.");
    route(operators, method, path, operation, move |operators, call: Call| async move {
        let session = call.cookie(COOKIE).map(str::to_owned);
        let visitor = match operators.visitor(session).await? {
            Ok(visitor) => visitor,
            Err(refused) => return Ok(sign_in::refused(&refused)),
        };
        match authorize(&visitor.actor, Permission::ReadOps, PLATFORM) {
            Ok(()) => run(operators, visitor, call).await,
            Err(rejection) => Err(refusal(&rejection)),
        }
    })
}

/// A page of the console.
fn shown(
    visitor: &Visitor,
    (title, here): (&str, &'static str),
    now_ms: i64,
    live: bool,
    body: Markup,
) -> Markup {
    let header = Header::Console { who: visitor.who(), proof: &visitor.proof, here };
    let refresh = live.then_some(Refresh::ScriptOrReload);
    render(Document { title, now_ms: Some(now_ms), refresh, header, body })
}

fn answer(markup: Markup) -> Response {
    page(StatusCode::OK, Keeping::Never, markup)
}

/// A refusal of the access rules, as every route words it.
fn refusal(rejection: &Rejection) -> ApiError {
    let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::FORBIDDEN);
    ApiError::new(status, rejection.code(), rejection.to_string())
}
