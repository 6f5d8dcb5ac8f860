//! `POST /admin/login`: an allow-listed Discord account with a session, or e-mail and password.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use bursar_audit::{Event, Level};
use bursar_store::{Timestamp, Tx};
use bursar_web::platform_codes::UNAUTHORIZED;
use bursar_web::{ApiError, Auth, Call, Operation, body, schema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::guards::{DISCORD_SUFFIX, Done, Secret, event, with_cookie};
use super::super::refusals::settled;
use super::super::{Routes, changing};
use crate::identity::admin::{SignedIn, sign_in};
use crate::identity::verify::peek;
use crate::rules::session_token::AdminClaims;

pub(super) const PATH: &str = "/admin/login";

#[derive(Deserialize)]
struct Credentials {
    email: Option<String>,
    password: Option<Secret>,
}

pub(super) fn operation() -> Operation {
    let request = schema::object([("email?", schema::string()), ("password?", schema::string())]);
    changing("faucet_admin_login", "Begin an administrator's session.", Auth::None, request)
        .describe(
            "By the session of a Discord account that is an administrator's, or by e-mail and password.",
        )
        .refusal(StatusCode::UNAUTHORIZED, "Not an administrator, or a wrong password.")
}

pub(super) async fn login(routes: Arc<Routes>, mut call: Call, now: Timestamp) -> Result<Response, ApiError> {
    let sent = call.bytes().await?;
    let credentials: Credentials = body::parse_json(if sent.is_empty() { b"{}" } else { &sent })?;
    let (email, name, not_before) = match routes.allow_listed(&call, now).await? {
        // Names change hands; the id is what the list has, and what each request is checked against.
        Some((id, name)) if credentials.email.is_none() => (format!("{id}{DISCORD_SUFFIX}"), Some(name), now),
        Some(_) | None => {
            let SignedIn { email, not_before } = routes.by_password(&call, credentials).await?;
            (email, None, not_before)
        }
    };
    let token = routes
        .sessions
        .sign(&AdminClaims::new(&email, now).dated_from(not_before))
        .map_err(|error| ApiError::fault(&error))?;
    let done = Done {
        action: "admin_login",
        target: ("session", ""),
        summary: "signed in".to_owned(),
        detail: json!({"by": if name.is_some() { "discord" } else { "password" }}),
    };
    routes.record(event(&call, &email, &done)).await?;
    let mut answer = json!({"email": email});
    if let Some(name) = name {
        answer["discord_username"] = Value::from(name);
    }
    Ok(with_cookie(Json(answer), routes.admin_cookie(&token)?))
}

impl Routes {
    /// Id and name of the Discord account whose session the call carries, if it is an administrator's.
    fn allow_listed<'a>(
        &'a self,
        call: &Call,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<(String, String)>, ApiError>> + Send + use<'a> {
        let uid = self.session(call, now).ok().map(|claims| claims.uid);
        let uid = uid.filter(|uid| self.config.admin_discord_ids.iter().any(|admin| admin == uid));
        async move {
            let Some(uid) = uid else { return Ok(None) };
            let asked = uid.clone();
            let read = move |tx: &mut Tx<'_>| peek(tx, &asked);
            let user = self.faucet.platform.off_thread.read("faucet.admin_login", read).await?;
            Ok(user.and_then(|user| user.discord_username).map(|name| (uid, name)))
        }
    }

    fn by_password<'a>(
        &'a self,
        call: &Call,
        credentials: Credentials,
    ) -> impl Future<Output = Result<SignedIn, ApiError>> + Send + use<'a> {
        let denied = |email: &str| {
            let done = Done {
                action: "admin_login_denied",
                target: ("session", ""),
                summary: "a sign-in was refused".to_owned(),
                detail: Value::Null,
            };
            Event { level: Level::Warn, ..event(call, email, &done) }
        };
        let asked = credentials.email.clone().unwrap_or_default();
        let refusal = denied(&asked.chars().take(255).collect::<String>());
        async move {
            let signed = match (credentials.email, credentials.password) {
                (Some(email), Some(Secret(password))) if !email.ends_with(DISCORD_SUFFIX) => {
                    let faucet = Arc::clone(&self.faucet);
                    let work = move || sign_in(&faucet, &email, &password);
                    settled(self.faucet.platform.off_thread.run(work).await?)
                }
                _ => Err(ApiError::of(&UNAUTHORIZED)),
            };
            if signed.as_ref().is_err_and(|error| error.status() != StatusCode::INTERNAL_SERVER_ERROR) {
                self.record(refusal).await?;
            }
            signed
        }
    }

    /// Records an event that belongs to no change.
    pub(super) async fn record(&self, event: Event) -> Result<(), ApiError> {
        Ok(self.faucet.platform.journal.record(event).await?)
    }
}
