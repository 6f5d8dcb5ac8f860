//! `GET /config/product`: texts for the pages, and the promotion that runs.

use std::sync::Arc;

use axum::Json;
use bursar_store::Timestamp;
use bursar_web::{ApiError, Call};
use serde_json::{Value, json};

use super::super::Routes;
use super::super::guards::decimal;
use crate::rules::promo::Promo;

pub(super) async fn product(routes: Arc<Routes>, _: Call, now: Timestamp) -> Result<Json<Value>, ApiError> {
    let faucet = Arc::clone(&routes.faucet);
    let read = move |tx: &mut bursar_store::Tx<'_>| faucet.mode(tx, now);
    let mode = routes.faucet.platform.off_thread.read("faucet.product", read).await?;
    let texts = &routes.config.product;
    let promo = routes.faucet.policy.promo(now);
    Ok(Json(json!({
        "app_name": texts.app_name, "org_name": texts.org_name, "banner_url": texts.banner_url,
        "media_kit_url": texts.media_kit_url, "default_locale": texts.default_locale,
        "discord_invite_url": texts.discord_invite_url,
        "feature_flags": {"dry_run_banner": mode.dry_run, "lunar_new_year": promo.is_some()},
        "promo": promo.map(|promo| shown(promo, now)),
    })))
}

fn shown(promo: &Promo, now: Timestamp) -> Value {
    json!({
        "key": promo.key, "name": promo.name, "emoji": promo.emoji, "tagline": promo.tagline,
        "multiplier": decimal(&promo.multiplier.to_string()), "daily_cap": promo.daily_cap,
        "weekly_cap": promo.weekly_cap, "start": promo.first_day.to_string(), "end": promo.last_day.to_string(),
        "theme": promo.theme, "days_remaining": promo.days_remaining(now),
    })
}
