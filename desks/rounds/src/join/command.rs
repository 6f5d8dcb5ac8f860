//! A join as it arrives, and reading it from JSON (docs/spec/rounds.md 4.1).

use serde_json::{Map, Value};

use crate::canary::Mark;
use crate::wallet::Address;

/// What a body must hold, types checked and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// The client's id, 1 to 128 characters.
    pub id: String,
    /// Round id.
    pub round_id: String,
    /// Market key.
    pub market: String,
    /// Feed id.
    pub feed_id: String,
    /// Start, Unix ms.
    pub round_start_ms: i64,
    /// End, Unix ms.
    pub round_end_ms: i64,
    /// The wallet as it was sent, and its address when it is one.
    pub wallet: ClaimedWallet,
    /// `UP` or `DOWN`.
    pub direction: String,
    /// Whole bucks; `None` when the number is not a whole one, which no tier is.
    pub stake_bucks: Option<i64>,
}

/// A wallet as a client writes it; decoded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedWallet {
    text: String,
    address: Option<Address>,
}

impl ClaimedWallet {
    /// Decodes `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> ClaimedWallet {
        let text = text.into();
        ClaimedWallet { address: Address::parse(&text), text }
    }

    /// What was sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The address, when the text is base58 of 32 bytes.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        self.address
    }
}

/// Why a body is no join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// Not JSON.
    Malformed,
    /// A field is missing or of another type.
    Shape(&'static str),
}

/// One call of the join route. A bad body is a command too: it counts against the caller's limit.
#[derive(Clone, Debug)]
pub struct JoinCommand {
    /// The caller's address, as text.
    pub client: String,
    /// Whether it is a canary's.
    pub mark: Mark,
    /// The body.
    pub body: Result<JoinRequest, BodyFault>,
    /// The request's id.
    pub request_id: String,
    /// The caller's correlation id, when it differs.
    pub correlation_id: Option<String>,
}

impl JoinRequest {
    /// Checks presence and types: texts, whole numbers for start and end, finite numbers for stake and join time.
    pub fn from_json(body: &Map<String, Value>) -> Result<JoinRequest, BodyFault> {
        let text = |name: &'static str| match body.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(BodyFault::Shape(name)),
        };
        let whole = |name: &'static str| body.get(name).and_then(whole_number).ok_or(BodyFault::Shape(name));
        let number = |name: &'static str| match body.get(name) {
            Some(value @ Value::Number(_)) => Ok(whole_number(value)),
            _ => Err(BodyFault::Shape(name)),
        };
        let request = JoinRequest {
            id: text("id")?,
            round_id: text("roundId")?,
            market: text("market")?,
            feed_id: text("feedId")?,
            round_start_ms: whole("roundStartMs")?,
            round_end_ms: whole("roundEndMs")?,
            wallet: ClaimedWallet::new(text("wallet")?),
            direction: text("direction")?,
            stake_bucks: number("stakeBucks")?,
        };
        number("joinedAtMs")?;
        if request.id.is_empty() {
            return Err(BodyFault::Shape("id"));
        }
        Ok(request)
    }
}

/// A JSON number that is whole, also when written as `10.0`.
fn whole_number(value: &Value) -> Option<i64> {
    if let Some(whole) = value.as_i64() {
        return Some(whole);
    }
    let text = value.as_number()?.to_string();
    let (whole, fraction) = text.split_once('.')?;
    let is_zero = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    if is_zero { whole.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body() -> Value {
        json!({"id": "a", "roundId": "SOL-1700000040-5m", "market": "SOL", "feedId": "ef", "wallet": "w",
               "roundStartMs": 1_700_000_040_000i64, "roundEndMs": 1_700_000_400_000i64, "direction": "UP",
               "stakeBucks": 10, "joinedAtMs": 1})
    }

    fn read(edit: impl FnOnce(&mut Value)) -> Result<JoinRequest, BodyFault> {
        let mut value = body();
        edit(&mut value);
        JoinRequest::from_json(value.as_object().unwrap())
    }

    #[test]
    fn every_field_must_be_there_with_its_type() {
        assert!(read(|_| ()).is_ok());
        let fields = body();
        for name in fields.as_object().unwrap().keys() {
            assert!(
                read(|value| drop(value.as_object_mut().unwrap().remove(name))).is_err(),
                "without {name}"
            );
            assert!(read(|value| value[name] = json!(null)).is_err(), "{name} null");
            assert!(read(|value| value[name] = json!([1])).is_err(), "{name} a list");
        }
        assert_eq!(read(|value| value["stakeBucks"] = json!("10")), Err(BodyFault::Shape("stakeBucks")));
        assert_eq!(read(|value| value["id"] = json!("")), Err(BodyFault::Shape("id")));
        assert_eq!(read(|value| value["roundStartMs"] = json!(1.5)), Err(BodyFault::Shape("roundStartMs")));
    }

    #[test]
    fn a_stake_that_is_a_number_but_not_whole_is_no_tier() {
        assert_eq!(read(|value| value["stakeBucks"] = json!(10.0)).unwrap().stake_bucks, Some(10));
        assert_eq!(read(|value| value["stakeBucks"] = json!(10.5)).unwrap().stake_bucks, None);
        assert_eq!(read(|value| value["stakeBucks"] = json!(1e300)).unwrap().stake_bucks, None);
    }
}
