//! Signing in through Discord (docs/spec/faucet.md 4.1 and 3.9).

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bursar_store::{Timestamp, Tx};
use bursar_web::platform_codes::INVALID_QUERY;
use bursar_web::{ApiError, Auth, Call, Operation, schema};

use super::super::guards::with_cookie;
use super::super::refusals::{rejected, settled};
use super::super::{Routes, reading};
use crate::faucet::Faucet;
use crate::identity::nonce::{Purpose, draw, use_once};
use crate::identity::{IdentityRejection, sign_in};
use crate::record::User;
use crate::rules::region::region;
use crate::rules::session_token::{STATE_TTL_S, StateClaims, UserClaims};

pub(in crate::http) const LOGIN: &str = "/auth/discord/login";
pub(in crate::http) const CALLBACK: &str = "/auth/discord/callback";
/// Binds a sign-in to the browser that began it: a state that somebody else's browser brings counts for nothing.
const LOGIN_COOKIE: &str = "p2s_login";
/// What the cookie's value is derived with.
const BINDING: &str = "bursar faucet login binding v1";
/// A state that the demonstration accepts.
const DEMO_STATE: &str = "xyz";

pub(super) fn login_operation() -> Operation {
    Operation::new("faucet_login", "Sign in through Discord.", Auth::None)
        .refusal(StatusCode::TEMPORARY_REDIRECT, "To Discord.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls; see Retry-After.")
}

pub(super) fn callback_operation() -> Operation {
    reading("faucet_callback", "Come back from Discord.", Auth::None)
        .required_query("state", schema::string(), "As it was given to Discord; counts once.")
        .required_query("code", schema::string(), "Discord's code.")
        .refusal(StatusCode::FOUND, "To `/` with a session, or to a page that says what is missing.")
        .refusal(StatusCode::BAD_REQUEST, "The state or code does not count.")
        .refusal(StatusCode::CONFLICT, "The Epic account earns for another player.")
        .refusal(StatusCode::UNPROCESSABLE_ENTITY, "A parameter is missing.")
        .refusal(StatusCode::BAD_GATEWAY, "Discord or Yunite gave no usable answer.")
}

pub(super) async fn login(routes: Arc<Routes>, _: Call, now: Timestamp) -> Result<Response, ApiError> {
    let nonce = draw(&*routes.faucet.platform.entropy);
    let state =
        routes.sessions.sign(&StateClaims::new(&nonce, now)).map_err(|error| ApiError::fault(&error))?;
    let cookie = routes.cookie(LOGIN_COOKIE, &binding(&nonce), STATE_TTL_S)?;
    let answer = redirect(StatusCode::TEMPORARY_REDIRECT, &routes.config.discord.authorize_url(&state))?;
    Ok(with_cookie(answer, cookie))
}

/// What the browser keeps of a state's nonce; whoever sees it cannot make the state.
fn binding(nonce: &str) -> String {
    hex::encode(blake3::derive_key(BINDING, nonce.as_bytes()))
}

pub(super) async fn callback(routes: Arc<Routes>, call: Call, now: Timestamp) -> Result<Response, ApiError> {
    let (state, code) = (parameter(&call, "state")?, parameter(&call, "code")?);
    let region = where_from(&routes.faucet, &call);
    let bound_to = call.cookie(LOGIN_COOKIE).unwrap_or_default().to_owned();
    drop(call);
    routes.use_state(&state, &bound_to, now).await?;
    let faucet = Arc::clone(&routes.faucet);
    let outcome = routes.faucet.platform.off_thread.run(move || sign_in(&faucet, &code, region)).await?;
    match outcome {
        Ok(Err(IdentityRejection::NotInGuild)) => {
            redirect(StatusCode::FOUND, "/static/link-required.html?reason=guild")
        }
        Ok(Err(IdentityRejection::NoEpicAccount)) => {
            redirect(StatusCode::FOUND, "/static/link-required.html?reason=epic")
        }
        outcome => {
            let user = settled(outcome)?;
            Ok(with_cookie(redirect(StatusCode::FOUND, "/")?, routes.session_of(&user, now)?))
        }
    }
}

fn parameter(call: &Call, name: &'static str) -> Result<String, ApiError> {
    let value = call.query(name).filter(|value| !value.is_empty()).map(std::borrow::Cow::into_owned);
    value.ok_or_else(|| ApiError::because(&INVALID_QUERY, format!("{name} is missing.")))
}

impl Routes {
    /// The cookie of a session that begins now.
    pub(in crate::http) fn session_of(&self, user: &User, now: Timestamp) -> Result<HeaderValue, ApiError> {
        let uid = user.discord_user_id.as_deref().unwrap_or_default();
        let token =
            self.sessions.sign(&UserClaims::new(uid, now)).map_err(|error| ApiError::fault(&error))?;
        self.user_cookie(&token)
    }

    /// Uses up the state of a sign-in, if the browser that brings it is the one that it was made for.
    async fn use_state(&self, state: &str, bound_to: &str, now: Timestamp) -> Result<(), ApiError> {
        let refused = || rejected(IdentityRejection::BadState);
        if state == DEMO_STATE && self.config.is_demo && self.faucet.policy.dry_run {
            return Ok(());
        }
        let claims = self.sessions.read::<StateClaims>(state, now).map_err(|_| refused())?;
        // Hashes are compared, so how long it takes says nothing of the cookie that would fit.
        if binding(&claims.nonce) != bound_to {
            return Err(refused());
        }
        let expires_at = Timestamp::from_ms(claims.exp.saturating_add(1).saturating_mul(1_000));
        let work = move |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            use_once(tx, Purpose::OauthState, &claims.nonce, expires_at, now)
        };
        let is_first = self.faucet.platform.off_thread.transact("faucet.state", work).await?;
        if is_first { Ok(()) } else { Err(refused()) }
    }
}

/// Where a caller is, coarsely; counts how it is known.
fn where_from(faucet: &Faucet, call: &Call) -> Option<String> {
    let header = call.region().filter(|region| !region.trim().is_empty());
    let region = region(header, Some(call.client()));
    let metrics = &faucet.metrics;
    match (&region, header) {
        (Some(_), Some(_)) => metrics.region_header.increment(),
        (Some(_), None) => metrics.region_inferred.increment(),
        (None, _) => metrics.region_unknown.increment(),
    }
    region
}

fn redirect(status: StatusCode, to: &str) -> Result<Response, ApiError> {
    let location = HeaderValue::from_str(to).map_err(|error| ApiError::fault(&error))?;
    let no_store = HeaderValue::from_static("no-store");
    Ok((status, [(header::LOCATION, location), (header::CACHE_CONTROL, no_store)]).into_response())
}
