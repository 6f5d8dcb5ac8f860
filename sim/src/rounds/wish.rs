//! What a client wants to join, and how it asks.

use bursar_rounds::canary::Mark;
use bursar_rounds::join::{BodyFault, JoinCommand, JoinRequest};
use bursar_rounds::market::Market;
use bursar_rounds::stake::Side;
use bursar_rounds::timing::Round;
use bursar_rounds::wallet::Address;
use serde_json::{Value, json};

/// The content of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// Which round.
    pub round: Round,
    /// Which side.
    pub side: Side,
    /// Stake in whole bucks.
    pub bucks: i64,
    /// Whose.
    pub wallet: Address,
}

/// What is wrong with a request that can never be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Another market's feed.
    Feed,
    /// A stake that is no tier.
    Stake,
    /// A direction in lower case.
    Direction,
    /// No such market.
    Market,
    /// An id of 129 characters.
    LongId,
    /// A round id that does not fit the start.
    RoundId,
    /// A start between two cycles.
    Start,
    /// An end that does not fit the start.
    End,
    /// A wallet of 31 bytes.
    Wallet,
    /// A field is missing.
    Missing,
    /// No JSON at all.
    Malformed,
    /// It claims to be a canary's, without the key.
    Canary,
}

/// Every flaw.
pub const FLAWS: [Flaw; 12] = [
    Flaw::Feed,
    Flaw::Stake,
    Flaw::Direction,
    Flaw::Market,
    Flaw::LongId,
    Flaw::RoundId,
    Flaw::Start,
    Flaw::End,
    Flaw::Wallet,
    Flaw::Missing,
    Flaw::Malformed,
    Flaw::Canary,
];

/// One thing that a client wants, asked for with one id until it is answered.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The client's id.
    pub id: String,
    /// What would be entered; `None` when it can never be accepted.
    pub content: Option<Content>,
    /// How often it was sent.
    pub sends: u32,
    /// Whether the client has heard what it wanted to know.
    pub is_answered: bool,
    body: Result<JoinRequest, BodyFault>,
    client: String,
    mark: Mark,
}

/// One request on its way.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Which wish.
    pub wish: usize,
    /// The id it is asked for with.
    pub id: String,
    /// What would be entered; `None` when it can never be accepted.
    pub content: Option<Content>,
    /// What the lane gets.
    pub command: JoinCommand,
}

impl Wish {
    /// A wish of the client at `address`, with `flaw` when it is not to be accepted.
    pub fn new(id: String, content: Content, flaw: Option<Flaw>, address: String) -> Wish {
        let body = request(&id, content, flaw);
        let content = if flaw.is_none() { Some(content) } else { None };
        let mark = if flaw == Some(Flaw::Canary) { Mark::Refused } else { Mark::None };
        Wish { id, content, sends: 0, is_answered: false, body, client: address, mark }
    }

    /// Forgets the id and takes another, as no client should.
    pub fn rename(&mut self, sends: u32) {
        if self.content.is_none() {
            return;
        }
        self.id = format!("{}-again-{sends}", self.id.chars().take(100).collect::<String>());
        if let Ok(request) = &mut self.body {
            request.id.clone_from(&self.id);
        }
    }

    /// The request that asks for it, as number `wish`.
    pub fn attempt(&self, wish: usize) -> Attempt {
        let command = JoinCommand {
            client: self.client.clone(),
            mark: self.mark,
            body: self.body.clone(),
            request_id: format!("request-{wish}-{}", self.sends),
            correlation_id: None,
        };
        Attempt { wish, id: self.id.clone(), content: self.content, command }
    }
}

/// The body, read as the join route reads it.
fn request(id: &str, content: Content, flaw: Option<Flaw>) -> Result<JoinRequest, BodyFault> {
    let Content { round, side, bucks, wallet } = content;
    let mut body = json!({
        "id": id, "roundId": round.id(), "market": round.market().key(), "feedId": round.market().feed_id(),
        "roundStartMs": round.start_ms(), "roundEndMs": round.end_ms(), "wallet": wallet.to_text(),
        "direction": side.word(), "stakeBucks": bucks, "joinedAtMs": round.start_ms(),
    });
    if flaw == Some(Flaw::Malformed) {
        return Err(BodyFault::Malformed);
    }
    spoil(&mut body, id, round, flaw);
    match body {
        Value::Object(fields) => JoinRequest::from_json(&fields),
        _ => Err(BodyFault::Malformed),
    }
}

fn spoil(body: &mut Value, id: &str, round: Round, flaw: Option<Flaw>) {
    let other = Market::ALL.into_iter().find(|market| *market != round.market());
    match flaw {
        None | Some(Flaw::Malformed | Flaw::Canary) => {}
        Some(Flaw::Feed) => body["feedId"] = json!(other.map(Market::feed_id)),
        Some(Flaw::Stake) => body["stakeBucks"] = json!(20),
        Some(Flaw::Direction) => body["direction"] = json!("up"),
        Some(Flaw::Market) => body["market"] = json!("DOGE"),
        Some(Flaw::LongId) => body["id"] = json!(format!("{id:x<129}")),
        Some(Flaw::RoundId) => body["roundId"] = json!("SOL-1700000041-5m"),
        Some(Flaw::Start) => {
            let start_ms = round.start_ms() + 1_000;
            body["roundStartMs"] = json!(start_ms);
            body["roundId"] = json!(format!("{}-{}-5m", round.market().key(), start_ms / 1_000));
        }
        Some(Flaw::End) => body["roundEndMs"] = json!(round.end_ms() + 1),
        Some(Flaw::Wallet) => body["wallet"] = json!("1111111111111111111111111111111"),
        Some(Flaw::Missing) => body["stakeBucks"] = Value::Null,
    }
}
