//! `GET /me/status`.

use std::sync::Arc;

use axum::Json;
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::platform_codes::UNAUTHORIZED;
use bursar_web::{ApiError, Call};
use serde_json::{Value, json};

use super::super::Routes;
use super::super::guards::{decimal, moment};
use super::super::public::board::standings;
use crate::faucet::Faucet;
use crate::identity::verify::peek;
use crate::policy::damaged;
use crate::record::{Tally, User, Verification, WalletLink};
use crate::rules::hodl::tier;
use crate::rules::holdings::Holdings;

pub(super) async fn status(routes: Arc<Routes>, call: Call, now: Timestamp) -> Result<Json<Value>, ApiError> {
    let uid = routes.session(&call, now)?.uid;
    let faucet = Arc::clone(&routes.faucet);
    let read = move |tx: &mut Tx<'_>| {
        let Some(user) = peek(tx, &uid)? else { return Ok(None) };
        read(tx, &faucet, &user).map(Some)
    };
    let shown = routes.faucet.platform.off_thread.read("faucet.status", read).await?;
    shown.map(Json).ok_or_else(|| ApiError::of(&UNAUTHORIZED))
}

fn read(tx: &mut Tx<'_>, faucet: &Faucet, user: &User) -> Result<Value, StoreError> {
    let now = tx.reading()?;
    let dry_run = faucet.mode(tx, now)?.dry_run;
    let links = WalletLink::of_users(tx, &[user.id])?;
    let primary = links.into_iter().find(|link| link.is_primary);
    let newest = Verification::newest(tx, user.id)?;
    let tally = Tally::peek(tx, &[user.id], dry_run)?.pop();
    let holdings = tally.map_or_else(Holdings::default, |tally| tally.holdings);
    let (_, standings) = standings(tx, faucet, &[user.id], dry_run, now)?;
    let tier = tier(user.token_balance);
    Ok(json!({
        "discord_username": user.discord_username, "linked": primary.is_some(),
        "wallet_address": primary.map(|link| link.address),
        "last_verified_at": newest.as_ref().map(|newest| moment(newest.created_at)),
        "last_verified_status": newest.as_ref().map(|newest| newest.status.as_str()),
        "last_verified_source": newest.as_ref().map(|newest| newest.source.as_str()),
        "accrued_rewards_ban": holdings.accrued().map_err(damaged)?.amount,
        "eligibility": user.eligibility.word(),
        "solana_wallet": user.solana_address, "jpmt_balance": user.token_balance, "jpmt_tier": tier.name,
        "jpmt_badge": tier.badge, "jpmt_multiplier": decimal(&tier.multiplier.to_string()),
        "jpmt_verified_at": user.token_verified_at.map(moment), "cap_status": standings.get(&user.id),
    }))
}
