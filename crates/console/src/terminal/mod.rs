//! The public page of the rounds desk: markets, rounds, what a stake would pay, joining, a wallet's results
//! (docs/spec/rounds.md 4.12).

mod estimate;
mod join;
mod page;
mod results;
mod rounds;
mod stakes;

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use axum::response::Response;
use bursar_desk::Platform;
use bursar_rounds::market::Market;
use bursar_rounds::timing::Round;
use bursar_web::{ApiError, Auth, Call, Handler, Operation, Route, schema};
use uuid::Builder;

use crate::board::Board;
use crate::limits::{VIEWS, charge};
use crate::price_watch::{PriceWatch, Seen};
use crate::response::{Keeping, page as html_page, route};

pub(crate) use page::banner;
pub(crate) use rounds::{countdown, pool, time};

/// The page's own path; the root shows it too when rounds is the only desk.
pub(crate) const PATH: &str = "/rounds";
const ROOT: &str = "/";

/// What the page works with.
pub(crate) struct Terminal {
    pub platform: Platform,
    /// The handler of the API's join.
    pub join: Handler,
    pub prices: Arc<PriceWatch>,
}

/// The routes under the desk's own path.
pub(crate) fn routes(terminal: &Arc<Terminal>) -> Vec<Route> {
    let show = operation("rounds_page", "The page of the rounds desk.");
    vec![
        route(terminal, Method::GET, PATH, show, |terminal, call| terminal.show(PATH, call)),
        route(terminal, Method::POST, join::PATH, join::operation(), join::join),
    ]
}

/// The same page at the root.
pub(crate) fn root(terminal: &Arc<Terminal>) -> Route {
    let show = operation("root_page", "The page of the only desk.");
    route(terminal, Method::GET, ROOT, show, |terminal, call| terminal.show(ROOT, call))
}

fn operation(id: &'static str, summary: &'static str) -> Operation {
    let markets = Market::ALL.map(Market::key);
    Operation::new(id, summary, Auth::None)
        .query("market", schema::one_of(&markets), "Which market; SOL when left out.")
        .query("wallet", schema::string(), "Whose results to show.")
        .query("joined", schema::string(), "The round that a form has just joined, to be confirmed.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many views.")
}

/// What a visitor asks to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub market: Market,
    /// As typed; empty = none.
    pub wallet: String,
    /// What a form just came to.
    pub notice: Option<Notice>,
    /// The choice to keep, as the form names it: `UP-10`.
    pub bet: String,
}

/// What a form came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The entry is in this round.
    Joined(Round),
    /// It is not, and why.
    Refused(String),
}

/// Longest wallet that is looked at: no address is longer, and longer text is not repeated on a page.
const WALLET_BYTES_MAX: usize = 64;

impl View {
    /// Reads the query; a market that does not exist is the default one.
    fn of(call: &Call) -> View {
        let text = |name| call.query(name).map(std::borrow::Cow::into_owned).unwrap_or_default();
        let market = Market::from_key(&text("market")).unwrap_or_default();
        let joined = Round::from_id(&text("joined")).map(Notice::Joined);
        View { market, wallet: short(text("wallet").trim()), notice: joined, bet: String::new() }
    }
}

/// The text as a wallet's, cut where no address is that long.
fn short(text: &str) -> String {
    text.chars().filter(|mark| !mark.is_control()).take(WALLET_BYTES_MAX).collect()
}

/// Everything on the page.
struct Scene<'a> {
    view: &'a View,
    board: &'a Board,
    prices: [Seen; Market::ALL.len()],
    results: results::Results,
    /// The id that the next entry of the form will have.
    entry_id: String,
}

impl Terminal {
    async fn show(self: Arc<Self>, path: &'static str, call: Call) -> Result<Response, ApiError> {
        let client = call.client().to_string();
        charge(&self.platform, path, VIEWS, client.clone()).await?;
        let view = View::of(&call);
        self.render(StatusCode::OK, &view, client).await
    }

    /// The page for `view`.
    async fn render(&self, status: StatusCode, view: &View, client: String) -> Result<Response, ApiError> {
        self.prices.look().await;
        let switchboard = self.platform.switchboard.clone();
        let read = move |tx: &mut bursar_store::Tx<'_>| Board::read(tx, &switchboard);
        let board = self.platform.off_thread.read("console.board", read).await?;
        let results = self.results(&view.wallet, client).await?;
        let prices = Market::ALL.map(|market| self.prices.seen(market));
        let scene = Scene { view, board: &board, prices, results, entry_id: self.entry_id() };
        Ok(html_page(status, Keeping::AskAgain, page::page(&scene)))
    }

    /// A new id for an entry, so that a form that is sent twice makes one entry.
    fn entry_id(&self) -> String {
        let mut bytes = [0; 16];
        self.platform.entropy.fill(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}
