//! `GET /api/sim/pool`: what is staked on a round (docs/spec/rounds.md 4.2).

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use bursar_web::platform_codes::INVALID_QUERY;
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use serde_json::{Value, json};

use super::Routes;
use crate::pool::stats;
use crate::settings::POOL;

pub(super) const PATH: &str = "/api/sim/pool";
/// Longest text that is looked up; no round id is nearly as long.
const ROUND_ID_BYTES_MAX: usize = 128;

pub(super) fn operation() -> Operation {
    let canary = schema::object([
        ("totalBucks", schema::integer()),
        ("upBucks", schema::integer()),
        ("downBucks", schema::integer()),
        ("players", schema::integer()),
        ("entries", schema::integer()),
    ]);
    let stats = schema::object([
        ("roundId", schema::string()),
        ("market", schema::string()),
        ("totalBucks", schema::integer()),
        ("upBucks", schema::integer()),
        ("downBucks", schema::integer()),
        ("players", schema::integer()),
        ("entries", schema::integer()),
        ("canary", canary),
    ]);
    let answer = schema::object([("roundId", schema::string()), ("stats", stats)]);
    Operation::new("rounds_pool", "What is staked on a round.", Auth::None)
        .required_query("roundId", schema::string(), "The round, such as SOL-1700000040-5m.")
        .describe("`canary` is the part of the figures that operators' canaries made; they are counted in all others too.")
        .answer(StatusCode::OK, "The pool; zeros for a round without entries.", answer)
        .refusal(StatusCode::BAD_REQUEST, "No round id.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls.")
}

pub(super) async fn pool(routes: Arc<Routes>, call: Call) -> Result<Json<Value>, ApiError> {
    routes.charge_address(PATH, POOL, &call).await?;
    let id = call.query("roundId").filter(|id| !id.is_empty() && id.len() <= ROUND_ID_BYTES_MAX);
    let id =
        id.ok_or_else(|| ApiError::because(&INVALID_QUERY, "roundId takes 1 to 128 bytes."))?.into_owned();
    let stats = routes.platform.off_thread.read("rounds.pool", move |tx| stats(tx, &id)).await?;
    Ok(Json(json!({"roundId": stats.round_id, "stats": stats})))
}
