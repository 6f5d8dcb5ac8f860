//! A rounds server that plays along, settles every round as a tie, and lies in one way that a test chooses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The first millisecond of a round.
const START_MS: i64 = 1_700_000_040_000;

/// What is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// Every fourth accepted entry is in no results.
    Missing,
    /// Results differ each time they are read.
    Changing,
    /// Pools hold one buck more than was staked.
    FatPool,
    /// Everybody gets a cent more than is due.
    Overpaid,
    /// Some results are answered 500.
    Faulty,
    /// The answer to the first try of each join is lost, although the entry is made.
    LostAnswers,
    /// Joins are never answered.
    Silent,
    /// Every fourth join is answered 200 without making an entry, as if it had been there before.
    Swallowed,
}

struct Stage {
    lie: Lie,
    now_ms: i64,
    joins: Vec<Value>,
    tries: BTreeMap<String, u32>,
    reads: i64,
}

type Shared = Arc<Mutex<Stage>>;

/// A running server; it ends with the value.
pub struct Lying {
    pub base: String,
    _runtime: Runtime,
}

impl Lying {
    /// Starts it on a free port of the loopback, with its clock at the start of a round.
    pub fn start(lie: Lie) -> Lying {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stage = Stage { lie, now_ms: START_MS, joins: Vec::new(), tries: BTreeMap::new(), reads: 0 };
        let routes = Router::new()
            .route("/dev/clock", get(show_clock).post(move_clock))
            .route("/api/sim/entries", post(join))
            .route("/api/sim/pool", get(pool))
            .route("/api/sim/results", get(results))
            .with_state(Arc::new(Mutex::new(stage)));
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Lying { base, _runtime: runtime }
    }
}

async fn show_clock(State(stage): State<Shared>) -> Json<Value> {
    Json(json!({"nowMs": stage.lock().unwrap().now_ms}))
}

async fn move_clock(State(stage): State<Shared>, Json(wish): Json<Value>) -> Json<Value> {
    stage.lock().unwrap().now_ms = wish["nowMs"].as_i64().unwrap();
    Json(wish)
}

async fn join(State(stage): State<Shared>, Json(join): Json<Value>) -> Response {
    let id = join["id"].as_str().unwrap().to_owned();
    let (lie, is_first_try, created) = {
        let mut stage = stage.lock().unwrap();
        let tries = stage.tries.entry(id.clone()).or_default();
        *tries += 1;
        let is_first_try = *tries == 1;
        let number = stage.tries.len();
        let is_swallowed = stage.lie == Lie::Swallowed && number % 4 == 0;
        let created = !is_swallowed && stage.joins.iter().all(|known| known["id"] != id.as_str());
        if created {
            stage.joins.push(join);
        }
        (stage.lie, is_first_try, created)
    };
    if lie == Lie::Silent {
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    if lie == Lie::LostAnswers && is_first_try {
        // The connection breaks off in the middle of the answer.
        let broken = stream::once(async { Err::<&str, _>(std::io::Error::other("lost")) });
        return Body::from_stream(broken).into_response();
    }
    Json(json!({"ok": true, "created": created})).into_response()
}

async fn pool(State(stage): State<Shared>, Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let stage = stage.lock().unwrap();
    let joins: Vec<&Value> =
        stage.joins.iter().filter(|join| join["roundId"] == query["roundId"].as_str()).collect();
    let bucks = |side: &str| -> i64 {
        let of_side = joins.iter().filter(|join| join["direction"] == side);
        of_side.map(|join| join["stakeBucks"].as_i64().unwrap()).sum()
    };
    let (up, down) = (bucks("UP") + i64::from(stage.lie == Lie::FatPool), bucks("DOWN"));
    Json(json!({"stats": {
        "totalBucks": up + down, "upBucks": up, "downBucks": down, "players": joins.len(), "entries": joins.len()
    }}))
}

async fn results(State(stage): State<Shared>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let mut stage = stage.lock().unwrap();
    stage.reads += 1;
    if stage.lie == Lie::Faulty && stage.reads % 7 == 0 {
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"code": "internal"}))).into_response();
    }
    let of_wallet = |(_, join): &(usize, &Value)| join["wallet"] == query["wallet"].as_str();
    let rounds = stage.joins.iter().enumerate().filter(of_wallet);
    let rounds = rounds.filter(|(number, _)| stage.lie != Lie::Missing || number % 4 != 0);
    let rounds: Vec<Value> = rounds.map(|(_, join)| stage.shown(join)).collect();
    Json(json!({"rounds": rounds})).into_response()
}

impl Stage {
    /// An entry with its stake given back.
    fn shown(&self, join: &Value) -> Value {
        let cents = join["stakeBucks"].as_i64().unwrap() * 100;
        let paid = cents + i64::from(self.lie == Lie::Overpaid);
        let drift = if self.lie == Lie::Changing { self.reads } else { 0 };
        let same_round = self.joins.iter().filter(|other| other["roundId"] == join["roundId"]);
        let is_one_sided = same_round.clone().all(|other| other["direction"] == join["direction"]);
        json!({
            "roundId": join["roundId"], "joinedAtMs": START_MS, "direction": join["direction"],
            "entrySignature": join["id"], "stakeLamports": cents, "status": "REFUND", "payoutLamports": paid,
            "pnlLamports": paid - cents,
            "settlement": {
                "mode": "REFUND", "winnerSide": null, "reason": if is_one_sided { "one_sided" } else { "tie" },
                "startPrice": 100, "endPrice": 100, "settledAtMs": START_MS + 360_000 + drift,
            },
        })
    }
}
