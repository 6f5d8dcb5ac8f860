//! Signing in with an operator's token, and out.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use axum::response::Response;
use bursar_access::{
    By, Done, Issued, Rejection, SessionLimits, Via, authenticate_token, end_session, open_session,
    stamp_uses,
};
use bursar_audit::{Actor as Author, Event, Level, Recorder, Target};
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::{ApiError, Auth, Call, Operation, Route};
use maud::html;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::session::Visitor;
use super::{HOME, Operators, refusal};
use crate::document::{Document, Header, render};
use crate::form::Form;
use crate::limits::{SIGN_INS, charge};
use crate::response::{Keeping, page, route, see_with_cookie};

const IN: &str = "/console/sign-in";
pub(super) const OUT: &str = "/console/sign-out";

/// `GET /console/sign-in`.
pub(super) fn show_route(operators: &Arc<Operators>) -> Route {
    let operation = Operation::new("console_sign_in", "The form to sign in.", Auth::None);
    route(operators, Method::GET, IN, operation, |_, _| async { Ok(form_page(StatusCode::OK, None)) })
}

/// `POST /console/sign-in`.
pub(super) fn post_route(operators: &Arc<Operators>) -> Route {
    let operation = Operation::new("console_open_session", "Sign in with an operator's token.", Auth::None)
        .describe("The form has one field, token. The answer sets the session's cookie.")
        .refusal(StatusCode::SEE_OTHER, "Signed in; the console follows.")
        .refusal(StatusCode::UNAUTHORIZED, "The token is not accepted.")
        .refusal(StatusCode::FORBIDDEN, "Another site's page sent the form.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many attempts by this address.");
    route(operators, Method::POST, IN, operation, |operators, call| operators.sign_in(call))
}

pub(super) fn out_operation() -> Operation {
    Operation::new("console_end_session", "Sign out.", Auth::Cookie(super::COOKIE))
        .refusal(StatusCode::SEE_OTHER, "Signed out.")
}

/// The answer to whoever is not signed in: the form, with the refusal's status.
pub(super) fn refused(rejection: &Rejection) -> Response {
    let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    form_page(status, None)
}

fn form_page(status: StatusCode, why: Option<&str>) -> Response {
    let body = html! {
        section.card.narrow {
            h1 { "Operators" }
            @if let Some(why) = why { p.banner.stop role="alert" { (why) } }
            form method="post" action=(IN) {
                label for="token" { "Your token" }
                input #token type="password" name="token" required maxlength="200" autocomplete="current-password"
                    autofocus spellcheck="false";
                button.go type="submit" { "Sign in" }
            }
            p.quiet {
                "Tokens are issued at the command line: " code { "bursar operators add NAME --role operator" } ", then "
                code { "bursar operators token NAME" } ". A session ends after 30 minutes without use."
            }
        }
    };
    let document = Document { title: "Sign in", now_ms: None, refresh: None, header: Header::Plain, body };
    page(status, Keeping::Never, render(document))
}

/// Signs the visitor out, here and in the browser.
pub(super) async fn out(
    operators: Arc<Operators>,
    visitor: Visitor,
    mut call: Call,
) -> Result<Response, ApiError> {
    operators.form(&visitor, &mut call).await?;
    let (recorder, actor) = (operators.recorder.clone(), visitor.actor.clone());
    let request_id = call.identity().request_id().to_owned();
    let work = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let Via::Session { session, .. } = &actor.via else { return Ok(Err(Rejection::Unauthorized)) };
        let ended = end_session(tx, &By::new(&actor, now), *session)?;
        if let Ok(done) = &ended {
            record(tx, &recorder, done, &request_id, now)?;
        }
        Ok(ended)
    };
    let ended = operators.platform.off_thread.transact("console.sign_out", work).await?;
    ended.map_err(|rejection| refusal(&rejection))?;
    Ok(see_with_cookie(IN, operators.cookie("", Duration::ZERO)))
}

impl Operators {
    async fn sign_in(self: Arc<Self>, mut call: Call) -> Result<Response, ApiError> {
        charge(&self.platform, IN, SIGN_INS, call.client().to_string()).await?;
        let token = SecretString::from(Form::read(&mut call).await?.field("token"));
        let request_id = call.identity().request_id().to_owned();
        match self.open(token, request_id).await? {
            Ok(issued) => {
                let age = SessionLimits::default().absolute_ms;
                let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
                Ok(see_with_cookie(HOME, self.cookie(issued.secret.reveal(), age)))
            }
            Err(rejection) => {
                let failed = failure(&call, &rejection);
                self.record(failed).await;
                let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::UNAUTHORIZED);
                Ok(form_page(status, Some(&rejection.to_string())))
            }
        }
    }

    /// Exchanges a token for a session, with its audit event.
    async fn open(
        &self,
        token: SecretString,
        request_id: String,
    ) -> Result<Result<Issued, Rejection>, ApiError> {
        let (recorder, entropy) = (self.recorder.clone(), Arc::clone(&self.platform.entropy));
        let work = move |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            // A session lasts as long for the person when the rules' clock runs fast.
            let limits = SessionLimits::default().on_clock(tx.clock().factor());
            let known = match authenticate_token(tx, token.expose_secret(), now)? {
                Ok(known) => known,
                Err(rejection) => return Ok(Err(rejection)),
            };
            let opened = open_session(tx, &*entropy, &known.actor, limits, now)?;
            if let Ok(issued) = &opened {
                stamp_uses(tx, known.stamp.as_slice())?;
                record(tx, &recorder, &issued.done, &request_id, now)?;
            }
            Ok(opened)
        };
        self.platform.off_thread.transact("console.sign_in", work).await
    }
}

/// The audit event of an attempt that failed.
fn failure(call: &Call, rejection: &Rejection) -> Event {
    Event {
        level: Level::Warn,
        desk: "platform",
        name: "console.sign_in_refused",
        actor: Author { kind: "client", id: String::new() },
        target: Target { kind: "route", id: IN.to_owned() },
        request_id: Some(call.identity().request_id().to_owned()),
        correlation_id: None,
        payload: json!({"code": rejection.code(), "client": call.client().to_string()}).to_string(),
    }
}

fn record(
    tx: &mut Tx<'_>,
    recorder: &Recorder,
    done: &Done,
    request_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (kind, id) = done.change.target();
    let event = Event {
        level: Level::Info,
        desk: "platform",
        name: done.change.event(),
        actor: Author { kind: "operator", id: done.cleared.actor.audit_id() },
        target: Target { kind, id },
        request_id: Some(request_id.to_owned()),
        correlation_id: None,
        payload: json!({"change": done.change}).to_string(),
    };
    recorder.record(tx, &[event], now).map(|_| ())
}
