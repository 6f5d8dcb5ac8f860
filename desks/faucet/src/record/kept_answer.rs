//! Administrators' requests that carried an idempotency key, with the answers that they had.

use bursar_store::{Param, StoreError, Timestamp, Tx};
use serde_json::Value;

/// How long answers are kept.
const KEPT_MS: i64 = 7 * 86_400_000;
/// What is answered in place of something about a player who was erased: the request is still not made again.
const ERASED: &str = r#"{"status":"erased"}"#;

/// A kept answer.
pub struct KeptAnswer;

impl KeptAnswer {
    /// Forgets requests of more than 7 days ago, at most `limit`; how many went.
    pub fn forget_old(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
        let sql = "DELETE FROM faucet_request WHERE hash IN \
                   (SELECT o.hash FROM faucet_request o WHERE o.created_at < $1 ORDER BY o.created_at LIMIT $2)";
        tx.execute(sql, &[now.after_ms(-KEPT_MS).into(), limit.into()])
    }

    /// Blanks every answer that holds one of these texts, which name a person; how many there were.
    pub fn erase(tx: &mut Tx<'_>, names: &[&str]) -> Result<u64, StoreError> {
        let sql = "SELECT hash, answer FROM faucet_request WHERE answer IS NOT NULL";
        let kept = tx.query(sql, &[], |row| Ok((row.get::<Vec<u8>>(0)?, row.get::<String>(1)?)))?;
        let mut erased = 0;
        for (hash, answer) in kept {
            let answer: Value =
                serde_json::from_str(&answer).map_err(|error| StoreError::Decode(error.to_string()))?;
            if holds(&answer, names) {
                let sql = "UPDATE faucet_request SET answer = $2 WHERE hash = $1";
                erased += tx.execute(sql, &[Param::Bytes(&hash), ERASED.into()])?;
            }
        }
        Ok(erased)
    }
}

/// Whether one of these texts stands anywhere in a document.
fn holds(document: &Value, names: &[&str]) -> bool {
    match document {
        Value::String(text) => names.contains(&text.as_str()),
        Value::Array(values) => values.iter().any(|value| holds(value, names)),
        Value::Object(members) => members.values().any(|value| holds(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
