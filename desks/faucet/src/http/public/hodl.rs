//! `GET /hodl/tiers` and `/hodl/boosted`: what holding the token brings, and to whom.

use std::sync::Arc;

use axum::Json;
use bursar_store::Timestamp;
use bursar_web::{ApiError, Call};
use serde_json::{Value, json};

use super::super::Routes;
use super::super::guards::{decimal, moment};
use super::board::UNKNOWN;
use crate::record::listing::holders;
use crate::rules::hodl::{TIERS, tier};

/// Players shown at most; `total` tells of the rest.
const SHOWN: i64 = 500;

pub(super) async fn tiers(_: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let tiers = TIERS.iter().map(|tier| {
        json!({
            "threshold": tier.threshold, "name": tier.name, "emoji": tier.emoji, "badge": tier.badge,
            "description": tier.description, "multiplier": decimal(&tier.multiplier.to_string()),
        })
    });
    Ok(Json(json!({"tiers": tiers.collect::<Vec<Value>>()})))
}

pub(super) async fn boosted(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let read = |tx: &mut bursar_store::Tx<'_>| holders(tx, SHOWN);
    let (holders, total) = routes.faucet.platform.off_thread.read("faucet.boosted", read).await?;
    let shown = holders.iter().map(|(name, balance, at)| {
        let tier = tier(*balance);
        json!({
            "discord_username": name.as_deref().unwrap_or(UNKNOWN), "jpmt_balance": balance,
            "tier_name": tier.name, "tier_emoji": tier.emoji, "tier_badge": tier.badge,
            "multiplier": decimal(&tier.multiplier.to_string()), "verified_at": at.map(moment),
        })
    });
    Ok(Json(json!({"boosted_users": shown.collect::<Vec<Value>>(), "total": total})))
}
