//! JSON from clients and operators: strict reading, joins, audit anchors.

use bursar_audit::Anchor;
use bursar_rounds::join::JoinRequest;
use bursar_web::strict_json;
use serde_json::{Map, Value};

use crate::input::text;

/// What is accepted is JSON without NUL and without deep nesting, and is accepted again when written anew; of what
/// another reader takes, only these, and repeated keys, are refused.
pub fn strict_json(bytes: &[u8]) {
    let value = serde_json::from_slice::<Value>(bytes);
    if strict_json::check(bytes).is_err() {
        return;
    }
    let value = value.expect("what is accepted is JSON");
    assert!(depth(&value) <= strict_json::DEPTH_MAX && !has_nul(&value), "{value}");
    let written = serde_json::to_vec(&value).unwrap();
    strict_json::check(&written).expect("what is accepted is accepted again");
    let nested = [b"{\"\\u0000\":".as_slice(), bytes, b"}"].concat();
    assert!(strict_json::check(&nested).is_err(), "a NUL in a key");
    let twice = [b"{\"a\":1,\"a\":".as_slice(), bytes, b"}"].concat();
    assert!(strict_json::check(&twice).is_err(), "a repeated key");
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(entries) => 1 + entries.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(entries) => entries.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A join that is read holds what was sent, text for text.
pub fn join_body(bytes: &[u8]) {
    let Ok(body) = strict_json::parse::<Map<String, Value>>(bytes) else { return };
    let Ok(join) = JoinRequest::from_json(&body) else { return };
    let sent = |name: &str| body[name].as_str().unwrap().to_owned();
    assert_eq!((join.id.clone(), join.round_id), (sent("id"), sent("roundId")));
    assert_eq!((join.market, join.feed_id), (sent("market"), sent("feedId")));
    assert_eq!((join.direction, join.wallet.text().to_owned()), (sent("direction"), sent("wallet")));
    assert!(!join.id.is_empty());
    for (name, read) in [("roundStartMs", Some(join.round_start_ms)), ("stakeBucks", join.stake_bucks)] {
        if let (Some(whole), Some(read)) = (body[name].as_i64(), read) {
            assert_eq!(read, whole, "{name}");
        }
    }
}

/// An anchor that is read is written and read as the same one, and no key fits it unless it was signed with that key.
pub fn audit_anchor(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(anchor) = Anchor::from_json(text) else { return };
    let written = anchor.to_json().unwrap();
    assert_eq!(Anchor::from_json(&written).as_ref(), Ok(&anchor));
    assert!(anchor.check(b"a key that signed nothing").is_err());
    assert_eq!(anchor.signed(b"key").check(b"key"), Ok(()));
}
