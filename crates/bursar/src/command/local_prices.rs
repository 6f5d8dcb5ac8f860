//! `bursar serve --local-prices`: a price feed of our own inside the process, for trying things out.

use std::net::SocketAddr;

use bursar_devnet::prices::{PriceFeed, SeededWalk};
use bursar_money::Price;
use bursar_rounds::market::Market;

use crate::config::{Mode, Source, load};

/// Why there is no local feed.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocalPricesFault {
    /// Real rounds are decided by real prices.
    #[error("--local-prices invents prices and is refused in production; set HERMES_URL instead")]
    Production,
    /// The feed cannot be started.
    #[error("the local price feed cannot be started: {0}")]
    Feed(String),
}

/// Starts a feed of wandering prices and points the desk at it; the feed lives as long as the handle.
pub(super) fn start(source: Source) -> Result<(Source, PriceFeed), LocalPricesFault> {
    // A configuration that does not load is refused with its own words when the server starts.
    if load(&source).is_ok_and(|configuration| configuration.mode == Mode::Production) {
        return Err(LocalPricesFault::Production);
    }
    let mut walk = SeededWalk::new(1);
    for market in Market::ALL {
        let (start, step) = start_price(market);
        walk = walk
            .with_feed(market.feed_id(), start, step)
            .map_err(|error| LocalPricesFault::Feed(error.to_string()))?;
    }
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let feed = PriceFeed::start(walk, any).map_err(|error| LocalPricesFault::Feed(error.to_string()))?;
    Ok((source.with_flag("HERMES_URL", feed.base_url()), feed))
}

/// A price to wander around, and the usual change of a second.
fn start_price(market: Market) -> (Price, i64) {
    match market {
        Market::Sol => (Price::new(15_000_000_000, -8), 2_000_000),
        Market::Btc => (Price::new(6_500_000_000_000, -8), 800_000_000),
        Market::Eth => (Price::new(320_000_000_000, -8), 40_000_000),
        Market::Xrp => (Price::new(60_000_000, -8), 8_000),
        Market::Pepe => (Price::new(1_000_000, -8), 200),
        Market::Bonk => (Price::new(250_000, -10), 50),
    }
}
