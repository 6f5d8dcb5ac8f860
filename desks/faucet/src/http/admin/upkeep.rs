//! Upkeep by hand: reconciling, pruning, erasing, and what helps in an incident.

use std::sync::Arc;

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bursar_audit::{Actor, Event, Level};
use bursar_store::{Timestamp, Tx};
use bursar_web::metrics::Format;
use bursar_web::platform_codes::INVALID_QUERY;
use bursar_web::{ApiError, Call};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::guards::{ADMIN_KIND, Act, Done, reason};
use super::super::{Routes, codes};
use crate::CLOCK;
use crate::rules::pruning::Retention;
use crate::upkeep::{
    ERASED, Eraser, Pruned, erase as erase_player, prunable, prune as prune_rows, reconcile as compare,
};
use crate::upstream::{Link, Reading};

#[derive(Deserialize)]
struct PruneWish {
    reason: String,
    retention_days: Option<u32>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
struct EraseWish {
    reason: String,
}

pub(super) async fn reconcile(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let faucet = Arc::clone(&routes.faucet);
    let found = routes.faucet.platform.off_thread.run(move || compare(&faucet)).await?;
    let found = found.map_err(|error| ApiError::fault(&error))?;
    let mut kinds = json!({});
    for (kind, count) in found.mismatches.counts() {
        kinds[kind] = count.into();
    }
    Ok(Json(json!({
        "players": found.players, "mismatches": kinds, "missing_kills": found.mismatches.missing_kills,
        "duplicate_kills": found.mismatches.duplicate_kills, "users": found.named,
    })))
}

pub(super) async fn prune(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let PruneWish { reason: why, retention_days, dry_run } = act.json()?;
    let why = reason(&why)?;
    let retention = match retention_days {
        None => routes.faucet.config.retention,
        Some(days) => Retention::new(days)
            .map_err(|error| ApiError::because(&codes::RETENTION_TOO_SHORT, error.to_string()))?,
    };
    let done = act.event(&Done {
        action: "prune",
        target: ("desk", "faucet"),
        summary: format!("pruned, dry_run={dry_run}: {why}"),
        detail: json!({"retention_days": retention_days, "dry_run": dry_run, "reason": why}),
    });
    let by = Actor { kind: ADMIN_KIND, id: act.admin.principal() };
    let off_thread = &routes.faucet.platform.off_thread;
    let pruned = if dry_run {
        off_thread.read("faucet.prunable", move |tx| prunable(tx, retention)).await?
    } else {
        let faucet = Arc::clone(&routes.faucet);
        let work = move || {
            let is_stopping = || faucet.platform.stopping.has_begun();
            prune_rows(&faucet, retention, &by, &is_stopping)
        };
        off_thread.run(work).await?.map_err(|error| ApiError::fault(&error))?
    };
    routes.record(done).await?;
    let Pruned { accruals, payouts, verifications, flags, nonces, audit } = pruned;
    Ok(json!({
        "status": if dry_run { "dry_run" } else { "pruned" }, "accruals": accruals, "payouts": payouts,
        "verifications": verifications, "flags": flags, "nonces": nonces, "audit": audit,
    }))
}

pub(super) async fn erase(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let EraseWish { reason: why } = act.json()?;
    let why = reason(&why)?.to_owned();
    let id = act.call.parameter("id").to_owned();
    let user: i64 = id.parse().map_err(|_| ApiError::of(&codes::UNKNOWN_PLAYER))?;
    let event = act.event(&Done {
        action: ERASED,
        target: ("player", &id),
        summary: format!("player {id} was erased: {why}"),
        detail: json!({"reason": why}),
    });
    let (event, shared) = (Event { level: Level::Warn, ..event }, Arc::clone(&routes));
    let work = move |tx: &mut Tx<'_>| {
        let now = tx.open_clock(CLOCK)?;
        let payouts = &shared.faucet.payouts;
        let eraser = Eraser { payouts, recorder: &shared.recorder, event: &event };
        let erased = erase_player(tx, &eraser, user, now)?;
        tx.close_clock(CLOCK, now)?;
        Ok(erased)
    };
    let erased = routes.faucet.platform.off_thread.transact("faucet.erase", work).await?;
    let erased = erased.ok_or_else(|| ApiError::of(&codes::UNKNOWN_PLAYER))?;
    Ok(json!({
        "status": "erased", "user_id": user, "written_off_kills": erased.written_off.kills,
        "written_off_ban": erased.written_off.amount, "payouts_cancelled": erased.cancelled,
        "payouts_under_way": erased.under_way, "payouts_waiting": erased.waiting,
    }))
}

pub(super) async fn snapshot(routes: Arc<Routes>, _: Call, now: Timestamp) -> Result<Response, ApiError> {
    let registry = Arc::clone(&routes.faucet.platform.metrics);
    // Some gauges read the database.
    let text = routes.faucet.platform.off_thread.run(move || registry.render(Format::Text)).await?;
    let at = jiff::Timestamp::from_millisecond(now.ms()).map_err(|error| ApiError::fault(&error))?;
    let name = format!("attachment; filename=\"metrics-{}.txt\"", at.strftime("%Y%m%dT%H%M%SZ"));
    let headers = [
        (header::CONTENT_TYPE, Format::Text.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, text).into_response())
}

pub(super) async fn yunite(routes: Arc<Routes>, call: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let id = call.query("discord_user_id").filter(|id| (1..=30).contains(&id.len()));
    let id = id.ok_or_else(|| ApiError::because(&INVALID_QUERY, "discord_user_id is missing."))?.into_owned();
    let faucet = Arc::clone(&routes.faucet);
    let (asked, work) = (id.clone(), move || faucet.people().links.look_up(&[id.as_str()]).pop());
    let reading = routes.faucet.platform.off_thread.run(work).await?;
    let (answer, epic) = match reading {
        Some(Reading::Found(Link::Linked(epic))) => ("linked", Some(epic)),
        Some(Reading::Found(Link::NotLinked)) => ("not_linked", None),
        Some(Reading::Found(Link::NotInGuild)) => ("not_in_guild", None),
        Some(Reading::NotFound) | None => ("not_found", None),
        Some(Reading::NoData(_)) => ("no_data", None),
        Some(Reading::Unavailable(why)) => {
            return Err(ApiError::of(&codes::UPSTREAM_UNAVAILABLE).with_fault(&why));
        }
    };
    Ok(Json(json!({
        "discord_user_id": asked, "answer": answer, "epic_account_id": epic.as_ref().map(|epic| epic.id.as_str()),
        "epic_name": epic.as_ref().and_then(|epic| epic.name.as_deref()),
    })))
}

/// There is nothing to clean up where unique indexes do not let duplicates in.
pub(super) async fn no_duplicates(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let done = act.event(&Done {
        action: "dedupe",
        target: ("desk", "faucet"),
        summary: "looked for duplicates; there can be none".to_owned(),
        detail: json!({"route": act.call.path(), "removed": 0}),
    });
    routes.record(done).await?;
    Ok(json!({"status": "ok", "duplicates": 0, "removed": 0}))
}
