//! What most tests begin with: a server with its prices and keys, and a round to play.

use serde_json::{Value, json};

use crate::harness::{Answer, Join, Place, Prices, START_MS, Server, Setup};

/// The first round of the clock: `SOL-1700000040-5m` and its sisters.
pub const LOCK_MS: i64 = START_MS + 60_000;
/// Every market.
pub const MARKETS: [&str; 6] = ["SOL", "BTC", "ETH", "XRP", "PEPE", "BONK"];
/// When it ends.
pub const END_MS: i64 = START_MS + 360_000;
/// Its id on the default market.
pub const ROUND: &str = "SOL-1700000040-5m";
/// Key of the settle route.
pub const SETTLE_KEY: &str = "settle-key-of-the-tests-0123456789";
/// Key of operators.
pub const OPS_KEY: &str = "ops-key-of-the-tests-0123456789abc";

/// A database with its prices: every market stands at 100 until a test says otherwise.
pub struct Scene {
    pub place: Place,
    pub prices: Prices,
}

impl Scene {
    pub fn sqlite() -> Scene {
        Scene { place: Place::sqlite(), prices: Prices::start() }
    }

    pub fn postgres() -> Scene {
        Scene { place: Place::postgres(), prices: Prices::start() }
    }

    /// Runs `test` on both engines.
    pub fn for_each_engine(test: impl Fn(&Scene)) {
        for scene in [Scene::sqlite, Scene::postgres] {
            let scene = scene();
            println!("on {}", scene.place.url());
            test(&scene);
        }
    }

    /// A server with both keys and no other setting than the specification's.
    pub fn setup(&self) -> Setup {
        Setup::rounds(&self.place)
            .env("HERMES_URL", &self.prices.url())
            .env("SIM_SETTLE_API_KEY", SETTLE_KEY)
            .env("OPS_API_KEY", OPS_KEY)
    }

    /// Starts it.
    #[track_caller]
    pub fn start(&self) -> Server {
        self.setup().start()
    }

    /// The price of `market` rises from the lock to the end of the round that starts at `start_ms`.
    pub fn rises(&self, market: &str, start_ms: i64) {
        self.prices.set_round(market, start_ms, 100, 101);
    }

    /// It falls.
    pub fn falls(&self, market: &str, start_ms: i64) {
        self.prices.set_round(market, start_ms, 100, 99);
    }
}

/// The round of `market` that starts at `start_ms`.
pub fn round_id(market: &str, start_ms: i64) -> String {
    format!("{market}-{}-5m", start_ms / 1_000)
}

/// Ten bucks UP against twenty-five DOWN, by players 1 and 2 (example C3).
#[track_caller]
pub fn play(server: &Server, market: &str, start_ms: i64) {
    let id = round_id(market, start_ms);
    Join::new(&format!("{id}-up")).round(market, start_ms).wallet(1).up(10).accepted(server);
    Join::new(&format!("{id}-down")).round(market, start_ms).wallet(2).down(25).accepted(server);
}

/// One-sided entries of player 1 in the first `count` rounds while settlement is paused. Between two cycles the server
/// starts anew with a later clock, which passes over the sweeps on the way. Returns the ids of the rounds, oldest first.
#[track_caller]
pub fn play_one_sided(scene: &Scene, count: usize) -> Vec<String> {
    let starts = (0..).map(|cycle| START_MS + cycle * 120_000);
    let rounds: Vec<_> = starts.flat_map(|start| MARKETS.map(|market| (market, start))).take(count).collect();
    for same_start in rounds.chunks(MARKETS.len()) {
        let server = scene.setup().manual_clock(same_start[0].1).start();
        server.switch("sim-settlement", "on").expect(200);
        for (market, start_ms) in same_start {
            Join::new(&round_id(market, *start_ms)).round(market, *start_ms).accepted(&server);
        }
    }
    rounds.iter().map(|(market, start_ms)| round_id(market, *start_ms)).collect()
}

impl Server {
    /// `POST /api/sim/settle` with the key.
    #[track_caller]
    pub fn settle(&self) -> Answer {
        self.post_with("/api/sim/settle", &[("x-sim-settle-key", SETTLE_KEY)], "")
    }

    /// Sets a switch over HTTP.
    #[track_caller]
    pub fn switch(&self, switch: &str, state: &str) -> Answer {
        let wish = json!({"switch": switch, "state": state, "actor": "tests", "reason": "conformance"});
        self.post_with("/api/ops/switches", &[("x-ops-key", OPS_KEY)], &wish.to_string())
    }

    /// `GET` with the operators' key.
    #[track_caller]
    pub fn ops(&self, path: &str) -> Value {
        self.get_with(path, &[("x-ops-key", OPS_KEY)]).expect(200)
    }

    /// The public status.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.get("/api/status").expect(200)
    }

    /// Status and payout in cents of a player's newest entry.
    #[track_caller]
    pub fn outcome(&self, player: u64) -> (String, i64) {
        let entry = &self.results(player)["rounds"][0];
        (entry["status"].as_str().unwrap().to_owned(), entry["payoutLamports"].as_i64().unwrap())
    }
}
