//! What anybody may read, and signing in (docs/spec/faucet.md 4.1).

mod auth;
pub(super) mod board;
pub(super) mod donate;
pub(super) mod donations;
mod feed;
mod hodl;
mod product;
mod scheduler;

use std::sync::Arc;

use axum::http::Method;
use bursar_web::{Auth, Operation, Route};

use super::{Routes, reading, route};

pub(super) use auth::{CALLBACK, LOGIN};

pub(super) fn routes(routes: &Arc<Routes>) -> Vec<Route> {
    let open = |id, summary| reading(id, summary, Auth::None);
    let get = Method::GET;
    vec![
        route(routes, get.clone(), LOGIN, auth::login_operation(), auth::login),
        route(routes, get.clone(), CALLBACK, auth::callback_operation(), auth::callback),
        route(
            routes,
            get.clone(),
            "/config/product",
            open("faucet_product", "The community's texts, and the promotion that runs."),
            product::product,
        ),
        route(routes, get.clone(), "/api/leaderboard", listed(board::operation()), board::board),
        route(routes, get.clone(), "/api/feed", feed::operation(), feed::feed),
        route(
            routes,
            get.clone(),
            "/api/donate-info",
            open("faucet_donate_info", "Where to donate, and what the wallet holds."),
            donate::donate_info,
        ),
        route(
            routes,
            get.clone(),
            "/api/donations",
            open("faucet_donations", "What was donated, what that unlocked, and what a kill earns."),
            donations::donations,
        ),
        route(
            routes,
            get.clone(),
            "/api/scheduler/countdown",
            open("faucet_countdown", "Seconds until the next accrual and settlement."),
            scheduler::countdown,
        ),
        route(
            routes,
            get.clone(),
            "/hodl/tiers",
            open("faucet_tiers", "Tiers of the token boost."),
            hodl::tiers,
        ),
        route(
            routes,
            get,
            "/hodl/boosted",
            open("faucet_boosted", "Players with a token boost."),
            hodl::boosted,
        ),
    ]
}

/// Describes the two parameters of every paged list.
pub(super) fn listed(operation: Operation) -> Operation {
    use bursar_web::schema::integer;
    operation
        .query("limit", integer(), "How many, held within the route's bounds.")
        .query("offset", integer(), "How many are skipped.")
        .refusal(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            "A parameter is no whole number, or offset is below 0.",
        )
}
