//! The HTTP side of the feed: the two price routes of Hermes, and its own control route.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::faults::{BodyFault, Faults};
use super::source::Quote;
use super::state::State;

/// Size of an answer under [`BodyFault::Oversized`], in bytes.
const OVERSIZED_BYTES: usize = 1 << 20;

pub(super) fn router(state: Arc<State>, with_control: bool) -> Router {
    let mut router = Router::new().route("/v2/updates/price/{when}", get(price));
    if with_control {
        router = router.route("/control", get(read_control).post(write_control));
    }
    router.with_state(state)
}

async fn price(
    Shared(state): Shared<Arc<State>>,
    OriginalUri(uri): OriginalUri,
    Path(when): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    state.record(&uri.to_string());
    let (faults, failure) = {
        let mut faults = state.faults.lock();
        let failure = faults.take_failure();
        (faults.clone(), failure)
    };
    if faults.silent {
        return std::future::pending().await;
    }
    if faults.lag_ms > 0 {
        tokio::time::sleep(Duration::from_millis(faults.lag_ms)).await;
    }
    if let Some(status) = failure {
        return failed(status, uri.query().unwrap_or_default());
    }
    if faults.required_key.as_deref().is_some_and(|key| bearer(&headers) != Some(key)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match answer(&state, &when, &query, &faults) {
        Ok(body) => spoiled(body, faults.body),
        Err((status, text)) => (status, text).into_response(),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn failed(status: u16, query: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = status.canonical_reason().unwrap_or_default();
    if status.is_redirection() {
        let location = format!("/v2/updates/price/latest?{query}");
        return (status, [(header::LOCATION, location)]).into_response();
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        return (status, [(header::RETRY_AFTER, "60")], text).into_response();
    }
    (status, text).into_response()
}

/// A request that gets no price: status and text, as Hermes words them.
type NoPrice = (StatusCode, String);

fn answer(state: &State, when: &str, query: &[(String, String)], faults: &Faults) -> Result<Value, NoPrice> {
    let second = match when {
        "latest" => None,
        text => Some(text.parse::<i64>().map_err(|_| bad_request("publish_time is not an integer"))?),
    };
    if query.iter().any(|(key, value)| key == "encoding" && value != "hex") {
        return Err(bad_request("this stand-in only knows encoding=hex"));
    }
    let feeds = asked_feeds(query)?;
    let missing: Vec<_> =
        feeds.iter().filter(|feed| !state.source.has(feed)).map(|feed| format!("0x{feed}")).collect();
    if !missing.is_empty() {
        return Err((StatusCode::NOT_FOUND, format!("Price ids not found: {}", missing.join(", "))));
    }
    let quote = |feed: &String| match second {
        Some(second) => state.source.at(feed, second),
        None => state.source.latest(feed, state.now()),
    };
    let quotes: Option<Vec<Quote>> = feeds.iter().map(quote).collect();
    let quotes = quotes.ok_or((StatusCode::NOT_FOUND, "Update data not found".to_owned()))?;
    let parsed = feeds.iter().zip(quotes).map(|(feed, quote)| parsed_update(faults.told(feed, quote)));
    let mut body = json!({ "binary": { "encoding": "hex", "data": [UNSIGNED_UPDATE] } });
    if !query.iter().any(|(key, value)| key == "parsed" && value == "false") {
        body["parsed"] = Value::Array(parsed.collect());
    }
    Ok(body)
}

/// Hex of an accumulator message's header. A stand-in cannot sign for the real publishers, so nothing follows it.
const UNSIGNED_UPDATE: &str = "504e41550100000000";

fn bad_request(text: &str) -> NoPrice {
    (StatusCode::BAD_REQUEST, text.to_owned())
}

fn asked_feeds(query: &[(String, String)]) -> Result<Vec<String>, NoPrice> {
    let ids = query.iter().filter(|(key, _)| key == "ids[]" || key == "ids").map(|(_, id)| id);
    let feeds: Option<Vec<String>> = ids.map(|id| canonical_id(id)).collect();
    match feeds {
        Some(feeds) if !feeds.is_empty() => Ok(feeds),
        _ => Err(bad_request("ids[] must name at least one feed as 64 hexadecimal digits")),
    }
}

fn canonical_id(id: &str) -> Option<String> {
    let digits = id.strip_prefix("0x").unwrap_or(id);
    let valid = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| digits.to_ascii_lowercase())
}

fn parsed_update((feed, quote): (&str, Quote)) -> Value {
    let price = json!({
        "price": quote.price.mantissa.to_string(),
        "conf": quote.confidence.to_string(),
        "expo": quote.price.exponent,
        "publish_time": quote.publish_time,
    });
    json!({
        "id": feed,
        "price": price,
        "ema_price": price,
        "metadata": {
            "slot": quote.publish_time.saturating_mul(2).max(0),
            "proof_available_time": quote.publish_time.saturating_add(1),
            "prev_publish_time": quote.publish_time.saturating_sub(1),
        },
    })
}

fn spoiled(body: Value, fault: BodyFault) -> Response {
    let text = body.to_string();
    let half = text.len() / 2;
    let body = match fault {
        BodyFault::None => Body::from(text),
        BodyFault::Garbage => Body::from("<html>upstream is having a moment</html>"),
        BodyFault::CutJson => Body::from(text.get(..half).unwrap_or_default().to_owned()),
        BodyFault::CutTransfer => broken_off(text.get(..half).unwrap_or_default().to_owned()),
        BodyFault::Oversized => Body::from(format!("{text}{}", " ".repeat(OVERSIZED_BYTES - text.len()))),
    };
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A body that ends in a broken connection after `start`.
fn broken_off(start: String) -> Body {
    let cut = stream::once(async {
        // Waiting once lets the server flush the start; an error at hand would drop it together with the head.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::BrokenPipe))
    });
    Body::from_stream(stream::once(async { Ok(start) }).chain(cut))
}

async fn read_control(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let faults = state.faults.lock().clone();
    let requests = state.paths();
    Json(json!({ "faults": faults, "requestCount": state.request_count(), "requests": requests }))
}

/// Replaces all faults by those in the body.
async fn write_control(Shared(state): Shared<Arc<State>>, Json(faults): Json<Faults>) -> StatusCode {
    *state.faults.lock() = faults;
    StatusCode::NO_CONTENT
}
