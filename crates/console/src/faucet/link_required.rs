//! `GET /static/link-required.html`: what a player lacks who could not be signed in, and how to get it.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use bursar_web::{Auth, Operation, Route, schema};
use maud::{Markup, html};

use super::{Faucet, brand};
use crate::document::{Document, Header, render};
use crate::limits::{VIEWS, charge};
use crate::response::{Keeping, page, route as page_route};

/// Where sign-in sends whoever lacks something.
const PATH: &str = "/static/link-required.html";

pub(super) fn route(faucet: &Arc<Faucet>) -> Route {
    let operation = Operation::new("faucet_link_required", "What is missing to sign in.", Auth::None)
        .query("reason", schema::one_of(&["guild", "epic"]), "What is missing; both when left out.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many views.");
    page_route(faucet, Method::GET, PATH, operation, |faucet, call| async move {
        charge(&faucet.platform, PATH, VIEWS, call.client().to_string()).await?;
        let reason = call.query("reason").map(std::borrow::Cow::into_owned).unwrap_or_default();
        let product = faucet.parts.page.product();
        let body = body(&reason, brand::address(&product.discord_invite_url));
        let header = Header::Faucet { name: brand::name(product) };
        let document = Document { title: "Not signed in", now_ms: None, refresh: None, header, body };
        Ok(page(StatusCode::OK, Keeping::AskAgain, render(document)))
    })
}

fn body(reason: &str, invite: Option<&str>) -> Markup {
    let (asks_for_guild, asks_for_epic) = (reason != "epic", reason != "guild");
    html! {
        section.card.narrow {
            h1 { "Not signed in yet" }
            @if asks_for_guild {
                p { b { "Your Discord account is not in the community's server." } " Join it with the account that you sign in with." }
                @match invite {
                    Some(invite) => p { a.button href=(invite) rel="noopener" { "Join the Discord server" } },
                    None => p.quiet { "Ask the community for an invitation." },
                }
            }
            @if asks_for_epic {
                p { b { "No Epic account is linked to your Discord account." } " In the Discord server, follow Yunite's registration, so that we know whose kills are yours." }
            }
            p { "Then sign in again:" }
            p { a.button.go href="/auth/discord/login" { "Sign in with Discord" } }
            p { a href=(super::PATH) { "Back to the faucet" } }
        }
    }
}
