//! `GET /admin/health/extended`: what works, in which mode, and who set it (F19, F21).

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use bursar_store::{Timestamp, Tx};
use bursar_web::{ApiError, Call};
use serde_json::{Value, json};

use super::super::Routes;
use super::switches;
use crate::record::Heartbeat;

pub(super) async fn health(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let (faucet, started_at) = (Arc::clone(&routes.faucet), routes.started_at);
    let began = Instant::now();
    let read = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let mode = faucet.mode(tx, now)?;
        let beats: Vec<Value> = Heartbeat::all(tx)?
            .iter()
            .map(|beat| {
                let age_ms = now.ms().saturating_sub(beat.ran_at.ms());
                json!({"job": beat.job, "status": beat.status, "age_sec": age_ms / 1_000, "error": beat.error})
            })
            .collect();
        let switches = switches::states(tx, &faucet, now)?;
        Ok((mode.dry_run, beats, switches, now.ms().saturating_sub(started_at.ms()) / 1_000))
    };
    let found = routes.faucet.platform.off_thread.read("faucet.health", read).await;
    let latency_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Json(match found {
        Ok((dry_run, beats, switches, uptime_s)) => json!({
            "status": "ok", "db_ok": true, "db_latency_ms": latency_ms, "uptime_sec": uptime_s,
            "config_error": null, "db_init_error": null, "dry_run": dry_run, "switches": switches,
            "heartbeats": beats,
        }),
        Err(error) => {
            tracing::error!(%error, "the extended health cannot read the database");
            json!({
                "status": "degraded", "db_ok": false, "db_latency_ms": latency_ms, "uptime_sec": null,
                "config_error": null, "db_init_error": "the database cannot be read; the log says why",
            })
        }
    }))
}
