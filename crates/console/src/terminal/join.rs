//! `POST /rounds/join`: the page's form, translated into a call of the API's own handler, so that lane, checks, limits
//! and audit are the same.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use bursar_rounds::market::Market;
use bursar_rounds::timing::Round;
use bursar_web::{ApiError, Auth, Call, Operation};
use serde_json::{Value, json};

use super::{Notice, PATH as PAGE, Terminal, View, short};
use crate::form::Form;
use crate::response::{see, with_headers_of};
use crate::wording::sentence;

pub(super) const PATH: &str = "/rounds/join";

pub(super) fn operation() -> Operation {
    Operation::new("rounds_join_form", "Join a round with the page's form.", Auth::None)
        .describe(
            "The fields market, start (Unix ms), bet (such as UP-10), wallet and id, form-encoded, are handed to \
             POST /api/sim/entries; a refusal is the page with the same status.",
        )
        .refusal(StatusCode::SEE_OTHER, "The entry is there; the page shows it.")
        .refusal(StatusCode::BAD_REQUEST, "The request is not one that can be accepted.")
        .refusal(StatusCode::FORBIDDEN, "Another site's page sent the form.")
        .refusal(StatusCode::CONFLICT, "The id belongs to another entry.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls by this address or wallet.")
        .refusal(StatusCode::SERVICE_UNAVAILABLE, "Joins are paused, or the queue is full.")
}

pub(super) async fn join(terminal: Arc<Terminal>, mut call: Call) -> Result<Response, ApiError> {
    let client = call.client().to_string();
    let form = Form::read(&mut call).await?;
    let body = body(&form).to_string();
    let market = Market::from_key(form.field("market")).unwrap_or_default();
    let wallet = short(form.field("wallet"));
    match (terminal.join)(call.with_body(body)).await {
        Ok(_) => Ok(see(&confirmation(&form, market, &wallet))),
        Err(error) if error.fault_text().is_some() => Err(error),
        Err(error) => {
            let notice = Some(Notice::Refused(sentence(error.message())));
            let view = View { market, wallet, notice, bet: short(form.field("bet")) };
            let shown = terminal.render(error.status(), &view, client).await?;
            Ok(with_headers_of(&error, shown))
        }
    }
}

/// The body that the API would have been sent. What cannot be one stays out, and the API's own checks refuse it.
fn body(form: &Form) -> Value {
    let market = form.field("market");
    let (direction, stake) = form.field("bet").split_once('-').unwrap_or_default();
    let mut body = json!({
        "id": form.field("id"), "market": market, "wallet": form.field("wallet"), "direction": direction,
        "feedId": Market::from_key(market).map(Market::feed_id).unwrap_or_default(), "joinedAtMs": 0,
    });
    if let Ok(bucks) = stake.parse::<i64>() {
        body["stakeBucks"] = bucks.into();
    }
    let start_ms = form.field("start").parse::<i64>().ok();
    let round = start_ms.and_then(|start| Round::starting(Market::from_key(market)?, start));
    if let Some(round) = round {
        body["roundId"] = round.id().into();
        body["roundStartMs"] = round.start_ms().into();
        body["roundEndMs"] = round.end_ms().into();
    }
    body
}

fn confirmation(form: &Form, market: Market, wallet: &str) -> String {
    let start_ms = form.field("start").parse::<i64>().ok();
    let round = start_ms.and_then(|start| Round::starting(market, start));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("market", market.key()).append_pair("wallet", wallet);
    if let Some(round) = round {
        query.append_pair("joined", &round.id());
    }
    format!("{PAGE}?{}#results", query.finish())
}
