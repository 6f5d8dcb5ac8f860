//! Prices written down one by one, for tests that state exactly what the oracle says and when.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_money::Price;
use parking_lot::RwLock;

use super::{Quote, Source, canonical_feed};

/// Scripted prices. Clones share one script, so a test can go on writing while the feed serves it.
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    feeds: Arc<RwLock<BTreeMap<String, Script>>>,
}

#[derive(Debug, Default)]
struct Script {
    always: Option<Price>,
    seconds: BTreeMap<i64, Quote>,
}

impl Scripted {
    /// A script without any feed.
    #[must_use]
    pub fn new() -> Scripted {
        Scripted::default()
    }

    /// Adds a feed that exists but has published nothing.
    pub fn add_feed(&self, feed: &str) {
        self.feeds.write().entry(canonical_feed(feed)).or_default();
    }

    /// Publishes `price` at `second`, with a confidence of 5 basis points.
    pub fn set(&self, feed: &str, second: i64, price: Price) {
        self.set_quote(feed, second, Quote::tight(price, second));
    }

    /// Answers `quote` when asked for `second`, whatever its own publish time says.
    pub fn set_quote(&self, feed: &str, second: i64, quote: Quote) {
        self.feeds.write().entry(canonical_feed(feed)).or_default().seconds.insert(second, quote);
    }

    /// Publishes `price` at every second that has no price of its own.
    pub fn set_always(&self, feed: &str, price: Price) {
        self.feeds.write().entry(canonical_feed(feed)).or_default().always = Some(price);
    }

    /// Forgets every price of the feed; the feed itself stays.
    pub fn clear(&self, feed: &str) {
        self.feeds.write().insert(canonical_feed(feed), Script::default());
    }
}

impl Source for Scripted {
    fn has(&self, feed: &str) -> bool {
        self.feeds.read().contains_key(feed)
    }

    fn at(&self, feed: &str, second: i64) -> Option<Quote> {
        let feeds = self.feeds.read();
        let script = feeds.get(feed)?;
        let written = script.seconds.get(&second).copied();
        written.or_else(|| script.always.map(|price| Quote::tight(price, second)))
    }

    fn latest(&self, feed: &str, now: i64) -> Option<Quote> {
        let feeds = self.feeds.read();
        let script = feeds.get(feed)?;
        let always = script.always.map(|price| Quote::tight(price, now));
        always.or_else(|| script.seconds.range(..=now).next_back().map(|(_, quote)| *quote))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_written_seconds_have_a_price() {
        let script = Scripted::new();
        script.set("0xAB", 100, Price::new(5, -1));
        assert_eq!(script.at("ab", 100), Some(Quote::tight(Price::new(5, -1), 100)));
        assert_eq!(script.at("ab", 101), None);
        assert_eq!(script.at("cd", 100), None);
    }

    #[test]
    fn a_written_second_wins_over_the_standing_price() {
        let script = Scripted::new();
        script.set_always("ab", Price::new(7, 0));
        script.set("ab", 100, Price::new(8, 0));
        assert_eq!(script.at("ab", 99).unwrap().price, Price::new(7, 0));
        assert_eq!(script.at("ab", 100).unwrap().price, Price::new(8, 0));
    }

    #[test]
    fn the_latest_price_is_the_last_one_written_for_now_or_before() {
        let script = Scripted::new();
        script.set("ab", 100, Price::new(1, 0));
        script.set("ab", 200, Price::new(2, 0));
        assert_eq!(script.latest("ab", 150).unwrap().publish_time, 100);
        assert_eq!(script.latest("ab", 900).unwrap().publish_time, 200);
        assert_eq!(script.latest("ab", 99), None);
    }

    #[test]
    fn a_clone_writes_into_the_same_script() {
        let script = Scripted::new();
        script.clone().add_feed("ab");
        assert!(script.has("ab"));
        assert_eq!(script.at("ab", 1), None);
    }
}
