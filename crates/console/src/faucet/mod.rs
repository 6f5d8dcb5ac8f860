//! The page of the faucet: signing in, the player's status and payouts, leaderboard, feed and donations
//! (docs/spec/faucet.md 4.1).

mod brand;
mod forms;
mod gifts;
mod link_required;
mod news;
mod own;
mod page;
mod payout_state;

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use bursar_control::{ConfigTable, Switch};
use bursar_desk::Platform;
use bursar_faucet::http::{PageView, PlayersPage};
use bursar_payouts::Payouts;
use bursar_web::{ApiError, Auth, Call, Handler, Operation, Route, schema};

use crate::assets;
use crate::limits::{VIEWS, charge};
use crate::response::{Keeping, page as html_page, route};

/// The page's own path; the root shows it too when the faucet is the only desk.
pub(crate) const PATH: &str = "/faucet";
const ROOT: &str = "/";

/// What the pages need of the faucet.
#[derive(Clone)]
pub struct FaucetParts {
    /// What stands on the players' page.
    pub page: PlayersPage,
    /// The handler of `POST /link/wallet`.
    pub link_wallet: Handler,
    /// The handler of `POST /me/reverify`.
    pub reverify: Handler,
    /// The handler of `POST /auth/demo-login`.
    pub demo_login: Handler,
    /// The payouts room, for operators.
    pub payouts: Payouts,
    /// What stops payouts, or more of the desk, with the tables that hold it.
    pub switches: Vec<(ConfigTable, Switch)>,
    /// Hosts that its pictures may come from, as scheme and host.
    pub picture_origins: Vec<String>,
}

/// What the page works with.
pub(crate) struct Faucet {
    pub platform: Platform,
    pub parts: FaucetParts,
}

/// The routes under the desk's own paths.
pub(crate) fn routes(faucet: &Arc<Faucet>) -> Vec<Route> {
    let show = operation("faucet_page", "The page of the faucet.");
    let mut routes = vec![
        route(faucet, Method::GET, PATH, show, |faucet, call| faucet.show(PATH, call)),
        link_required::route(faucet),
    ];
    routes.extend(forms::routes(faucet));
    routes.extend(assets::faucet_routes());
    routes
}

/// The same page at the root.
pub(crate) fn root(faucet: &Arc<Faucet>) -> Route {
    let show = operation("root_page", "The page of the only desk.");
    route(faucet, Method::GET, ROOT, show, |faucet, call| faucet.show(ROOT, call))
}

fn operation(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, summary, Auth::None)
        .query(
            "done",
            schema::one_of(&Done::ALL.map(Done::word)),
            "What a form has just done, to be confirmed.",
        )
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many views.")
}

/// What a form has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Linked,
    Verified,
    SignedOut,
}

impl Done {
    const ALL: [Done; 3] = [Done::Linked, Done::Verified, Done::SignedOut];

    const fn word(self) -> &'static str {
        match self {
            Done::Linked => "linked",
            Done::Verified => "verified",
            Done::SignedOut => "signed-out",
        }
    }
}

/// What a form came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    Done(Done),
    /// What was not done, and why.
    Refused(&'static str, String),
}

/// What a visitor asks to see.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// What a form just came to.
    pub notice: Option<Notice>,
    /// The address that was typed and refused.
    pub typed: String,
}

/// Everything on the page.
pub(super) struct Scene<'a> {
    pub view: &'a View,
    pub faucet: &'a Faucet,
    pub shown: &'a PageView,
}

impl Faucet {
    async fn show(self: Arc<Self>, path: &'static str, call: Call) -> Result<Response, ApiError> {
        charge(&self.platform, path, VIEWS, call.client().to_string()).await?;
        let word = call.query("done").map(std::borrow::Cow::into_owned).unwrap_or_default();
        let done = Done::ALL.into_iter().find(|done| done.word() == word);
        let view = View { notice: done.map(Notice::Done), typed: String::new() };
        self.render(StatusCode::OK, &view, PlayersPage::session_of(&call)).await
    }

    /// The page for `view`, for whoever holds the session. It is one visitor's, so nobody keeps it.
    async fn render(
        &self,
        status: StatusCode,
        view: &View,
        session: Option<String>,
    ) -> Result<Response, ApiError> {
        let shown = self.parts.page.read(session).await?;
        let scene = Scene { view, faucet: self, shown: &shown };
        let mut response = html_page(status, Keeping::AskAgain, page::page(&scene));
        let policy = brand::content_security_policy(&self.parts.picture_origins);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        Ok(response)
    }
}
