//! `POST /link/wallet`: 422 for the body, 400 for the address, then 401.

use std::sync::Arc;

use axum::Json;
use bursar_store::Timestamp;
use bursar_web::{ApiError, Call};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Routes;
use super::super::refusals::{rejected, settled};
use crate::identity::wallet;

#[derive(Deserialize)]
struct Wish {
    banano_address: String,
}

pub(super) async fn link(
    routes: Arc<Routes>,
    mut call: Call,
    now: Timestamp,
) -> Result<Json<Value>, ApiError> {
    let wish: Wish = call.json().await?;
    let address = wallet::read_address(&routes.faucet, &wish.banano_address).map_err(rejected)?;
    let uid = routes.session(&call, now)?.uid;
    let (faucet, linked) = (Arc::clone(&routes.faucet), address.clone());
    let done = routes.faucet.platform.off_thread.run(move || wallet::link(&faucet, &uid, &linked)).await?;
    routes.known_player(settled(done))?;
    Ok(Json(json!({"linked": true, "address": address})))
}
