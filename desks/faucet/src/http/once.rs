//! Administrators' requests with an idempotency key: the same request is answered by the answer that it had (G1).

use axum::http::StatusCode;
use bursar_store::{Param, StoreError, Timestamp, Tx};
use bursar_web::platform_codes::CONFLICT;
use bursar_web::{ApiError, idempotency_key, key_reused, request_hash};
use serde_json::Value;

use super::guards::Act;
use super::{CYCLE_TIME_MAX, Routes};
use crate::DESK;
use crate::record::KeptAnswer;

/// A request that has had no answer for so long was interrupted, and may be made again. Work goes on for a while after its
/// caller was told that it takes too long.
const UNDER_WAY_MS: i64 = 900_000;
const _: () = assert!(UNDER_WAY_MS.unsigned_abs() as u128 > 2 * CYCLE_TIME_MAX.as_millis());
/// Old requests that are forgotten with a new one.
const FORGOTTEN_MAX: i64 = 100;

/// A request as it is stored.
pub(super) struct Asked {
    hash: [u8; 32],
    request: [u8; 32],
}

/// What is known of a request.
pub(super) enum Standing {
    /// New, or interrupted: go on.
    Fresh,
    /// Answered before.
    Answered(Value),
    /// Being answered elsewhere.
    UnderWay,
    /// The key was used for something else.
    Reused,
}

impl Asked {
    /// The request's mark, if it carries a key.
    pub(super) fn of(act: &Act) -> Result<Option<Asked>, ApiError> {
        let Some(key) = idempotency_key(act.call.headers())? else { return Ok(None) };
        let (route, who) = (format!("{} {}", act.call.method(), act.call.path()), act.admin.principal());
        Ok(Some(Asked {
            hash: request_hash(DESK, &route, &who, key.as_bytes()),
            request: request_hash(DESK, &route, &who, &act.body),
        }))
    }
}

impl Routes {
    /// Claims a request, or finds its answer.
    pub(super) async fn claim(&self, asked: &Asked) -> Result<Option<Value>, ApiError> {
        let (hash, request) = (asked.hash, asked.request);
        let work = move |tx: &mut Tx<'_>| claim(tx, &hash, &request);
        match self.faucet.platform.off_thread.transact("faucet.request", work).await? {
            Standing::Fresh => Ok(None),
            Standing::Answered(answer) => Ok(Some(answer)),
            Standing::UnderWay => Err(ApiError::because(&CONFLICT, "This request is still being worked on.")),
            Standing::Reused => Err(key_reused()),
        }
    }

    /// Keeps the answer; a refused request may be made again.
    pub(super) async fn keep(&self, asked: Asked, answer: Result<&Value, &ApiError>) {
        let answer = answer.ok().map(Value::to_string);
        let work = move |tx: &mut Tx<'_>| match &answer {
            Some(answer) => {
                let sql = "UPDATE faucet_request SET status = $2, answer = $3 WHERE hash = $1";
                let status = i64::from(StatusCode::OK.as_u16());
                tx.execute(sql, &[Param::Bytes(&asked.hash), status.into(), answer.as_str().into()])
            }
            None => tx.execute("DELETE FROM faucet_request WHERE hash = $1", &[Param::Bytes(&asked.hash)]),
        };
        if let Err(error) = self.faucet.platform.off_thread.transact("faucet.request", work).await {
            tracing::error!(%error, "the answer to a request could not be kept; the same key is refused for a while");
        }
    }
}

fn claim(tx: &mut Tx<'_>, hash: &[u8; 32], request: &[u8; 32]) -> Result<Standing, StoreError> {
    let now = tx.reading()?;
    KeptAnswer::forget_old(tx, now, FORGOTTEN_MAX)?;
    let sql = "INSERT INTO faucet_request (hash, request, created_at) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";
    if tx.execute(sql, &[Param::Bytes(hash), Param::Bytes(request), now.into()])? == 1 {
        return Ok(Standing::Fresh);
    }
    let sql = "SELECT request, answer, created_at FROM faucet_request WHERE hash = $1";
    let found = tx.query_first(sql, &[Param::Bytes(hash)], |row| {
        Ok((row.get::<Vec<u8>>(0)?, row.get::<Option<String>>(1)?, row.get::<Timestamp>(2)?))
    })?;
    let Some((known, answer, since)) = found else { return Ok(Standing::UnderWay) };
    if known != request {
        return Ok(Standing::Reused);
    }
    match answer {
        Some(answer) => {
            let answer =
                serde_json::from_str(&answer).map_err(|error| StoreError::Decode(error.to_string()))?;
            Ok(Standing::Answered(answer))
        }
        None if since < now.after_ms(-UNDER_WAY_MS) => {
            let sql = "UPDATE faucet_request SET created_at = $2 WHERE hash = $1 AND created_at = $3";
            let took = tx.execute(sql, &[Param::Bytes(hash), now.into(), since.into()])?;
            Ok(if took == 1 { Standing::Fresh } else { Standing::UnderWay })
        }
        None => Ok(Standing::UnderWay),
    }
}
