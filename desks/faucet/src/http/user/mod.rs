//! What players do with their session (docs/spec/faucet.md 4.2).

mod lists;
mod status;
pub(super) mod verification;
mod wallet;

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use bursar_web::{Auth, Operation, Route, schema};

use super::public::listed;
use super::{Routes, changing, reading, route};
use crate::rules::session_token::USER_COOKIE;

const SESSION: Auth = Auth::Cookie(USER_COOKIE);

pub(super) fn routes(routes: &Arc<Routes>) -> Vec<Route> {
    let (get, post) = (Method::GET, Method::POST);
    vec![
        route(routes, post.clone(), "/link/wallet", link_operation(), wallet::link),
        route(routes, post.clone(), "/me/verify-solana/nonce", nonce_operation(), verification::nonce),
        route(routes, post.clone(), "/me/verify-solana", solana_operation(), verification::solana),
        route(routes, post, "/me/reverify", reverify_operation(), verification::reverify),
        route(
            routes,
            get.clone(),
            "/me/status",
            reading("faucet_me_status", "How the player stands.", SESSION),
            status::status,
        ),
        route(
            routes,
            get.clone(),
            "/me/payouts",
            listed(reading("faucet_me_payouts", "The player's payouts.", SESSION))
                .query("status", schema::one_of(&["pending", "sent", "failed"]), "Only those.")
                .query(
                    "sort",
                    schema::string(),
                    "created_at, amount_ban or status; a minus sign turns it round.",
                )
                .refusal(StatusCode::BAD_REQUEST, "There is no such order."),
            lists::payouts,
        ),
        route(
            routes,
            get,
            "/me/accruals",
            listed(reading("faucet_me_accruals", "The player's accruals.", SESSION)).query(
                "settled",
                schema::boolean(),
                "Only those that are paid, or only those that are not.",
            ),
            lists::accruals,
        ),
    ]
}

fn link_operation() -> Operation {
    let request = schema::object([("banano_address", schema::string())]);
    changing("faucet_link_wallet", "Make a wallet the one that payouts go to.", SESSION, request).refusal(
        StatusCode::BAD_REQUEST,
        "No address, or one that nobody can spend from. Told before the session.",
    )
}

fn nonce_operation() -> Operation {
    let request = schema::object([("solana_address", schema::string())]);
    changing("faucet_solana_nonce", "The text to sign for a Solana wallet.", SESSION, request)
        .refusal(StatusCode::BAD_REQUEST, "No Solana address.")
}

fn solana_operation() -> Operation {
    let request = schema::object([
        ("solana_address", schema::string()),
        ("message", schema::string()),
        ("signature", schema::string()),
    ]);
    changing("faucet_verify_solana", "Prove that a Solana wallet is the player's.", SESSION, request)
        .refusal(
            StatusCode::BAD_REQUEST,
            "The proof does not hold, or the boost is off. Told before the session.",
        )
        .refusal(StatusCode::CONFLICT, "Another player has verified the wallet.")
        .refusal(StatusCode::BAD_GATEWAY, "The Solana node gave no usable answer.")
}

fn reverify_operation() -> Operation {
    reading("faucet_me_reverify", "Look guild membership and Epic account up again.", SESSION)
        .refusal(StatusCode::CONFLICT, "The Epic account earns for another player.")
        .refusal(StatusCode::BAD_GATEWAY, "Yunite gave no usable answer.")
}
