//! The page's forms, translated into calls of the API's own handlers, so that checks, limits and audit are the same.

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use bursar_faucet::http::PlayersPage;
use bursar_web::{ApiError, Auth, Call, Handler, Operation, Route};
use serde_json::json;

use super::{Done, Faucet, Notice, PATH, View};
use crate::form::Form;
use crate::response::{route, see, see_with_cookie, with_headers_of};
use crate::wording::sentence;

pub(super) const WALLET: &str = "/faucet/wallet";
pub(super) const REVERIFY: &str = "/faucet/reverify";
pub(super) const SIGN_OUT: &str = "/faucet/sign-out";
pub(super) const DEMO_SIGN_IN: &str = "/faucet/demo-sign-in";

/// Longest address that a refused form shows again.
const TYPED_MAX: usize = 80;

pub(super) fn routes(faucet: &Arc<Faucet>) -> Vec<Route> {
    let post = || Method::POST;
    let wallet = operation("faucet_wallet_form", "Link a wallet with the page's form.")
        .describe("The field banano_address, form-encoded, is handed to POST /link/wallet; a refusal is the page with the same status.")
        .refusal(StatusCode::BAD_REQUEST, "No address, or one that nobody can spend from.")
        .refusal(StatusCode::UNAUTHORIZED, "Nobody is signed in.");
    let reverify =
        operation("faucet_reverify_form", "Look membership and Epic account up again with the page's form.")
            .refusal(StatusCode::UNAUTHORIZED, "Nobody is signed in.")
            .refusal(StatusCode::CONFLICT, "The Epic account earns for another player.")
            .refusal(StatusCode::BAD_GATEWAY, "A service that we need gave no usable answer.");
    let demo = operation("faucet_demo_form", "Sign in as the demonstration's player with the page's form.");
    vec![
        route(faucet, post(), WALLET, wallet, link),
        route(faucet, post(), REVERIFY, reverify, look_again),
        route(
            faucet,
            post(),
            SIGN_OUT,
            operation("faucet_sign_out", "Forget the session in this browser."),
            sign_out,
        ),
        route(faucet, post(), DEMO_SIGN_IN, demo, demo_sign_in),
    ]
}

fn operation(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, summary, Auth::None)
        .refusal(StatusCode::SEE_OTHER, "Done; the page shows it.")
        .refusal(StatusCode::FORBIDDEN, "Another site's page sent the form.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls.")
}

async fn link(faucet: Arc<Faucet>, mut call: Call) -> Result<Response, ApiError> {
    let form = Form::read(&mut call).await?;
    let address = form.field("banano_address");
    let typed = address.chars().filter(|mark| !mark.is_control()).take(TYPED_MAX).collect();
    let body = json!({ "banano_address": address }).to_string();
    let handler = Arc::clone(&faucet.parts.link_wallet);
    faucet.hand_over(&handler, call.with_body(body), ("Not linked.", Done::Linked), typed).await
}

async fn look_again(faucet: Arc<Faucet>, mut call: Call) -> Result<Response, ApiError> {
    Form::read(&mut call).await?;
    let handler = Arc::clone(&faucet.parts.reverify);
    faucet.hand_over(&handler, call, ("Not looked up.", Done::Verified), String::new()).await
}

async fn sign_out(faucet: Arc<Faucet>, mut call: Call) -> Result<Response, ApiError> {
    Form::read(&mut call).await?;
    Ok(see_with_cookie(&confirmation(Done::SignedOut), faucet.parts.page.sign_out()?))
}

async fn demo_sign_in(faucet: Arc<Faucet>, mut call: Call) -> Result<Response, ApiError> {
    Form::read(&mut call).await?;
    let answer = (faucet.parts.demo_login)(call).await?;
    let mut shown = see(PATH);
    for cookie in answer.headers().get_all(header::SET_COOKIE) {
        shown.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    Ok(shown)
}

impl Faucet {
    /// Lets the API's handler decide: the page confirms, or says why not with the same status.
    async fn hand_over(
        &self,
        handler: &Handler,
        call: Call,
        (what, done): (&'static str, Done),
        typed: String,
    ) -> Result<Response, ApiError> {
        let session = PlayersPage::session_of(&call);
        match handler(call).await {
            Ok(_) => Ok(see(&confirmation(done))),
            Err(error) if error.fault_text().is_some() => Err(error),
            Err(error) => {
                let notice = Some(Notice::Refused(what, sentence(error.message())));
                let shown = self.render(error.status(), &View { notice, typed }, session).await?;
                Ok(with_headers_of(&error, shown))
            }
        }
    }
}

fn confirmation(done: Done) -> String {
    format!("{PATH}?done={}", done.word())
}
