//! Prices that a test writes down, served by the price feed stand-in.

use std::net::{Ipv4Addr, SocketAddr};

use bursar_devnet::prices::{Faults, PriceFeed, Scripted};
use bursar_money::Price;

use super::rounds::{MARKETS, feed_id};

/// A price feed with a script that the test goes on writing.
pub struct Prices {
    feed: PriceFeed,
    script: Scripted,
}

impl Prices {
    /// Every market at 100 at every second.
    pub fn start() -> Prices {
        let script = Scripted::new();
        for market in MARKETS {
            script.set_always(feed_id(market), Price::new(100, 0));
        }
        let feed = PriceFeed::start(script.clone(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        Prices { feed, script }
    }

    /// For `HERMES_URL`.
    pub fn url(&self) -> String {
        self.feed.base_url()
    }

    /// Publishes `mantissa * 10^exponent` for `market` at `second`.
    pub fn set(&self, market: &str, second: i64, mantissa: i64, exponent: i32) {
        self.script.set(feed_id(market), second, Price::new(mantissa, exponent));
    }

    /// Prices of the round that starts at `start_ms`: at its lock and at its end.
    pub fn set_round(&self, market: &str, start_ms: i64, at_lock: i64, at_end: i64) {
        self.set(market, (start_ms + 60_000) / 1_000, at_lock, 0);
        self.set(market, (start_ms + 360_000) / 1_000, at_end, 0);
    }

    /// Replaces the faults; [`Faults::default`] = healthy.
    pub fn set_faults(&self, faults: Faults) {
        self.feed.set_faults(faults);
    }

    /// The feed itself.
    pub fn feed(&self) -> &PriceFeed {
        &self.feed
    }

    /// The script itself.
    pub fn script(&self) -> &Scripted {
        &self.script
    }
}
