//! `bursar serve --local-prices` and the demo: a price feed of our own inside the process, for trying things out.

use std::net::SocketAddr;
use std::process::ExitCode;

use bursar_devnet::prices::source::Quote;
use bursar_devnet::prices::{PriceFeed, SeededWalk, source};
use bursar_money::Price;
use bursar_rounds::market::Market;
use bursar_store::Clock;
use bursar_store::clock::machine_time;

use crate::config::{Configuration, Mode, Source, load};
use crate::host::begin_clock;
use crate::serve::{Alone, StartFault, exit, serve, serve_beside};

/// The walk that `bursar serve --local-prices` takes.
const SEED: u64 = 1;

/// Runs the server on prices that are invented here.
pub(super) fn serve_with_local_prices(source: &Source) -> ExitCode {
    match load(source) {
        Ok(configuration) => exit(serve_priced(configuration)),
        // It is refused with its own words.
        Err(_) => serve(source),
    }
}

fn serve_priced(mut configuration: Configuration) -> Result<(), StartFault> {
    // Real rounds are decided by real prices.
    if configuration.mode == Mode::Production {
        let why = "--local-prices invents prices and is refused in production; set HERMES_URL instead";
        return Err(StartFault::Production(why.to_owned()));
    }
    let clock = begin_clock(&configuration)?;
    let prices = LocalPrices::new(SEED, clock.clone())?;
    let feed = prices.publish(&mut configuration)?;
    let served = serve_beside(configuration, clock, &Alone);
    drop(feed);
    served
}

/// Prices that wander, published second by second as the rules' clock passes them.
#[derive(Clone, Debug)]
pub(crate) struct LocalPrices {
    walk: SeededWalk,
    clock: Clock,
}

impl LocalPrices {
    /// The walk of `seed`, the same at each start.
    pub fn new(seed: u64, clock: Clock) -> Result<LocalPrices, StartFault> {
        let mut walk = SeededWalk::new(seed);
        for market in Market::ALL {
            let (start, step) = start_price(market);
            walk = walk.with_feed(market.feed_id(), start, step).map_err(|error| no_feed(&error))?;
        }
        Ok(LocalPrices { walk, clock })
    }

    /// Starts the feed and points the desk at it; it lives as long as the handle.
    pub fn publish(&self, configuration: &mut Configuration) -> Result<PriceFeed, StartFault> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let feed = PriceFeed::start(self.clone(), any).map_err(|error| no_feed(&error))?;
        configuration.rounds.hermes_url = feed.base_url();
        Ok(feed)
    }

    /// The newest price of `market`.
    pub fn newest(&self, market: Market) -> Option<Price> {
        source::Source::latest(self, market.feed_id(), 0).map(|quote| quote.price)
    }

    /// The last second that has passed, Unix seconds. Only the database knows how far a clock that is moved by hand
    /// has come, so under one real time stands in for it.
    fn now(&self) -> i64 {
        let real = machine_time();
        let now = if self.clock.follows_database() { self.clock.transform(real) } else { real };
        now.ms().div_euclid(1_000)
    }
}

impl source::Source for LocalPrices {
    fn has(&self, feed: &str) -> bool {
        self.walk.has(feed)
    }

    /// A second that has not come has no price, unless the clock is moved by hand.
    fn at(&self, feed: &str, second: i64) -> Option<Quote> {
        let is_published = !self.clock.follows_database() || second <= self.now();
        if is_published { self.walk.at(feed, second) } else { None }
    }

    fn latest(&self, feed: &str, _: i64) -> Option<Quote> {
        self.walk.latest(feed, self.now())
    }
}

fn no_feed(error: &dyn std::fmt::Display) -> StartFault {
    StartFault::SetUp(format!("the local price feed cannot be started: {error}"))
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

#[cfg(test)]
mod tests {
    use bursar_devnet::prices::Source as _;
    use bursar_store::Timestamp;

    use super::*;

    const SOL: &str = "ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d";

    #[test]
    fn a_second_has_a_price_once_the_fast_clock_has_passed_it() {
        let (origin, shown) = (machine_time(), Timestamp::from_ms(4_000_000_000_000));
        let prices = LocalPrices::new(7, Clock::Fast { origin, shown, factor: 2 }).unwrap();
        let published = prices.at(SOL, 4_000_000_000).unwrap();
        assert_eq!(published.publish_time, 4_000_000_000);
        // An hour of real time would have to pass first.
        assert_eq!(prices.at(SOL, 4_000_007_200), None);
        assert!((4_000_000_000..4_000_003_600).contains(&prices.latest(SOL, 5).unwrap().publish_time));
    }

    #[test]
    fn the_seed_alone_decides_the_prices() {
        let at = |seed| LocalPrices::new(seed, Clock::System).unwrap().at(SOL, 1_700_000_000).unwrap();
        assert_eq!(at(7), at(7));
        assert_ne!(at(7), at(8));
    }

    #[test]
    fn under_a_clock_moved_by_hand_every_second_has_a_price() {
        let prices = LocalPrices::new(7, Clock::Manual(Timestamp::from_ms(0))).unwrap();
        assert!(prices.at(SOL, 9_000_000_000).is_some());
    }
}
