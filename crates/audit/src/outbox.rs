//! Which events leave by webhook, what is sent, and when it is tried again (docs/spec/platform.md X3).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bursar_store::Column::Int;
use bursar_store::{Lock, Lookup, StoreError, Timestamp, Tx};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::event::{Level, StoredEvent};
use crate::reading::{event_columns, read_event};
use crate::signature;

/// Deliveries that one caller may claim at a time.
const CLAIM_MAX: i64 = 100;
/// A claim lasts until its deliveries, sent one after the other, have all timed out, and this much longer.
const CLAIM_SPARE_MS: i64 = 10_000;
/// How long the receiver may take to answer one delivery.
const TIMEOUT_MS: i64 = 2_500;
/// Wait after the first failure; it doubles with each further one.
const BACKOFF_FIRST_MS: i64 = 5_000;
/// The longest wait between two attempts.
const BACKOFF_MAX_MS: i64 = 3_600_000;

static EVENTS: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(event_columns!(), "audit_events", &[("id", Int)], Lock::None));

/// WARN and ERROR, and whatever its name marks as an error, a denial or an admin action (docs/spec/platform.md X3).
#[must_use]
pub fn is_delivered(level: Level, event: &str) -> bool {
    let name = event.to_ascii_lowercase();
    level >= Level::Warn || name.contains("_error") || name.contains("_denied") || name.starts_with("admin_")
}

/// One event on its way to the receiver of the webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its number, by which a receiver tells a repetition.
    pub event: i64,
    /// Attempts that failed before.
    pub attempts: i64,
    /// JSON text to send as it is.
    pub body: String,
}

impl Delivery {
    /// The headers to send with the body at `now`, signed with each of `secrets`; unsigned without any.
    #[must_use]
    pub fn headers(&self, secrets: &[&[u8]], now: Timestamp) -> Vec<(&'static str, String)> {
        let signature = (!secrets.is_empty()).then(|| ("X-Bursar-Signature", sign(secrets, now, &self.body)));
        [("X-Bursar-Delivery", self.event.to_string())].into_iter().chain(signature).collect()
    }
}

/// The value of `X-Bursar-Signature`: the Unix second `t` of `now`, then for each secret, newest first, `v1` with
/// HMAC-SHA256 of `"t.body"` in hex. While a secret is replaced there are two, and a receiver accepts the delivery when
/// either is right by the secret that it has.
#[must_use]
pub fn sign(secrets: &[&[u8]], now: Timestamp, body: &str) -> String {
    let seconds = now.ms().div_euclid(1_000).to_string();
    let code =
        |secret: &&[u8]| hex::encode(signature::code(secret, &[seconds.as_bytes(), b".", body.as_bytes()]));
    let codes: String = secrets.iter().map(|secret| format!(",v1={}", code(secret))).collect();
    format!("t={seconds}{codes}")
}

/// Up to `limit` events (100 at most) whose delivery is due, oldest first. They are claimed: nobody else gets them
/// until they could all have timed out. One that cannot be read is logged and tried again later.
pub fn due_deliveries(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<Vec<Delivery>, StoreError> {
    let limit = limit.clamp(1, CLAIM_MAX);
    let claimed_until = now.after_ms(limit * TIMEOUT_MS + CLAIM_SPARE_MS);
    // The outer condition is checked again on a row that another claim has just moved.
    let sql = "UPDATE audit_outbox SET next_at = $2 WHERE next_at <= $1 AND event IN \
               (SELECT event FROM audit_outbox WHERE next_at <= $1 ORDER BY next_at, event LIMIT $3) \
               RETURNING event, attempts";
    let claimed: BTreeMap<i64, i64> = tx
        .query(sql, &[now.into(), claimed_until.into(), limit.into()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .into_iter()
        .collect();
    let keys: Vec<_> = claimed.keys().map(|event| (*event).into()).collect();
    let events = tx.lookup(&EVENTS, &keys, |row| Ok((row.get::<i64>(0)?, read_event(row))))?;
    let mut bodies: BTreeMap<i64, Result<String, StoreError>> =
        events.into_iter().map(|(id, event)| (id, event.and_then(|event| body(&event)))).collect();
    let mut due = Vec::with_capacity(claimed.len());
    for (event, attempts) in claimed {
        match bodies.remove(&event) {
            Some(Ok(body)) => due.push(Delivery { event, attempts, body }),
            unreadable => {
                let error = unreadable.map(|body| body.err().map(|error| error.to_string()));
                tracing::error!(event, ?error, "event cannot be delivered; run `bursar audit verify`");
                back_off(tx, event, attempts, now)?;
            }
        }
    }
    Ok(due)
}

/// Takes an event out of the outbox: the receiver has it.
pub fn mark_delivered(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<(), StoreError> {
    tx.execute("DELETE FROM audit_outbox WHERE event = $1", &[delivery.event.into()]).map(|_| ())
}

/// Puts a failed delivery off: 5 s after the first failure, then twice as long each time, at most an hour.
pub fn mark_failed(tx: &mut Tx<'_>, delivery: &Delivery, now: Timestamp) -> Result<(), StoreError> {
    back_off(tx, delivery.event, delivery.attempts, now)
}

fn back_off(tx: &mut Tx<'_>, event: i64, attempts: i64, now: Timestamp) -> Result<(), StoreError> {
    let doublings = u32::try_from(attempts.max(0)).unwrap_or(u32::MAX);
    let wait = BACKOFF_FIRST_MS.saturating_mul(2i64.checked_pow(doublings).unwrap_or(i64::MAX));
    let sql = "UPDATE audit_outbox SET attempts = $2, next_at = $3 WHERE event = $1";
    let next_at = now.after_ms(wait.min(BACKOFF_MAX_MS));
    tx.execute(sql, &[event.into(), attempts.saturating_add(1).into(), next_at.into()]).map(|_| ())
}

/// The desk's own record with what every delivery has besides.
fn body(event: &StoredEvent) -> Result<String, StoreError> {
    let at = jiff::Timestamp::from_millisecond(event.at.ms())
        .map_err(|error| StoreError::Decode(format!("time of event {}: {error}", event.id)))?;
    let (unix, named) = match event.desk.as_str() {
        "commitments" => (format!("\"ts_unix\":{},", event.at.ms().div_euclid(1_000)), "fields"),
        _ => (String::new(), "payload"),
    };
    let [desk, name] = [&event.desk, &event.event].map(|text| Value::from(text.as_str()));
    Ok(format!(
        "{{\"id\":{},\"ts\":\"{at:.3}\",{unix}\"level\":\"{}\",\"desk\":{desk},\"event\":{name},\"{named}\":{},\
         \"digest\":\"{}\"}}",
        event.id,
        event.level.word(),
        payload(event),
        hex::encode(&event.payload_digest),
    ))
}

/// The payload as it was recorded, to the digit; as a string when it is no JSON, and `null` when it was erased.
fn payload(event: &StoredEvent) -> String {
    match &event.payload {
        None => "null".to_owned(),
        Some(text) if serde_json::from_str::<IgnoredAny>(text).is_ok() => text.clone(),
        Some(text) => Value::from(text.as_str()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_errors_denials_and_admin_actions_leave_and_nothing_else_does() {
        for name in ["round_ERROR", "admin_login_denied", "Admin_x", "a_error_b"] {
            assert!(is_delivered(Level::Info, name), "{name}");
        }
        for name in ["join.accepted", "error", "denied", "my_admin_x"] {
            assert!(!is_delivered(Level::Info, name), "{name}");
            assert!(is_delivered(Level::Warn, name) && is_delivered(Level::Error, name), "{name}");
        }
    }

    #[test]
    fn the_signature_covers_the_second_and_the_body() {
        let at = Timestamp::from_ms(1_700_000_000_999);
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
        let code = "49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686";
        assert_eq!(sign(&[b"secret"], at, "{\"a\":1}"), format!("t=1700000000,v1={code}"));
    }

    #[test]
    fn x3_while_a_secret_is_replaced_a_delivery_is_signed_with_both_the_new_one_first() {
        let at = Timestamp::from_ms(1_700_000_000_000);
        let codes = [b"new", b"old"].map(|secret| {
            let alone = sign(&[secret], at, "{}");
            alone.strip_prefix("t=1700000000").unwrap().to_owned()
        });
        assert_eq!(sign(&[b"new", b"old"], at, "{}"), format!("t=1700000000{}{}", codes[0], codes[1]));
    }
}
