//! `GET /api/leaderboard`, and how players stand against the caps.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::{ApiError, Auth, Call, Operation};
use serde_json::{Value, json};

use super::super::guards::page;
use super::super::{Routes, reading};
use crate::faucet::Faucet;
use crate::policy::unusable_caps;
use crate::record::listing::{self, BoardRow};
use crate::record::{Payout, Tally, Totals};
use crate::rules::caps::{CapStatus, Caps};
use crate::rules::hodl::tier;
use crate::rules::holdings::Share;
use crate::settings::Values;

pub(super) const UNKNOWN: &str = "Unknown";

pub(super) fn operation() -> Operation {
    reading("faucet_leaderboard", "Players by kills.", Auth::None)
}

pub(super) async fn board(routes: Arc<Routes>, call: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let page = page(&call, 50, 100)?;
    let faucet = Arc::clone(&routes.faucet);
    let read = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let dry_run = faucet.mode(tx, now)?.dry_run;
        let rows = listing::board(tx, dry_run, page.limit, page.offset)?;
        let ids: Vec<i64> = rows.iter().map(|row| row.user_id).collect();
        let (caps, standings) = standings(tx, &faucet, &ids, dry_run, now)?;
        let players: Vec<Value> = rows.iter().map(|row| player(row, standings.get(&row.user_id))).collect();
        Ok(json!({
            "players": players, "total": Totals::peek(tx, dry_run)?.users,
            "limit": page.limit, "offset": page.offset,
            "caps": {"daily": caps.daily, "weekly": caps.weekly},
        }))
    };
    routes.faucet.platform.off_thread.read("faucet.board", read).await.map(Json)
}

fn player(row: &BoardRow, standing: Option<&CapStatus>) -> Value {
    json!({
        "discord_username": row.username.as_deref().unwrap_or(UNKNOWN), "total_kills": row.kills,
        "total_accrued_ban": row.accrued, "total_paid_ban": row.paid,
        "jpmt_badge": tier(row.token_balance).badge, "cap_status": standing,
    })
}

/// The caps in force, and how each of these players stands against them: what the payer goes by.
pub(in crate::http) fn standings(
    tx: &mut Tx<'_>,
    faucet: &Faucet,
    users: &[i64],
    dry_run: bool,
    now: Timestamp,
) -> Result<(Caps, HashMap<i64, CapStatus>), StoreError> {
    let live = Values::read(tx)?;
    let terms = faucet.policy.cap_terms(&live, now).map_err(|error| unusable_caps(&error))?;
    let mut payouts: HashMap<i64, Vec<Payout>> = HashMap::new();
    for payout in Payout::of_users_since(tx, users, dry_run, terms.since())? {
        payouts.entry(payout.user_id).or_default().push(payout);
    }
    let open: HashMap<i64, Share> = Tally::peek(tx, users, dry_run)?
        .into_iter()
        .map(|tally| (tally.user_id, tally.holdings.open))
        .collect();
    let standing = |user: &i64| {
        let used = terms.used(payouts.get(user).map_or(&[], Vec::as_slice));
        (*user, CapStatus::new(terms.caps, used, open.get(user).copied().unwrap_or_default()))
    };
    Ok((terms.caps, users.iter().map(standing).collect()))
}
