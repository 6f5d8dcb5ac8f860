//! The pages: the public one of the rounds desk, and the operators' console.

use axum::http::Method;
use bursar_console::{ConsoleConfig, RoundsParts, surfaces as console_surfaces};
use bursar_desk::Platform;
use bursar_web::Surface;

use super::COMMIT;
use crate::config::{Configuration, Mode};
use crate::host::{Desks, header_policy};

/// The route that the page's form hands its joins to.
const JOIN: &str = "/api/sim/entries";

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
    let join = open.iter().find_map(|surface| surface.handler(&Method::POST, JOIN));
    let rounds = join.zip(desks.rounds().latest_prices()).map(|(join, prices)| RoundsParts { join, prices });
    console_surfaces(platform, &config, rounds)
}
