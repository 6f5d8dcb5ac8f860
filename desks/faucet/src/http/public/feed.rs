//! `GET /api/feed`: the newest accruals and payouts.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use bursar_store::{Timestamp, Tx};
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use serde_json::{Value, json};

use super::super::guards::{moment, page};
use super::super::{Routes, reading};
use super::board::{UNKNOWN, standings};
use crate::record::User;
use crate::record::listing::{newest_accruals, newest_payouts};
use crate::rules::hodl::tier;
use crate::rules::holdings::AccrualState;

pub(super) fn operation() -> Operation {
    let limit = "How many of each, 1 to 100; 30 unless given.";
    reading("faucet_feed", "The newest accruals and payouts.", Auth::None).query(
        "limit",
        schema::integer(),
        limit,
    )
}

pub(super) async fn feed(routes: Arc<Routes>, call: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let limit = page(&call, 30, 100)?.limit;
    let faucet = Arc::clone(&routes.faucet);
    let read = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let dry_run = faucet.mode(tx, now)?.dry_run;
        let accruals = newest_accruals(tx, dry_run, limit)?;
        let payouts = newest_payouts(tx, dry_run, limit)?;
        let mut ids: Vec<i64> = accruals.iter().map(|row| row.user_id).collect();
        ids.extend(payouts.iter().map(|row| row.user_id));
        ids.sort_unstable();
        ids.dedup();
        let people: HashMap<i64, User> =
            User::peek(tx, &ids)?.into_iter().map(|user| (user.id, user)).collect();
        let (_, standings) = standings(tx, &faucet, &ids, dry_run, now)?;
        let name =
            |id: i64| people.get(&id).and_then(|user| user.discord_username.as_deref()).unwrap_or(UNKNOWN);
        let badge = |id: i64| people.get(&id).map_or("", |user| tier(user.token_balance).badge);
        let accruals = accruals.iter().map(|row| {
            json!({
                "discord_username": name(row.user_id), "kills": row.kills, "amount_ban": row.amount,
                "settled": row.state == AccrualState::Settled, "created_at": moment(row.created_at),
                "jpmt_badge": badge(row.user_id),
                "user_at_cap": standings.get(&row.user_id).is_some_and(|standing| standing.at_cap),
            })
        });
        let payouts = payouts.iter().map(|row| {
            json!({
                "discord_username": name(row.user_id), "amount_ban": row.amount,
                "status": row.state.public().word(), "tx_hash": row.tx_hash,
                "created_at": moment(row.created_at), "jpmt_badge": badge(row.user_id),
            })
        });
        let (accruals, payouts): (Vec<Value>, Vec<Value>) = (accruals.collect(), payouts.collect());
        Ok(json!({"accruals": accruals, "payouts": payouts}))
    };
    routes.faucet.platform.off_thread.read("faucet.feed", read).await.map(Json)
}
