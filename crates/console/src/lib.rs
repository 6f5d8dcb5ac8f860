//! Server-rendered pages: the public pages of the rounds desk and of the faucet, and the console of operators.
//!
//! Entry point: [`surfaces`]. Pages are compiled templates; every one works without scripts, and none loads anything
//! from elsewhere. What a page changes goes through the code that the API and the command line use.

mod assets;
mod board;
mod document;
mod faucet;
mod form;
mod front;
mod limits;
mod operators;
mod price_watch;
mod response;
mod sparkline;
mod terminal;
mod wording;

use std::sync::Arc;

use axum::http::HeaderValue;
use bursar_desk::Platform;
use bursar_desk::incident::PayoutStop;
use bursar_rounds::oracle::LatestPrices;
use bursar_web::{Envelope, Handler, HeaderPolicy, Surface};

pub use faucet::FaucetParts;
pub use limits::settings;
pub use operators::COOKIE;

use faucet::Faucet;
use operators::Operators;
use price_watch::PriceWatch;
use terminal::Terminal;

/// The largest body of a form, in bytes.
const BODY_BYTES_MAX: usize = 8 * 1024;
/// The platform's policy (docs/spec/platform.md H8), and nothing but our own pages as targets of forms and base of links.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
);

/// What the pages are told at start.
#[derive(Clone, Debug)]
pub struct ConsoleConfig {
    /// The mode in words: `dev`, `test` or `production`.
    pub mode: &'static str,
    /// Whether cookies are sent over TLS only.
    pub secure_cookies: bool,
    /// The build commit.
    pub build: String,
    /// The security headers of all pages but the content policy.
    pub headers: HeaderPolicy,
    /// The desks that are on.
    pub desks: Vec<&'static str>,
    /// What halts the payouts of each desk that pays out.
    pub payout_stops: Vec<PayoutStop>,
}

/// What the pages need of the rounds desk.
#[derive(Clone)]
pub struct RoundsParts {
    /// The handler of `POST /api/sim/entries`, which the page's form calls too.
    pub join: Handler,
    /// The newest prices.
    pub prices: Arc<LatestPrices>,
}

/// What the pages need of the desks that have one.
#[derive(Clone, Default)]
pub struct DeskParts {
    /// `None` = the desk is off and has no page.
    pub rounds: Option<RoundsParts>,
    /// The same.
    pub faucet: Option<FaucetParts>,
}

/// Every page.
#[must_use]
pub fn surfaces(platform: &Platform, config: &ConsoleConfig, desks: DeskParts) -> Vec<Surface> {
    let DeskParts { rounds, faucet } = desks;
    let watch = rounds
        .as_ref()
        .map(|parts| Arc::new(PriceWatch::new(Arc::clone(&parts.prices), platform.off_thread.clone())));
    let terminal = rounds.zip(watch.clone()).map(|(parts, watch)| {
        Arc::new(Terminal { platform: platform.clone(), join: parts.join, prices: watch })
    });
    let paying = faucet.clone();
    let faucet = faucet.map(|parts| Arc::new(Faucet { platform: platform.clone(), parts }));
    let operators = Operators::new(platform, config.clone(), watch, paying);
    // With a single desk the root is that desk's page (docs/spec/platform.md H5).
    let root = match (config.desks.as_slice(), &terminal, &faucet) {
        ([bursar_rounds::DESK], Some(terminal), _) => terminal::root(terminal),
        ([bursar_faucet::DESK], _, Some(faucet)) => faucet::root(faucet),
        _ => front::route(config),
    };
    let mut own = surface("platform", config);
    own.routes = assets::routes();
    own.routes.extend(operators::routes(&Arc::new(operators)));
    own.routes.push(root);
    let mut surfaces = vec![own];
    if let Some(terminal) = terminal {
        let mut desk = surface(bursar_rounds::DESK, config);
        desk.routes = terminal::routes(&terminal);
        surfaces.push(desk);
    }
    if let Some(faucet) = faucet {
        let mut desk = surface(bursar_faucet::DESK, config);
        desk.routes = faucet::routes(&faucet);
        surfaces.push(desk);
    }
    surfaces
}

fn surface(desk: &'static str, config: &ConsoleConfig) -> Surface {
    let mut surface = Surface::new(desk, Envelope::Flat, BODY_BYTES_MAX);
    surface.headers = config.headers.clone().with_content_security_policy(CONTENT_SECURITY_POLICY);
    surface
}
