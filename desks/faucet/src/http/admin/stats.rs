//! `GET /admin/stats`: sums that were kept with the writes.

use std::sync::Arc;

use axum::Json;
use bursar_store::{Timestamp, Tx};
use bursar_web::{ApiError, Call};
use serde_json::{Value, json};

use super::super::Routes;
use super::super::public::donate::whole;
use crate::policy::unusable_caps;
use crate::record::Totals;
use crate::settings::Values;

pub(super) async fn stats(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let seen = routes.balance().await?;
    let faucet = Arc::clone(&routes.faucet);
    let read = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let dry_run = faucet.mode(tx, now)?.dry_run;
        let live = Values::read(tx)?;
        let totals = Totals::peek(tx, dry_run)?;
        let caps = faucet.policy.cap_terms(&live, now).map_err(|error| unusable_caps(&error))?.caps;
        let base = faucet.policy.rate_totals(tx, &live, now)?.base;
        let wallet = faucet.payouts.wallet(tx, &faucet.operator)?;
        Ok(json!({
            "users_total": totals.users, "verifications_ok": totals.verifications_ok,
            "payouts_sent_ban": totals.paid, "payouts_pending_ban": totals.reserved,
            "accruals_total_ban": totals.accrued, "accruals_pending_ban": totals.open,
            "abuse_flags": totals.flags,
            "operator_account": wallet.map(|wallet| wallet.address.as_str().to_owned()),
            "operator_balance_ban": seen.map(|seen| seen.balance()),
            "operator_pending_ban": seen.map(|seen| whole(seen.pending)),
            "ban_per_kill": base, "daily_kill_cap": caps.daily, "weekly_kill_cap": caps.weekly,
            "scheduler_minutes": live.intervals().accrual_s() / 60, "dry_run": dry_run,
        }))
    };
    routes.faucet.platform.off_thread.read("faucet.stats", read).await.map(Json)
}
