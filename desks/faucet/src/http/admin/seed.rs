//! The operator's seed: set once, sealed, never shown.

use std::sync::Arc;

use axum::Json;
use bursar_store::{Timestamp, Tx};
use bursar_web::{ApiError, Call};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::guards::{Act, Done, Secret, moment};
use super::super::{Routes, codes};
use crate::record::listing::AdminEvents;

const ACTION: &str = "set_operator_seed";
const SEED_DIGITS: usize = 64;

#[derive(Deserialize)]
struct Wish {
    seed: Secret,
}

pub(super) async fn set(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let Wish { seed: Secret(sent) } = act.json()?;
    let seed = SecretString::from(sent.expose_secret().trim().to_owned());
    let digits = seed.expose_secret();
    if digits.len() != SEED_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ApiError::because(&codes::INVALID_SEED, "The seed is 64 hexadecimal digits."));
    }
    let done = act.event(&Done {
        action: ACTION,
        target: ("secure_config", "operator_seed"),
        summary: "the operator's seed was set".to_owned(),
        detail: Value::Null,
    });
    let (actor, shared) = (act.admin.actor(), Arc::clone(&routes));
    let work = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let address = match (shared.set_seed)(tx, &seed, &actor, now)? {
            Ok(address) => address,
            Err(refusal) => return Ok(Err(refusal)),
        };
        shared.recorder.record(tx, std::slice::from_ref(&done), now)?;
        Ok(Ok(address))
    };
    let set = routes.faucet.platform.off_thread.transact("faucet.set_seed", work).await?;
    let address = set.map_err(|refusal| ApiError::because(&codes::INVALID_SEED, refusal.0))?;
    routes.faucet.platform.waker.wake();
    Ok(
        json!({"success": true, "message": format!("The operator's account is {address}."), "address": address}),
    )
}

pub(super) async fn status(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let faucet = Arc::clone(&routes.faucet);
    let read = move |tx: &mut Tx<'_>| {
        let wallet = faucet.payouts.wallet(tx, &faucet.operator)?;
        let set = AdminEvents { action: ACTION, ..AdminEvents::default() }.rows(tx, 1, 0)?.pop();
        let by = set.as_ref().and_then(|set| serde_json::from_str::<Value>(set.payload.as_deref()?).ok());
        Ok(json!({
            "configured": wallet.is_some(),
            "address": wallet.map(|wallet| wallet.address.as_str().to_owned()),
            "set_by": by.as_ref().and_then(|by| by.get("actor_email")), "updated_at": set.map(|set| moment(set.at)),
        }))
    };
    routes.faucet.platform.off_thread.read("faucet.seed", read).await.map(Json)
}
