//! `POST /api/sim/entries`: joining a round (docs/spec/rounds.md 4.1).

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use bursar_desk::call as ask;
use bursar_web::{ApiError, Auth, Call, KeyCheck, Operation, body, platform_codes, schema};
use serde_json::{Map, Value, json};

use super::Routes;
use super::guards::correlation;
use crate::DESK;
use crate::canary::{self, Mark};
use crate::join::{BodyFault, JoinCommand, JoinRejection, JoinRequest};

pub(super) const PATH: &str = "/api/sim/entries";

pub(super) fn operation() -> Operation {
    let request = schema::object([
        ("id", schema::string()),
        ("roundId", schema::string()),
        ("market", schema::one_of(&["SOL", "BTC", "ETH", "XRP", "PEPE", "BONK"])),
        ("feedId", schema::string()),
        ("roundStartMs", schema::integer()),
        ("roundEndMs", schema::integer()),
        ("wallet", schema::string()),
        ("direction", schema::one_of(&["UP", "DOWN"])),
        ("stakeBucks", json!({"type": "integer", "enum": [5, 10, 25, 50, 100, 250]})),
        ("joinedAtMs", json!({"type": "number"})),
    ]);
    let answer = schema::object([("ok", schema::boolean()), ("created", schema::boolean())]);
    Operation::new("rounds_join", "Join a round.", Auth::None)
        .describe(
            "The id names the entry for ever: sending it again changes nothing and answers `created: false`. \
             Operators mark a canary's join by their key in x-canary-key; pool and summary then show it in `canary`.",
        )
        .request(request)
        .answer(StatusCode::OK, "The entry is there.", answer)
        .refusal(StatusCode::BAD_REQUEST, "The request is not one that can be accepted.")
        .refusal(StatusCode::UNAUTHORIZED, "x-canary-key was sent and is not the operators' key.")
        .refusal(StatusCode::CONFLICT, "The id belongs to another entry.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls by this address or wallet.")
        .refusal(StatusCode::SERVICE_UNAVAILABLE, "Joins are paused, or the queue is full.")
}

pub(super) async fn join(routes: Arc<Routes>, mut call: Call) -> Result<Json<Value>, ApiError> {
    // An oversized or stalled body is refused here, before it counts as a join.
    let text = call.bytes().await?;
    let body = read(&text);
    let wallet = body.as_ref().ok().and_then(|request| request.wallet.address());
    let command = JoinCommand {
        client: call.client().to_string(),
        mark: routes.mark(&call),
        body,
        request_id: call.identity().request_id().to_owned(),
        correlation_id: correlation(&call),
    };
    let answer = ask(&routes.joins, command).await.map_err(ApiError::from);
    match routes.note_fault(&call, "join.unhandled_error", answer)? {
        Ok(joined) => {
            routes.metrics.joins.with([if joined.created { "created" } else { "replayed" }]).increment();
            Ok(Json(json!({"ok": true, "created": joined.created})))
        }
        Err(rejection) => {
            routes.metrics.joins.with([rejection.code()]).increment();
            if let Some(wallet) = wallet {
                routes.platform.refusals.count(DESK, &wallet.to_text(), rejection.code());
            }
            Err(refusal(&routes, &rejection))
        }
    }
}

impl Routes {
    /// Whether the call is marked as a canary's, and rightly. Without a configured key nothing is.
    fn mark(&self, call: &Call) -> Mark {
        if call.headers().get(canary::HEADER).is_none() {
            return Mark::None;
        }
        match self.config.ops_key.check_header(call.headers(), canary::HEADER) {
            KeyCheck::Accepted => Mark::Canary,
            KeyCheck::Unset | KeyCheck::Missing | KeyCheck::Wrong => Mark::Refused,
        }
    }
}

fn read(text: &[u8]) -> Result<JoinRequest, BodyFault> {
    match body::parse_json::<Map<String, Value>>(text) {
        Ok(fields) => JoinRequest::from_json(&fields),
        Err(error) if error.code() == platform_codes::MALFORMED_JSON.code => Err(BodyFault::Malformed),
        Err(_) => Err(BodyFault::Shape("the body")),
    }
}

fn refusal(routes: &Routes, rejection: &JoinRejection) -> ApiError {
    if let JoinRejection::RateLimited { bucket, retry_after_s } = rejection {
        routes.platform.limits.count_refusal(DESK, PATH, bucket);
        return ApiError::rate_limited(u64::try_from(*retry_after_s).unwrap_or(1));
    }
    let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::BAD_REQUEST);
    ApiError::new(status, rejection.code(), rejection.to_string())
}
