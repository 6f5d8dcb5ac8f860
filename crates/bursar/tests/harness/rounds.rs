//! Playing rounds: valid joins that a test spoils where it wants to.

use serde_json::{Value, json};

use super::{Answer, Server};

/// Where manual clocks start: the first millisecond of a round, 2023-11-14 22:14:00 UTC.
pub const START_MS: i64 = 1_700_000_040_000;
/// Every market.
pub const MARKETS: [&str; 6] = ["SOL", "BTC", "ETH", "XRP", "PEPE", "BONK"];

/// The feed id of a market, as docs/spec/rounds.md 2.1 lists it.
pub fn feed_id(market: &str) -> &'static str {
    match market {
        "SOL" => "ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d",
        "BTC" => "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43",
        "ETH" => "ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace",
        "XRP" => "ec5d399846a9209f3fe5881d70aae9268c94339ff9817e8d18ff19fa05eea1c8",
        "PEPE" => "7f3febb69d47fd18c6e29697fc2c19ee70b9877111410238d8587f2cffacb232",
        "BONK" => "72b021217ca3fe68922a19aaf990109cb9d84e9ad004b4d2025ad6f529314419",
        other => panic!("no market {other}"),
    }
}

/// The address of test player number `number`.
pub fn wallet(number: u64) -> String {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bs58::encode(bytes).into_string()
}

/// A join; the defaults are valid: SOL, the round of [`START_MS`], UP, 10 bucks, wallet 1.
#[derive(Clone, Debug)]
pub struct Join {
    /// The body that is sent.
    pub body: Value,
}

impl Join {
    /// The entry `id` with valid content.
    pub fn new(id: &str) -> Join {
        Join { body: json!({"id": id, "direction": "UP", "stakeBucks": 10, "joinedAtMs": START_MS}) }
            .round("SOL", START_MS)
            .wallet(1)
    }

    /// In this round.
    #[must_use]
    pub fn round(mut self, market: &str, start_ms: i64) -> Join {
        self.body["market"] = market.into();
        self.body["feedId"] = feed_id(market).into();
        self.body["roundId"] = format!("{market}-{}-5m", start_ms / 1_000).into();
        self.body["roundStartMs"] = start_ms.into();
        self.body["roundEndMs"] = (start_ms + 360_000).into();
        self
    }

    /// By this player.
    #[must_use]
    pub fn wallet(self, number: u64) -> Join {
        self.with("wallet", wallet(number))
    }

    /// `UP` with this stake.
    #[must_use]
    pub fn up(self, bucks: i64) -> Join {
        self.with("direction", "UP").with("stakeBucks", bucks)
    }

    /// `DOWN` with this stake.
    #[must_use]
    pub fn down(self, bucks: i64) -> Join {
        self.with("direction", "DOWN").with("stakeBucks", bucks)
    }

    /// With any field changed.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Join {
        self.body[field] = value.into();
        self
    }

    /// Sends it.
    #[track_caller]
    pub fn send(&self, server: &Server) -> Answer {
        server.post("/api/sim/entries", &self.body)
    }

    /// Sends it and expects that it makes the entry.
    #[track_caller]
    pub fn accepted(&self, server: &Server) {
        assert_eq!(self.send(server).expect(200), json!({"ok": true, "created": true}));
    }
}

impl Server {
    /// The results of a test player.
    #[track_caller]
    pub fn results(&self, player: u64) -> Value {
        self.get(&format!("/api/sim/results?wallet={}", wallet(player))).expect(200)
    }

    /// The pool of a round.
    #[track_caller]
    pub fn pool(&self, round_id: &str) -> Value {
        self.get(&format!("/api/sim/pool?roundId={round_id}")).expect(200)["stats"].clone()
    }
}
