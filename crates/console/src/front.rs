//! The page at the root when it is no single desk's: where each desk's page is (docs/spec/platform.md H5).

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use bursar_web::{Auth, Operation, Route};
use maud::html;

use crate::ConsoleConfig;
use crate::document::{Document, Header, render};
use crate::response::{Keeping, page, route as page_route};

/// `GET /`.
pub(crate) fn route(config: &ConsoleConfig) -> Route {
    let operation = Operation::new("front", "Where each desk's page is.", Auth::None);
    let desks = Arc::new(config.desks.clone());
    page_route(&desks, Method::GET, "/", operation, |desks, _| async move {
        let body = html! {
            section.card.narrow {
                h1 { "Desks" }
                @if desks.is_empty() { p { "No desk is on. Set BURSAR_DESKS and start the server again." } }
                ul {
                    @for desk in desks.iter() {
                        li {
                            @match *desk {
                                bursar_rounds::DESK => a href="/rounds" { "Rounds: higher or lower in five minutes" },
                                bursar_faucet::DESK => a href=(crate::faucet::PATH) { "Faucet: kills in Fortnite earn Banano" },
                                other => (other),
                            }
                        }
                    }
                }
            }
        };
        let document = Document { title: "Desks", now_ms: None, refresh: None, header: Header::Public, body };
        Ok(page(StatusCode::OK, Keeping::AskAgain, render(document)))
    })
}
