//! The price service: a walk that follows from the seed, and everything that can go wrong in asking for it.

use std::sync::Weak;

use bursar_rounds::market::Market;
use bursar_rounds::oracle::{PriceSource, UpstreamError};
use serde_json::json;

use super::Rounds;
use crate::random::{Random, hash};
use crate::world::World;

/// A price as the service honestly publishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// When it was published, Unix seconds.
    pub published_s: i64,
    /// Value = mantissa * 10^exponent.
    pub mantissa: i64,
    /// See `mantissa`.
    pub exponent: i32,
    /// Half-width of the confidence interval.
    pub confidence: u64,
}

/// What the service says of each second, from the seed alone.
#[derive(Clone, Copy, Debug)]
pub struct PriceWalk(i64);

impl PriceWalk {
    /// The walk of a seed.
    pub fn new(seed: u64) -> PriceWalk {
        PriceWalk(seed.cast_signed())
    }

    /// The price at `second`; `None` where the service has none.
    pub fn at(self, market: Market, second: i64) -> Option<Quote> {
        let PriceWalk(seed) = self;
        let code = i64::from(market.code());
        if hash(&[seed, code, second, 1]).is_multiple_of(5) {
            return None;
        }
        let lag_s = i64::try_from(hash(&[seed, code, second, 2]) % 3).expect("a small number");
        let published_s = second - lag_s;
        // A level holds for a minute, and there are few, so that ties come up.
        let level = i64::try_from(hash(&[seed, code, published_s / 60, 3]) % 9).expect("a small number");
        let mantissa = (1_000 + 137 * code) * 1_000 + level;
        // The same value in two exponents must compare equal.
        let scales = hash(&[seed, code, second, 4]).is_multiple_of(3);
        let (mantissa, exponent) = if scales { (mantissa * 10, -6) } else { (mantissa, -5) };
        Some(Quote { published_s, mantissa, exponent, confidence: 40 })
    }
}

/// How a question fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Timeout,
    Unreachable,
    RateLimited,
    Status,
    BrokenBody,
    NotFound,
    Garbage,
    NoPrice,
    WrongFeed,
    Stale,
    Negative,
    TooWide,
    HugeNumber,
}

/// Every way in which a question fails.
pub const TROUBLES: [Trouble; 13] = [
    Trouble::Timeout,
    Trouble::Unreachable,
    Trouble::RateLimited,
    Trouble::Status,
    Trouble::BrokenBody,
    Trouble::NotFound,
    Trouble::Garbage,
    Trouble::NoPrice,
    Trouble::WrongFeed,
    Trouble::Stale,
    Trouble::Negative,
    Trouble::TooWide,
    Trouble::HugeNumber,
];

impl Trouble {
    /// For the count of faults.
    pub fn name(self) -> &'static str {
        match self {
            Trouble::Timeout => "prices: no answer in time",
            Trouble::Unreachable => "prices: unreachable",
            Trouble::RateLimited => "prices: 429",
            Trouble::Status => "prices: status 503",
            Trouble::BrokenBody => "prices: body breaks off",
            Trouble::NotFound => "prices: 404 for a price that is there",
            Trouble::Garbage => "prices: garbage",
            Trouble::NoPrice => "prices: empty list",
            Trouble::WrongFeed => "prices: another feed",
            Trouble::Stale => "prices: stale",
            Trouble::Negative => "prices: negative",
            Trouble::TooWide => "prices: confidence too wide",
            Trouble::HugeNumber => "prices: number out of range",
        }
    }
}

/// The service as it is now.
#[derive(Debug)]
pub struct Upstream {
    walk: PriceWalk,
    random: Random,
    faults_of_100: u64,
    /// What every question meets, and until when (Unix ms).
    outage: Option<(Trouble, i64)>,
}

impl Upstream {
    /// A service that is well but for single questions.
    pub fn new(seed: u64, faults_of_100: u64) -> Upstream {
        let random = Random::of(seed, "upstream");
        Upstream { walk: PriceWalk::new(seed), random, faults_of_100, outage: None }
    }

    /// Every question fails in one way, drawn by `random`, until `until_ms`.
    pub fn fail_until(&mut self, until_ms: i64, random: &mut Random) -> Trouble {
        let trouble = *random.pick(&TROUBLES);
        self.outage = Some((trouble, until_ms));
        trouble
    }

    /// Nothing goes wrong any more.
    pub fn be_well(&mut self) {
        self.outage = None;
        self.faults_of_100 = 0;
    }

    /// What the next question meets, if anything.
    fn trouble(&mut self, now_ms: i64) -> Option<Trouble> {
        if let Some((trouble, until_ms)) = self.outage
            && now_ms < until_ms
        {
            return Some(trouble);
        }
        let fails = self.random.chance(self.faults_of_100, 100);
        fails.then(|| *self.random.pick(&TROUBLES))
    }
}

/// The service as one run of one node reaches it.
pub struct NodePrices {
    /// The world it is in.
    pub world: Weak<World>,
    /// The desk in it.
    pub rounds: Weak<Rounds>,
    /// Which node asks.
    pub node: usize,
    /// Which run of it.
    pub generation: u64,
}

impl PriceSource for NodePrices {
    fn at(&self, market: Market, second: i64) -> Result<String, UpstreamError> {
        let (Some(world), Some(rounds)) = (self.world.upgrade(), self.rounds.upgrade()) else {
            return Err(UpstreamError::Timeout);
        };
        let trouble = rounds.upstream.with(|upstream| upstream.trouble(world.now_ms()));
        if let Some(trouble) = trouble {
            world.fault(trouble.name());
        }
        spend_asking(&world, trouble);
        world.let_others_run(1, 3);
        world.check_alive(self.node, self.generation);
        // A second that has not come has no price yet.
        let walk = rounds.upstream.with(|upstream| upstream.walk);
        let quote = walk.at(market, second).filter(|_| second * 1_000 <= world.now_ms());
        reply(market, quote, trouble)
    }

    fn latest(&self, _market: Market) -> Result<String, UpstreamError> {
        // No round is decided by the newest price, so nothing here asks for it.
        Err(UpstreamError::NotFound)
    }
}

/// Time passes while a question is on its way.
fn spend_asking(world: &World, trouble: Option<Trouble>) {
    let spent_ms = match trouble {
        Some(Trouble::Timeout) => 5_000,
        _ => world.random.with(|random| random.between(5, 120)),
    };
    world.go_to(world.now_ms() + spent_ms);
}

fn reply(market: Market, quote: Option<Quote>, trouble: Option<Trouble>) -> Result<String, UpstreamError> {
    let body = |feed: &str, price: &str, confidence: u64, quote: Quote| {
        let price = json!({"price": price, "conf": confidence.to_string(), "expo": quote.exponent,
                           "publish_time": quote.published_s});
        Ok(json!({"parsed": [{"id": feed, "price": price}]}).to_string())
    };
    let feed = market.feed_id();
    let honest = |quote: Quote| body(feed, &quote.mantissa.to_string(), quote.confidence, quote);
    let Some(trouble) = trouble else { return quote.map_or(Err(UpstreamError::NotFound), honest) };
    let quote = quote.unwrap_or(Quote { published_s: 1, mantissa: 1, exponent: 0, confidence: 0 });
    let price = quote.mantissa.to_string();
    match trouble {
        Trouble::Timeout => Err(UpstreamError::Timeout),
        Trouble::Unreachable => Err(UpstreamError::Unreachable("connection refused".to_owned())),
        Trouble::RateLimited => Err(UpstreamError::RateLimited { retry_after_s: Some(30) }),
        Trouble::Status => Err(UpstreamError::Status(503)),
        Trouble::BrokenBody => Err(UpstreamError::BrokenBody),
        Trouble::NotFound => Err(UpstreamError::NotFound),
        Trouble::Garbage => Ok("<html>maintenance</html>".to_owned()),
        Trouble::NoPrice => Ok(json!({"parsed": []}).to_string()),
        Trouble::WrongFeed => {
            let other = Market::ALL.into_iter().find(|other| *other != market).unwrap_or(market);
            body(other.feed_id(), &price, quote.confidence, quote)
        }
        Trouble::Stale => {
            let published_s = quote.published_s - 600;
            body(
                feed,
                &(quote.mantissa + 5_000).to_string(),
                quote.confidence,
                Quote { published_s, ..quote },
            )
        }
        Trouble::Negative => body(feed, &format!("-{price}"), quote.confidence, quote),
        Trouble::TooWide => body(feed, &price, quote.mantissa.unsigned_abs() / 10, quote),
        Trouble::HugeNumber => body(feed, "99999999999999999999", quote.confidence, quote),
    }
}
