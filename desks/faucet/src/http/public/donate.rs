//! `GET /api/donate-info`: where to donate. It reads; nothing is signed or received for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use bursar_money::Amount;
use bursar_store::Timestamp;
use bursar_web::{ApiError, Call};
use serde_json::{Value, json};

use super::super::Routes;
use crate::balance::Seen;
use crate::rules::ban::BanE8;

/// However many ask, the chain is asked no more often than this.
const ASKED_EVERY: Duration = Duration::from_secs(15);

/// What the chain said when this process last asked it for a visitor.
pub(in crate::http) struct BalanceAsked {
    at: Instant,
    seen: Option<Seen>,
}

pub(super) async fn donate_info(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let faucet = Arc::clone(&routes.faucet);
    let wallet = routes.faucet.platform.off_thread.run(move || faucet.balance.wallet()).await?;
    let wallet = wallet.map_err(|error| ApiError::fault(&error))?;
    let seen = match &wallet {
        Some(_) => routes.balance().await?,
        None => None,
    };
    Ok(Json(json!({
        "address": wallet.map(|wallet| wallet.address.as_str().to_owned()),
        "balance": seen.map(|seen| seen.balance()), "balance_raw": seen.map(|seen| seen.settled.to_string()),
        "pending": seen.map(|seen| whole(seen.pending)), "pending_raw": seen.map(|seen| seen.pending.to_string()),
    })))
}

/// Whole e8 of an amount in raw.
pub(in crate::http) fn whole(raw: Amount) -> BanE8 {
    BanE8::from_raw_floor(raw).map_or(BanE8::MAX, |(amount, _)| amount)
}

impl Routes {
    /// What the operator's wallet holds, as the chain said lately.
    pub(in crate::http) async fn balance(&self) -> Result<Option<Seen>, ApiError> {
        {
            // Whoever finds it stale asks; meanwhile the others are told what was known.
            let mut asked = self.balance_asked.lock();
            let known = asked.as_ref().and_then(|asked| asked.seen).or_else(|| self.faucet.balance.known());
            if asked.as_ref().is_some_and(|asked| asked.at.elapsed() < ASKED_EVERY) {
                return Ok(known);
            }
            *asked = Some(BalanceAsked { at: Instant::now(), seen: known });
        }
        let faucet = Arc::clone(&self.faucet);
        let seen = self.faucet.platform.off_thread.run(move || faucet.balance.ask()).await?;
        let seen = seen.map_err(|error| ApiError::fault(&error))?;
        let mut asked = self.balance_asked.lock();
        *asked = Some(BalanceAsked { at: Instant::now(), seen });
        Ok(seen)
    }
}
