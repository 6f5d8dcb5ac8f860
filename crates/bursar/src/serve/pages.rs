//! The pages: the public ones of the desks, and the operators' console.

use axum::http::Method;
use bursar_console::{ConsoleConfig, DeskParts, FaucetParts, RoundsParts, surfaces as console_surfaces};
use bursar_control::{ConfigTable, Switch};
use bursar_desk::Platform;
use bursar_faucet::switches::SWITCHES;
use bursar_web::{Handler, Surface};

use super::COMMIT;
use crate::config::{Configuration, Mode};
use crate::host::{Desks, PAYOUTS_HALTED, header_policy};

/// The route that the form of rounds hands its joins to.
const JOIN: &str = "/api/sim/entries";
/// The routes that the faucet's forms hand on to.
const LINK_WALLET: &str = "/link/wallet";
const REVERIFY: &str = "/me/reverify";
const DEMO_LOGIN: &str = "/auth/demo-login";

/// Every page, over the surfaces of the desks that are open.
pub(super) fn surfaces(
    configuration: &Configuration,
    platform: &Platform,
    desks: &Desks,
    open: &[Surface],
) -> Vec<Surface> {
    let config = ConsoleConfig {
        mode: configuration.mode.as_str(),
        secure_cookies: configuration.mode != Mode::Dev,
        build: COMMIT.to_owned(),
        headers: header_policy(configuration.mode),
        desks: desks.on().map(|desk| desk.name()).collect(),
        payout_stops: desks.payout_stops(),
    };
    let handler = |path: &str| open.iter().find_map(|surface| surface.handler(&Method::POST, path));
    let rounds = handler(JOIN).zip(desks.rounds().latest_prices());
    let parts = DeskParts {
        rounds: rounds.map(|(join, prices)| RoundsParts { join, prices }),
        faucet: faucet(desks, handler),
    };
    console_surfaces(platform, &config, parts)
}

fn faucet(desks: &Desks, handler: impl Fn(&str) -> Option<Handler>) -> Option<FaucetParts> {
    let pages = desks.faucet_pages()?;
    Some(FaucetParts {
        page: pages.page,
        link_wallet: handler(LINK_WALLET)?,
        reverify: handler(REVERIFY)?,
        demo_login: handler(DEMO_LOGIN)?,
        payouts: pages.payouts,
        switches: switches(),
        picture_origins: pages.picture_origins,
    })
}

/// What stops payouts, with the tables that hold it.
fn switches() -> Vec<(ConfigTable, Switch)> {
    let own = SWITCHES.map(|switch| (ConfigTable::FAUCET, switch));
    [(ConfigTable::PLATFORM, PAYOUTS_HALTED)].into_iter().chain(own).collect()
}
