//! The newest price of each market, for showing only: one question in flight, answers kept for a while
//! (docs/spec/rounds.md 3.2, 4.8). It never decides a round.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bursar_store::Timestamp;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::sample::{Sample, parse};
use super::source::{PriceSource, UpstreamError};
use crate::market::Market;

/// An answer is reused this long, in milliseconds.
const FRESH_MS: i64 = 10_000;
/// While the service limits our rate, an answer counts as good this long. A market has one address and one copy, so
/// the shorter time for an address's copy (60 s) never decides.
const GOOD_WHEN_LIMITED_MS: i64 = 180_000;
/// After any other failure an answer is shown this long, with a warning.
const SHOWN_WHEN_FAILING_MS: i64 = 600_000;

/// A price to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest {
    /// The price.
    pub sample: Sample,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Whether it is an old one, because the service failed.
    pub is_stale: bool,
}

/// No price can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no price can be had now, and none is known that is young enough")]
pub struct NoPrice;

/// What a question came to.
pub type Answer = Result<Latest, NoPrice>;

/// The newest prices that were seen.
pub struct LatestPrices {
    source: Arc<dyn PriceSource>,
    markets: [Arc<Known>; Market::ALL.len()],
}

/// What is known of one market.
#[derive(Default)]
struct Known {
    /// Questions that have ended; read without the lock, to tell who waited for one.
    ended: AtomicU64,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    copy: Option<SeenPrice>,
    /// What the last question came to, for those who waited for it.
    last: Option<Answer>,
}

struct SeenPrice {
    sample: Sample,
    asked_at: Timestamp,
    since: Instant,
}

/// What a caller has to do for a price.
pub enum Turn {
    /// Nothing: it is known.
    Known(Answer),
    /// Ask for it; everybody else who wants this market's price waits meanwhile.
    Ask(Question),
}

/// The one question about a market that is in flight.
pub struct Question {
    source: Arc<dyn PriceSource>,
    market: Market,
    known: Arc<Known>,
    seen: OwnedMutexGuard<Seen>,
    now: Timestamp,
}

impl LatestPrices {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(source: Arc<dyn PriceSource>) -> LatestPrices {
        LatestPrices { source, markets: std::array::from_fn(|_| Arc::default()) }
    }

    /// The market's price at `now`, or the turn to ask for it. Waits, without a thread, while somebody else asks, and
    /// then shares the answer: a service that hangs holds up each caller for one question and never for a queue of them.
    pub async fn turn(&self, market: Market, now: Timestamp) -> Turn {
        let known = Arc::clone(&self.markets[usize::from(market.code())]);
        let ended = known.ended.load(Ordering::Acquire);
        let seen = Arc::clone(&known.seen).lock_owned().await;
        if let Some(answer) = seen.last.as_ref().filter(|_| known.ended.load(Ordering::Acquire) != ended) {
            return Turn::Known(answer.clone());
        }
        match seen.within(FRESH_MS, now) {
            Some(copy) => Turn::Known(Ok(copy.shown(false))),
            None => Turn::Ask(Question { source: Arc::clone(&self.source), market, known, seen, now }),
        }
    }

    /// The last price seen, while it may still be shown; for when nothing else works, so by real time.
    pub async fn last_seen(&self, market: Market) -> Answer {
        let seen = self.markets[usize::from(market.code())].seen.lock().await;
        let longest = Duration::from_millis(SHOWN_WHEN_FAILING_MS.unsigned_abs());
        let copy = seen.copy.as_ref().filter(|copy| copy.since.elapsed() <= longest);
        copy.map(|copy| copy.shown(true)).ok_or(NoPrice)
    }
}

impl Question {
    /// Asks; blocks for as long as the service does.
    pub fn ask(mut self) -> Answer {
        let answer = match self.question() {
            Ok(sample) => {
                let copy = SeenPrice { sample, asked_at: self.now, since: Instant::now() };
                Ok(self.seen.copy.insert(copy).shown(false))
            }
            Err(error) => {
                tracing::warn!(market = self.market.key(), ?error, "the newest price could not be had");
                self.seen.instead(error.as_ref(), self.now)
            }
        };
        self.seen.last = Some(answer.clone());
        self.known.ended.fetch_add(1, Ordering::Release);
        answer
    }

    /// An answer about another feed, or without a price, is none.
    fn question(&self) -> Result<Sample, Option<UpstreamError>> {
        let body = self.source.latest(self.market).map_err(Some)?;
        let sample = parse(&body).ok().filter(|sample| sample.feed_id == self.market.feed_id());
        sample.filter(|sample| sample.price.mantissa > 0).ok_or(None)
    }
}

impl Seen {
    fn within(&self, ms: i64, now: Timestamp) -> Option<&SeenPrice> {
        self.copy.as_ref().filter(|copy| now.ms() - copy.asked_at.ms() <= ms)
    }

    /// What is shown instead of an answer that failed.
    fn instead(&self, error: Option<&UpstreamError>, now: Timestamp) -> Answer {
        let is_limited = matches!(error, Some(UpstreamError::RateLimited { .. }));
        let good = self.within(GOOD_WHEN_LIMITED_MS, now).filter(|_| is_limited);
        let stale = self.within(SHOWN_WHEN_FAILING_MS, now);
        good.map(|copy| copy.shown(false)).or(stale.map(|copy| copy.shown(true))).ok_or(NoPrice)
    }
}

impl SeenPrice {
    fn shown(&self, is_stale: bool) -> Latest {
        Latest { sample: self.sample.clone(), asked_at: self.asked_at, is_stale }
    }
}
