//! The newest price: how long an answer is reused, what is shown when the service fails, one question at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use bursar_store::Timestamp;
use parking_lot::Mutex;

use super::body;
use crate::market::Market;
use crate::oracle::{Latest, LatestPrices, NoPrice, PriceSource, Turn, UpstreamError};

type Reply = Result<String, UpstreamError>;

/// Gives one reply after the other; being asked once more than there are replies is a failure of the test.
struct Replies(Mutex<VecDeque<Reply>>);

impl PriceSource for Replies {
    fn at(&self, _: Market, _: i64) -> Reply {
        Err(UpstreamError::NotFound)
    }

    fn latest(&self, _: Market) -> Reply {
        self.0.lock().pop_front().unwrap()
    }
}

fn prices(replies: Vec<Reply>) -> LatestPrices {
    LatestPrices::new(Arc::new(Replies(Mutex::new(replies.into()))))
}

fn price(mantissa: i64) -> Reply {
    Ok(body(Market::Sol.feed_id(), &mantissa.to_string(), "1", -2, 5))
}

fn limited() -> Reply {
    Err(UpstreamError::RateLimited { retry_after_s: None })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

async fn get(prices: &LatestPrices, ms: i64) -> Result<Latest, NoPrice> {
    match prices.turn(Market::Sol, Timestamp::from_ms(ms)).await {
        Turn::Known(answer) => answer,
        Turn::Ask(question) => question.ask(),
    }
}

/// Mantissa and whether it is an old price, at each of these times.
fn shown<const N: usize>(prices: &LatestPrices, times: [i64; N]) -> [Option<(i64, bool)>; N] {
    times.map(|ms| {
        let latest = run(get(prices, ms)).ok();
        latest.map(|latest| (latest.sample.price.mantissa, latest.is_stale))
    })
}

#[test]
fn an_answer_is_reused_for_ten_seconds() {
    let prices = prices(vec![price(7), price(8)]);
    let seven = Some((7, false));
    assert_eq!(shown(&prices, [0, 10_000, 10_001]), [seven, seven, Some((8, false))]);
    assert_eq!(run(get(&prices, 10_002)).unwrap().asked_at, Timestamp::from_ms(10_001));
}

#[test]
fn while_the_service_limits_our_rate_a_copy_is_good_for_180_s_and_old_until_600_s() {
    let prices = prices(vec![price(7), limited(), limited(), limited(), limited(), limited()]);
    let (good, old) = (Some((7, false)), Some((7, true)));
    let times = [0, 60_001, 180_000, 180_001, 600_000, 600_001];
    assert_eq!(shown(&prices, times), [good, good, good, old, old, None]);
}

#[test]
fn after_any_other_failure_a_copy_is_shown_as_old_until_600_s() {
    let failures = [
        Err(UpstreamError::Timeout),
        Err(UpstreamError::Status(500)),
        Ok("not JSON".to_owned()),
        Ok(body(Market::Btc.feed_id(), "9", "1", -2, 5)),
        Ok(body(Market::Sol.feed_id(), "0", "1", -2, 5)),
    ];
    for failure in failures {
        let prices = prices(vec![price(7), failure.clone(), failure.clone(), failure.clone(), price(8)]);
        let times = [0, 10_001, 600_000, 600_001, 600_002];
        let old = Some((7, true));
        let expected = [Some((7, false)), old, old, None, Some((8, false))];
        assert_eq!(shown(&prices, times), expected, "{failure:?}");
    }
}

#[test]
fn what_was_never_seen_cannot_be_shown() {
    let prices = prices(vec![limited(), Err(UpstreamError::NotFound)]);
    assert_eq!(shown(&prices, [0, 1]), [None, None]);
    assert_eq!(run(prices.last_seen(Market::Sol)), Err(NoPrice));
}

#[test]
fn the_last_price_seen_is_shown_as_an_old_one() {
    let prices = prices(vec![price(7)]);
    run(get(&prices, 0)).unwrap();
    let last = run(prices.last_seen(Market::Sol)).unwrap();
    assert_eq!((last.sample.price.mantissa, last.is_stale), (7, true));
}

#[test]
fn callers_who_wait_for_a_question_share_its_answer_also_when_it_fails() {
    for (reply, expected) in [(price(7), Some(7)), (Err(UpstreamError::Timeout), None)] {
        let prices = Arc::new(prices(vec![reply]));
        run(async {
            let Turn::Ask(question) = prices.turn(Market::Sol, Timestamp::from_ms(0)).await else {
                panic!("nothing is known yet")
            };
            let waiting = (0..50).map(|_| {
                let prices = Arc::clone(&prices);
                tokio::spawn(async move { get(&prices, 0).await })
            });
            let waiting: Vec<_> = waiting.collect();
            tokio::task::yield_now().await;
            question.ask().ok();
            for caller in waiting {
                let shown = caller.await.unwrap().ok().map(|latest| latest.sample.price.mantissa);
                assert_eq!(shown, expected);
            }
        });
    }
}
