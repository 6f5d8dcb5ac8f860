//! The newest prices for pages: asked for while somebody looks, a bounded series of each kept in memory.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bursar_desk::OffThread;
use bursar_rounds::market::Market;
use bursar_rounds::oracle::{Latest, LatestPrices, Sample, Turn};
use parking_lot::Mutex;
use tokio::time::timeout;

use crate::sparkline::Point;

/// Prices are looked at so often at most, however many pages are open. Real time, like the price service's.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A page waits so long for fresh prices; then it shows those it has.
const PAGE_WAITS: Duration = Duration::from_millis(300);
/// Prices kept of each market: half an hour at one in ten seconds.
const KEPT: usize = 180;

/// Prices as pages show them.
pub(crate) struct PriceWatch {
    prices: Arc<LatestPrices>,
    off_thread: OffThread,
    looked: Mutex<Looked>,
}

#[derive(Default)]
struct Looked {
    last: Option<Instant>,
    seen: [Seen; Market::ALL.len()],
}

/// What was seen of one market.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The newest price; `None` = no price can be shown.
    pub newest: Option<Sample>,
    /// Whether the newest one is old, because the price service fails.
    pub is_stale: bool,
    /// Oldest first; each publish time once.
    pub series: VecDeque<Point>,
}

impl PriceWatch {
    /// Nothing seen yet.
    pub fn new(prices: Arc<LatestPrices>, off_thread: OffThread) -> PriceWatch {
        PriceWatch { prices, off_thread, looked: Mutex::default() }
    }

    /// Asks for prices when it is time to, and waits a moment for them.
    pub async fn look(self: &Arc<Self>) {
        if self.is_time() {
            let looks = Market::ALL.map(|market| {
                let watch = Arc::clone(self);
                tokio::spawn(async move { watch.look_at(market).await })
            });
            let all = async {
                for look in looks {
                    // A look that panicked shows nothing, and the panic is in the log.
                    let _ = look.await;
                }
            };
            // The looks go on without the page.
            let _ = timeout(PAGE_WAITS, all).await;
        }
    }

    /// What was seen of a market.
    pub fn seen(&self, market: Market) -> Seen {
        self.looked.lock().seen.get(place(market)).cloned().unwrap_or_default()
    }

    fn is_time(&self) -> bool {
        let mut looked = self.looked.lock();
        let is_time = looked.last.is_none_or(|last| last.elapsed() >= LOOK_EVERY);
        if is_time {
            looked.last = Some(Instant::now());
        }
        is_time
    }

    async fn look_at(&self, market: Market) {
        let Ok(now) = self.off_thread.read("console.price", |tx| tx.reading()).await else { return };
        let answer = match self.prices.turn(market, now).await {
            Turn::Known(answer) => answer.ok(),
            Turn::Ask(question) => {
                self.off_thread.run(move || question.ask()).await.ok().and_then(Result::ok)
            }
        };
        if let Some(seen) = self.looked.lock().seen.get_mut(place(market)) {
            seen.note(answer);
        }
    }
}

impl Seen {
    fn note(&mut self, answer: Option<Latest>) {
        let Some(Latest { sample, is_stale, .. }) = answer else {
            self.newest = None;
            return;
        };
        let is_newer = self.series.back().is_none_or(|last| last.at_s < sample.publish_time_s);
        if is_newer {
            self.series.push_back(Point { at_s: sample.publish_time_s, price: sample.price });
        }
        while self.series.len() > KEPT {
            self.series.pop_front();
        }
        self.is_stale = is_stale;
        self.newest = Some(sample);
    }
}

fn place(market: Market) -> usize {
    usize::from(market.code())
}

#[cfg(test)]
mod tests {
    use bursar_money::Price;
    use bursar_store::Timestamp;

    use super::*;

    fn latest(publish_time_s: i64, mantissa: i64) -> Option<Latest> {
        let price = Price::new(mantissa, 0);
        let sample = Sample { feed_id: String::new(), price, confidence: 1, publish_time_s };
        Some(Latest { sample, asked_at: Timestamp::from_ms(0), is_stale: false })
    }

    #[test]
    fn a_series_keeps_each_publish_time_once_and_the_newest_180() {
        let mut seen = Seen::default();
        for second in 0..200 {
            seen.note(latest(second, second));
            seen.note(latest(second, second));
        }
        let times: Vec<i64> = seen.series.iter().map(|point| point.at_s).collect();
        assert_eq!(times, (20..200).collect::<Vec<_>>());
        assert_eq!(seen.newest.unwrap().publish_time_s, 199);
    }

    #[test]
    fn without_a_price_none_is_shown_and_the_series_stays() {
        let mut seen = Seen::default();
        seen.note(latest(1, 5));
        seen.note(None);
        assert_eq!((seen.newest, seen.series.len()), (None, 1));
    }
}
