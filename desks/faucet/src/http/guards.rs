//! What routes check before they work: who calls, and pieces of a query.

use std::net::IpAddr;

use axum::http::HeaderValue;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bursar_access::ServicePrincipal;
use bursar_audit::{Actor, Event, Level, Target};
use bursar_store::Timestamp;
use bursar_web::platform_codes::{INVALID_BODY, INVALID_QUERY, UNAUTHORIZED};
use bursar_web::{ApiError, Call, body};
use bytes::Bytes;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::Routes;
use crate::DESK;
use crate::identity::admin::{self, principal};
use crate::rules::session_token::{ADMIN_COOKIE, AdminClaims, USER_COOKIE, UserClaims};

/// What stands after the Discord id of an administrator who signed in through Discord, in place of an e-mail.
pub(super) const DISCORD_SUFFIX: &str = "@discord";
/// Kind of actor in audit rows.
pub(super) const ADMIN_KIND: &str = "faucet_admin";
/// Longest reason, in characters.
const REASON_MAX: usize = 200;

/// An administrator.
#[derive(Clone, Debug)]
pub(super) struct Admin {
    /// As the session names them.
    pub email: String,
}

impl Admin {
    /// What stands for them where personal data must not: the same for the same e-mail.
    pub(super) fn principal(&self) -> String {
        principal(&self.email)
    }

    /// As the platform's rooms know them.
    pub(super) fn actor(&self) -> bursar_access::Actor {
        bursar_access::Actor::from(ServicePrincipal::new(DESK, &self.principal()))
    }
}

/// An administrator's request whose body was read.
pub(super) struct Act {
    pub call: Call,
    pub admin: Admin,
    pub body: Bytes,
}

impl Act {
    /// The body as JSON; an empty one is an empty object.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        body::parse_json(if self.body.is_empty() { b"{}" } else { &self.body })
    }

    /// The audit row of what was done.
    pub(super) fn event(&self, done: &Done<'_>) -> Event {
        event(&self.call, &self.admin.email, done)
    }
}

/// Something that an administrator did.
pub(super) struct Done<'a> {
    pub action: &'static str,
    pub target: (&'static str, &'a str),
    pub summary: String,
    pub detail: Value,
}

pub(super) fn event(call: &Call, email: &str, done: &Done<'_>) -> Event {
    let identity = call.identity();
    let correlation = identity.correlation_id();
    let summary: String = done.summary.chars().take(200).collect();
    let client: IpAddr = call.client();
    let payload = json!({
        "actor_email": email, "ip_address": client.to_string(), "summary": summary, "detail": done.detail,
    });
    Event {
        level: Level::Info,
        desk: DESK,
        name: done.action,
        actor: Actor { kind: ADMIN_KIND, id: principal(email) },
        target: Target { kind: done.target.0, id: done.target.1.chars().take(64).collect() },
        request_id: Some(identity.request_id().to_owned()),
        correlation_id: (correlation != identity.request_id()).then(|| correlation.to_owned()),
        payload: payload.to_string(),
    }
}

impl Routes {
    /// The player whose session the call carries.
    pub(super) fn session(&self, call: &Call, now: Timestamp) -> Result<UserClaims, ApiError> {
        let token = call.cookie(USER_COOKIE).unwrap_or_default();
        self.sessions.read(token, now).map_err(|_| ApiError::of(&UNAUTHORIZED))
    }

    /// The administrator whose session the call carries, as long as they still are one.
    pub(super) fn admin<'a>(
        &'a self,
        call: &Call,
        now: Timestamp,
    ) -> impl Future<Output = Result<Admin, ApiError>> + Send + use<'a> {
        let token = call.cookie(ADMIN_COOKIE).unwrap_or_default().to_owned();
        async move { self.admin_of(&token, now).await }
    }

    /// The administrator whose session this is, as long as they still are one.
    pub(super) async fn admin_of(&self, token: &str, now: Timestamp) -> Result<Admin, ApiError> {
        let unauthorized = || ApiError::of(&UNAUTHORIZED);
        let AdminClaims { email, iat, .. } = self.sessions.read(token, now).map_err(|_| unauthorized())?;
        let asked = email.clone();
        let is_admin = match email.strip_suffix(DISCORD_SUFFIX) {
            Some(id) => self.config.admin_discord_ids.iter().any(|admin| admin == id),
            None => {
                let work = move |tx: &mut bursar_store::Tx<'_>| admin::is_in_force(tx, &asked, iat);
                self.faucet.platform.off_thread.read("faucet.admin", work).await?
            }
        };
        if is_admin { Ok(Admin { email }) } else { Err(unauthorized()) }
    }
}

/// A secret in a body.
pub(super) struct Secret(pub SecretString);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(|text| Secret(text.into()))
    }
}

/// A page of a list: `limit` held between 1 and `most`, `offset` refused below 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub limit: i64,
    pub offset: i64,
}

/// The furthest that a list goes back.
const OFFSET_MAX: i64 = 1_000_000;

pub(super) fn page(call: &Call, default: i64, most: i64) -> Result<Page, ApiError> {
    let limit = whole(call, "limit", default)?.clamp(1, most);
    let offset = whole(call, "offset", 0)?;
    if !(0..=OFFSET_MAX).contains(&offset) {
        return Err(ApiError::because(&INVALID_QUERY, "offset takes a whole number from 0 to 1000000."));
    }
    Ok(Page { limit, offset })
}

/// A whole number in the query, or `default`.
pub(super) fn whole(call: &Call, name: &'static str, default: i64) -> Result<i64, ApiError> {
    let Some(text) = call.query(name) else { return Ok(default) };
    text.parse().map_err(|_| ApiError::because(&INVALID_QUERY, format!("{name} takes a whole number.")))
}

/// Yes or no in the query.
pub(super) fn flag(call: &Call, name: &'static str) -> Result<Option<bool>, ApiError> {
    match call.query(name).as_deref() {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(_) => Err(ApiError::because(&INVALID_QUERY, format!("{name} takes true or false."))),
    }
}

/// Why somebody did something: 1 to 200 characters.
pub(super) fn reason(text: &str) -> Result<&str, ApiError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > REASON_MAX || text.contains('\0') {
        return Err(ApiError::because(&INVALID_BODY, "reason takes 1 to 200 characters: why."));
    }
    Ok(text)
}

/// An answer with a cookie.
pub(super) fn with_cookie(answer: impl IntoResponse, cookie: HeaderValue) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// A moment as JSON shows it: RFC 3339 in UTC.
pub(super) fn moment(at: Timestamp) -> Value {
    let text = jiff::Timestamp::from_millisecond(at.ms()).map(|at| format!("{at:.3}"));
    text.map_or(Value::Null, Value::from)
}

/// A plain decimal number as JSON shows it.
pub(super) fn decimal(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}
