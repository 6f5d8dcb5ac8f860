//! `/admin/incidents`: one set of routes for the desks that ask for it, each by its own scheme and each with its own
//! incidents (docs/spec/platform.md H19). Errors are flat plus `detail` (H12), times RFC 3339 in UTC (U4).

mod body;
mod codes;
mod operations;
mod shown;

use std::future::Future;
use std::sync::Arc;

use axum::Json;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bursar_access::Actor;
use bursar_audit::Recorder;
use bursar_desk::OffThread;
use bursar_desk::incident::{
    By, IncidentFilter, IncidentGuard, Incidents, Outcome, PayoutStop, State, Verdict, incidents,
};
use bursar_store::Tx;
use bursar_web::platform_codes::{INVALID_QUERY, NOT_FOUND, UNAUTHORIZED};
use bursar_web::{ApiError, Call, Envelope, HeaderPolicy, Operation, Route, Surface};
use serde::Deserialize;
use serde_json::{Value, json};

pub use codes::CODES;

use self::body::{OpenWish, act};
use self::codes::refused;
use super::report::report;

const LIST: &str = "/admin/incidents";
const ONE: &str = "/admin/incidents/{id}";
const ACT: &str = "/admin/incidents/{id}/{act}";
/// The largest body, in bytes: a note of 4,000 characters and room for its escapes.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Incidents on a page unless the caller asks for another number.
const PAGE: i64 = 50;
/// What the log says when a caller gives no other reason.
const REASON: &str = "by /admin/incidents";

/// What the routes are made of.
pub struct IncidentRoutes {
    /// Runs store work.
    pub off_thread: OffThread,
    /// The audit chain of these routes; nobody else writes it.
    pub recorder: Recorder,
    /// The desks that ask for them.
    pub guards: Vec<IncidentGuard>,
    /// What halts the payouts of each desk that pays out.
    pub stops: Vec<PayoutStop>,
    /// The security headers of the answers.
    pub headers: HeaderPolicy,
}

/// What the handlers work with.
struct Routes {
    off_thread: OffThread,
    guards: Vec<IncidentGuard>,
    room: Incidents,
}

/// Somebody who was let in.
struct Admin {
    /// The one desk whose incidents there are for them.
    desk: &'static str,
    /// As the audit log names them.
    id: String,
}

/// The surface with the routes. Without any guard there is nothing to answer (docs/spec/platform.md H2).
#[must_use]
pub fn surface(parts: IncidentRoutes) -> Surface {
    let IncidentRoutes { off_thread, recorder, guards, stops, headers } = parts;
    let mut surface = Surface::new("platform", Envelope::Union, BODY_BYTES_MAX);
    surface.headers = headers;
    surface.errors = CODES;
    let described = operations::all(&guards);
    let room = Incidents::new(recorder, stops);
    let routes = Arc::new(Routes { off_thread, guards, room });
    if let Some([on_list, on_open, on_show, on_act]) = described {
        surface.routes = vec![
            route(&routes, (Method::GET, LIST, on_list), list),
            route(&routes, (Method::POST, LIST, on_open), open),
            route(&routes, (Method::GET, ONE, on_show), show),
            route(&routes, (Method::POST, ACT, on_act), change),
        ];
    }
    surface
}

/// A route for those whom a guard lets in.
fn route<F, Fut>(
    routes: &Arc<Routes>,
    (method, path, operation): (Method, &'static str, Operation),
    run: F,
) -> Route
where
    F: Fn(Arc<Routes>, Admin, Call) -> Fut + Send + Sync + Copy + 'static,
    Fut: Future<Output = Result<Response, ApiError>> + Send + 'static,
{
    let routes = Arc::clone(routes);
    Route::new(method, path, operation, move |call: Call| {
        let routes = Arc::clone(&routes);
        let admitted = routes.admit(&call);
        async move { run(routes, admitted.await?, call).await }
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    state: Option<String>,
    limit: Option<i64>,
    before: Option<i64>,
}

async fn list(routes: Arc<Routes>, admin: Admin, call: Call) -> Result<Response, ApiError> {
    let query: Query = call.query_as()?;
    let invalid = |text: &'static str| ApiError::because(&INVALID_QUERY, text);
    let state = match query.state.as_deref() {
        None => None,
        Some(name) => {
            Some(State::from_name(name).ok_or_else(|| invalid("state takes open, resolved or reviewed."))?)
        }
    };
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=200).contains(&limit) {
        return Err(invalid("limit takes 1 to 200."));
    }
    let desk = Some(admin.desk.to_owned());
    let filter = IncidentFilter { desk, state, before: query.before, limit };
    let found = routes.off_thread.read("incidents.list", move |tx| incidents(tx, &filter)).await?;
    let shown: Vec<Value> = found.iter().map(shown::incident).collect();
    Ok(answer(StatusCode::OK, &json!({"ok": true, "count": shown.len(), "incidents": shown})))
}

async fn open(routes: Arc<Routes>, admin: Admin, mut call: Call) -> Result<Response, ApiError> {
    let wish: OpenWish = call.json().await?;
    let opening = wish.opening(admin.desk)?;
    let room = routes.room.clone();
    let id = routes
        .act("incidents.open", move |tx| {
            let by = By { actor: &admin.id, reason: REASON };
            Ok(room.open(tx, &opening, by)?.map(|done| done.incident.id))
        })
        .await?;
    routes.whole(StatusCode::CREATED, (id, None)).await
}

async fn show(routes: Arc<Routes>, admin: Admin, call: Call) -> Result<Response, ApiError> {
    routes.whole(StatusCode::OK, (number(&call)?, Some(admin.desk))).await
}

async fn change(routes: Arc<Routes>, admin: Admin, mut call: Call) -> Result<Response, ApiError> {
    let id = number(&call)?;
    let named = call.parameter("act").to_owned();
    let act = act(&named, call.json().await?)?;
    let room = routes.room.clone();
    let id = routes
        .act("incidents.act", move |tx| {
            let by = By { actor: &admin.id, reason: REASON };
            Ok(room.act(tx, (id, Some(admin.desk)), &act, by)?.map(|done| done.incident.id))
        })
        .await?;
    routes.whole(StatusCode::OK, (id, None)).await
}

/// The incident that a path names.
fn number(call: &Call) -> Result<i64, ApiError> {
    call.parameter("id").parse().map_err(|_| ApiError::of(&NOT_FOUND))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

impl Routes {
    /// Asks each desk's scheme in turn; the first whose credentials the request carries decides.
    fn admit(&self, call: &Call) -> impl Future<Output = Result<Admin, ApiError>> + Send + use<> {
        // A call is not shared between threads: each scheme takes what it needs of it before anything is awaited.
        let asked: Vec<_> = self.guards.iter().map(|guard| (guard.desk, (guard.admit)(call))).collect();
        async move {
            for (desk, verdict) in asked {
                match verdict.await? {
                    Verdict::Admitted(principal) if principal.desk == desk => {
                        return Ok(Admin { desk, id: Actor::from(principal).audit_id() });
                    }
                    // A scheme opens its own desk only, whatever it says.
                    Verdict::Admitted(_) | Verdict::NotMine => {}
                }
            }
            Err(ApiError::of(&UNAUTHORIZED))
        }
    }

    async fn act(
        &self,
        unit: &'static str,
        work: impl FnMut(&mut Tx<'_>) -> Outcome<i64> + Send + 'static,
    ) -> Result<i64, ApiError> {
        let done = self.off_thread.transact(unit, work).await?;
        done.map_err(|refusal| refused(&refusal))
    }

    /// The incident with all that belongs to it; one of another desk does not exist.
    async fn whole(
        &self,
        status: StatusCode,
        (id, desk): (i64, Option<&'static str>),
    ) -> Result<Response, ApiError> {
        let found = self.off_thread.read("incidents.show", move |tx| report(tx, id)).await?;
        let found = found.filter(|found| desk.is_none_or(|desk| desk == found.incident.desk));
        let found = found.ok_or_else(|| ApiError::of(&codes::NOT_THERE))?;
        Ok(answer(status, &json!({"ok": true, "incident": shown::report(&found)})))
    }
}
