//! `GET /api/oracle`: the newest price of a market, for showing (docs/spec/rounds.md 4.8).

use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bursar_desk::LaneRefusal;
use bursar_desk::limits::{Charge, LimitRefusal};
use bursar_money::Price;
use bursar_web::platform_codes::INVALID_QUERY;
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use serde::Serialize;
use serde_json::value::RawValue;

use super::codes::PRICE_UNAVAILABLE;
use super::{Routes, no_store};
use crate::market::Market;
use crate::oracle::{Latest, NoPrice, Turn};
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
    let counted = routes.count_price_call(call.client().to_string()).await?;
    let market = match call.query("market") {
        None => Market::default(),
        Some(text) => {
            let market = (text.len() <= 8).then(|| Market::from_key(&text.to_ascii_uppercase())).flatten();
            market.ok_or_else(|| {
                ApiError::because(&INVALID_QUERY, "No such market; use SOL, BTC, ETH, XRP, PEPE or BONK.")
            })?
        }
    };
    let latest = match counted {
        Counted::Yes => routes.newest_price(market).await?,
        Counted::No(fault) => routes.latest_prices.last_seen(market).await.map_err(|NoPrice| fault)?,
    };
    let mut response = no_store(Json(snapshot(market, &latest)?));
    if latest.is_stale {
        response.headers_mut().insert(STALE, HeaderValue::from_static("1"));
    }
    Ok(response)
}

/// Whether a call could be counted against its limit.
enum Counted {
    Yes,
    /// The store of counts fails; the caller may still be shown what was seen before.
    No(ApiError),
}

impl Routes {
    async fn count_price_call(&self, client: String) -> Result<Counted, ApiError> {
        let charge = Charge { limits: vec![(Routes::live(ORACLE), client)] };
        match self.platform.limits.pass(PATH, charge).await {
            Ok(()) => Ok(Counted::Yes),
            Err(LimitRefusal::Lane(LaneRefusal::Fault(fault))) => {
                tracing::error!(%fault, "price calls cannot be counted");
                Ok(Counted::No(LaneRefusal::Fault(fault).into()))
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn newest_price(&self, market: Market) -> Result<Latest, ApiError> {
        let now = self.platform.off_thread.read("rounds.price", |tx| tx.reading()).await?;
        let answer = match self.latest_prices.turn(market, now).await {
            Turn::Known(answer) => answer,
            Turn::Ask(question) => self.platform.off_thread.run(move || question.ask()).await?,
        };
        answer.map_err(|NoPrice| ApiError::of(&PRICE_UNAVAILABLE))
    }
}

fn snapshot(market: Market, latest: &Latest) -> Result<Snapshot, ApiError> {
    let number =
        |price: Price| RawValue::from_string(price.to_string()).map_err(|error| ApiError::fault(&error));
    let sample = &latest.sample;
    let confidence = i64::try_from(sample.confidence).unwrap_or(i64::MAX);
    let fetched_at = jiff::Timestamp::from_millisecond(latest.asked_at.ms()).unwrap_or_default();
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
