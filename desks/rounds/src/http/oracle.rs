//! `GET /api/oracle`: the newest price of a market, for showing (docs/spec/rounds.md 4.8).

use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bursar_money::Price;
use bursar_store::clock::machine_time;
use bursar_web::platform_codes::INVALID_QUERY;
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use serde::Serialize;
use serde_json::value::RawValue;

use super::codes::PRICE_UNAVAILABLE;
use super::{Routes, no_store};
use crate::market::Market;
use crate::oracle::Latest;
use crate::settings::ORACLE;

pub(super) const PATH: &str = "/api/oracle";
const STALE: HeaderName = HeaderName::from_static("x-pancho-oracle-stale");

/// What the route answers. There is no chain behind play money, so its two fields say so.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    market: &'static str,
    asset: &'static str,
    source: &'static str,
    feed_id: &'static str,
    price: Box<RawValue>,
    confidence: Box<RawValue>,
    publish_time: i64,
    devnet_slot: i64,
    devnet_endpoint: &'static str,
    fetched_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

pub(super) fn operation() -> Operation {
    let answer = schema::object([
        ("market", schema::string()),
        ("asset", schema::string()),
        ("source", schema::string()),
        ("feedId", schema::string()),
        ("price", serde_json::json!({"type": "number"})),
        ("confidence", serde_json::json!({"type": "number"})),
        ("publishTime", schema::integer()),
        ("devnetSlot", schema::integer()),
        ("devnetEndpoint", schema::string()),
        ("fetchedAt", schema::string()),
        ("warning?", schema::string()),
    ]);
    Operation::new("rounds_price", "The newest price of a market.", Auth::None)
        .describe("For showing only: rounds are decided by the prices of their own two instants.")
        .query("market", schema::string(), "The market in any case; SOL when left out.")
        .answer(StatusCode::OK, "The price; with a warning when it is an old one.", answer)
        .refusal(StatusCode::BAD_REQUEST, "No such market.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls.")
        .refusal(StatusCode::SERVICE_UNAVAILABLE, "No price can be had.")
}

pub(super) async fn oracle(routes: Arc<Routes>, call: Call) -> Result<Response, ApiError> {
    routes.charge_address(PATH, ORACLE, &call).await?;
    let market = match call.query("market") {
        None => Market::default(),
        Some(text) => {
            let market = (text.len() <= 8).then(|| Market::from_key(&text.to_ascii_uppercase())).flatten();
            market.ok_or_else(|| {
                ApiError::because(&INVALID_QUERY, "No such market; use SOL, BTC, ETH, XRP, PEPE or BONK.")
            })?
        }
    };
    let prices = Arc::clone(&routes.latest_prices);
    let latest = routes.platform.off_thread.run(move || prices.get(market)).await?;
    let latest = latest.map_err(|_| ApiError::of(&PRICE_UNAVAILABLE))?;
    let mut response = no_store(Json(snapshot(market, &latest)?));
    if latest.is_stale {
        response.headers_mut().insert(STALE, HeaderValue::from_static("1"));
    }
    Ok(response)
}

fn snapshot(market: Market, latest: &Latest) -> Result<Snapshot, ApiError> {
    let number =
        |price: Price| RawValue::from_string(price.to_string()).map_err(|error| ApiError::fault(&error));
    let sample = &latest.sample;
    let confidence = i64::try_from(sample.confidence).unwrap_or(i64::MAX);
    let fetched_at = jiff::Timestamp::from_millisecond(machine_time().ms()).unwrap_or_default();
    Ok(Snapshot {
        market: market.key(),
        asset: market.asset(),
        source: "Pyth Hermes",
        feed_id: market.feed_id(),
        price: number(sample.price)?,
        confidence: number(Price::new(confidence, sample.price.exponent))?,
        publish_time: sample.publish_time_s,
        devnet_slot: 0,
        devnet_endpoint: "",
        fetched_at: fetched_at.to_string(),
        warning: latest.is_stale.then_some("the price service fails; this is the last price seen"),
    })
}
