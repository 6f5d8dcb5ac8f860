//! `POST /me/verify-solana` and `/me/reverify`.

use std::sync::Arc;

use axum::Json;
use bursar_store::Timestamp;
use bursar_web::platform_codes::{INVALID_BODY, UNAUTHORIZED};
use bursar_web::{ApiError, Call};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Routes;
use super::super::codes::UNKNOWN_PLAYER;
use super::super::guards::{decimal, moment};
use super::super::refusals::{rejected, settled};
use crate::identity::solana::{self, Proof};
use crate::identity::{IdentityRejection, reverify_own};
use crate::record::User;
use crate::rules::hodl::tier;

#[derive(Deserialize)]
struct Sent {
    solana_address: String,
    message: String,
    signature: String,
}

#[derive(Deserialize)]
struct Named {
    solana_address: String,
}

impl Routes {
    /// A session whose player is gone is no session any more.
    pub(super) fn known_player<T>(&self, done: Result<T, ApiError>) -> Result<T, ApiError> {
        done.map_err(
            |error| if error.code() == UNKNOWN_PLAYER.code { ApiError::of(&UNAUTHORIZED) } else { error },
        )
    }
}

pub(super) async fn nonce(
    routes: Arc<Routes>,
    mut call: Call,
    now: Timestamp,
) -> Result<Json<Value>, ApiError> {
    let named: Named = call.json().await?;
    let uid = routes.session(&call, now)?.uid;
    let faucet = Arc::clone(&routes.faucet);
    let work = move || solana::challenge(&faucet, &uid, &named.solana_address);
    let text = routes.known_player(settled(routes.faucet.platform.off_thread.run(work).await?))?;
    Ok(Json(json!({"message": text, "expires_in": 300})))
}

/// The proof is checked before the session: what is wrong with it is told to anybody.
pub(super) async fn solana(
    routes: Arc<Routes>,
    mut call: Call,
    now: Timestamp,
) -> Result<Json<Value>, ApiError> {
    let sent: Sent = call.json().await?;
    if !(32..=64).contains(&sent.solana_address.chars().count()) {
        return Err(ApiError::because(&INVALID_BODY, "solana_address takes 32 to 64 characters."));
    }
    if !routes.faucet.policy.is_boost_on {
        return Err(rejected(IdentityRejection::BoostDisabled));
    }
    let Sent { solana_address, message, signature } = sent;
    let proof = Proof { address: solana_address, message, signature };
    let proven = solana::check(&proof, now).map_err(rejected)?;
    let uid = routes.session(&call, now)?.uid;
    let faucet = Arc::clone(&routes.faucet);
    let done = routes.faucet.platform.off_thread.run(move || solana::attach(&faucet, &uid, &proven)).await?;
    let user = routes.known_player(settled(done))?;
    let tier = tier(user.token_balance);
    Ok(Json(json!({
        "solana_address": user.solana_address, "jpmt_balance": user.token_balance, "tier": tier.name,
        "badge": tier.badge, "multiplier": decimal(&tier.multiplier.to_string()),
        "verified_at": user.token_verified_at.map(moment),
    })))
}

pub(super) async fn reverify(
    routes: Arc<Routes>,
    call: Call,
    now: Timestamp,
) -> Result<Json<Value>, ApiError> {
    let uid = routes.session(&call, now)?.uid;
    let faucet = Arc::clone(&routes.faucet);
    let work = move || reverify_own(&faucet, &uid);
    let user = routes.known_player(settled(routes.faucet.platform.off_thread.run(work).await?))?;
    Ok(Json(accepted(&user)))
}

/// What a verification answers.
pub(in crate::http) fn accepted(user: &User) -> Value {
    json!({
        "status": "accepted", "discord_id": user.discord_user_id, "epic_account_id": user.epic_account_id,
    })
}
