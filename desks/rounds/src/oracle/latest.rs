//! The newest price of each market, for showing only: one question at a time, answers kept for a while
//! (docs/spec/rounds.md 3.2, 4.8). It never decides a round.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::sample::{Sample, parse};
use super::source::{PriceSource, UpstreamError};
use crate::market::Market;

/// An answer is reused this long.
const FRESH: Duration = Duration::from_secs(10);
/// While the service limits our rate, an answer counts as good this long.
const GOOD_WHEN_LIMITED: Duration = Duration::from_secs(180);
/// After any other failure an answer is shown this long, with a warning.
const SHOWN_WHEN_FAILING: Duration = Duration::from_secs(600);

/// A price to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest {
    /// The price.
    pub sample: Sample,
    /// Whether it is an old one, because the service failed.
    pub is_stale: bool,
}

/// No price can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no price can be had now, and none is known that is young enough")]
pub struct NoPrice;

/// The newest prices that were seen.
pub struct LatestPrices {
    source: Arc<dyn PriceSource>,
    seen: [Mutex<Option<(Instant, Sample)>>; Market::ALL.len()],
}

impl LatestPrices {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(source: Arc<dyn PriceSource>) -> LatestPrices {
        LatestPrices { source, seen: std::array::from_fn(|_| Mutex::new(None)) }
    }

    /// The market's newest price; may block while it is asked for, also by somebody else.
    pub fn get(&self, market: Market) -> Result<Latest, NoPrice> {
        let mut seen = self.seen[usize::from(market.code())].lock();
        let age = |seen: &Option<(Instant, Sample)>| seen.as_ref().map(|(at, _)| at.elapsed());
        let kept = |seen: &Option<(Instant, Sample)>, is_stale| {
            seen.as_ref().map(|(_, sample)| Latest { sample: sample.clone(), is_stale }).ok_or(NoPrice)
        };
        if age(&seen).is_some_and(|age| age <= FRESH) {
            return kept(&seen, false);
        }
        match self.ask(market) {
            Ok(sample) => {
                *seen = Some((Instant::now(), sample));
                kept(&seen, false)
            }
            Err(error) => {
                let is_limited = matches!(error, Some(UpstreamError::RateLimited { .. }));
                tracing::warn!(market = market.key(), ?error, "the newest price could not be had");
                match age(&seen) {
                    Some(age) if is_limited && age <= GOOD_WHEN_LIMITED => kept(&seen, false),
                    Some(age) if age <= SHOWN_WHEN_FAILING => kept(&seen, true),
                    _ => Err(NoPrice),
                }
            }
        }
    }

    /// Asks the service; an answer about another feed, or without a price, is none.
    fn ask(&self, market: Market) -> Result<Sample, Option<UpstreamError>> {
        let body = self.source.latest(market).map_err(Some)?;
        let sample = parse(&body).ok().filter(|sample| sample.feed_id == market.feed_id());
        sample.filter(|sample| sample.price.mantissa > 0).ok_or(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    struct Answers(Mutex<VecDeque<Result<String, UpstreamError>>>);

    impl PriceSource for Answers {
        fn at(&self, _: Market, _: i64) -> Result<String, UpstreamError> {
            Err(UpstreamError::NotFound)
        }
        fn latest(&self, _: Market) -> Result<String, UpstreamError> {
            self.0.lock().pop_front().unwrap()
        }
    }

    fn body(feed: &str, price: i64) -> Result<String, UpstreamError> {
        let price = format!(r#"{{"price":"{price}","conf":"1","expo":-2,"publish_time":5}}"#);
        Ok(format!(r#"{{"parsed":[{{"id":"{feed}","price":{price}}}]}}"#))
    }

    fn prices(answers: Vec<Result<String, UpstreamError>>) -> LatestPrices {
        LatestPrices::new(Arc::new(Answers(Mutex::new(answers.into()))))
    }

    fn age(prices: &LatestPrices, by: Duration) {
        let mut seen = prices.seen[0].lock();
        let (at, sample) = seen.take().unwrap();
        *seen = at.checked_sub(by).map(|at| (at, sample));
    }

    #[test]
    fn an_answer_is_reused_for_ten_seconds() {
        let prices = prices(vec![body(Market::Sol.feed_id(), 7), body(Market::Sol.feed_id(), 8)]);
        let shown = || prices.get(Market::Sol).unwrap().sample.price.mantissa;
        assert_eq!((shown(), shown()), (7, 7));
        age(&prices, Duration::from_secs(11));
        assert_eq!(shown(), 8);
    }

    #[test]
    fn an_old_answer_is_shown_with_a_warning_while_the_service_fails_and_not_for_ever() {
        let down = || Err(UpstreamError::Status(500));
        let prices = prices(vec![body(Market::Sol.feed_id(), 7), down(), down()]);
        assert!(!prices.get(Market::Sol).unwrap().is_stale);
        age(&prices, Duration::from_secs(60));
        assert!(prices.get(Market::Sol).unwrap().is_stale);
        age(&prices, Duration::from_secs(600));
        assert_eq!(prices.get(Market::Sol), Err(NoPrice));
    }

    #[test]
    fn an_answer_about_another_feed_is_none() {
        let prices = prices(vec![body(Market::Btc.feed_id(), 7)]);
        assert_eq!(prices.get(Market::Sol), Err(NoPrice));
    }
}
