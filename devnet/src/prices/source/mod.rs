//! Where a feed's prices come from.

mod recorded;
mod scripted;
mod walk;

use bursar_money::Price;

pub use recorded::{CsvError, Gap, Recorded};
pub use scripted::Scripted;
pub use walk::{SeededWalk, WalkError};

/// One published price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The price itself.
    pub price: Price,
    /// Half-width of the confidence interval, in units of the price's mantissa.
    pub confidence: u64,
    /// When the price was published, Unix seconds.
    pub publish_time: i64,
}

impl Quote {
    /// A price published at `second` with a confidence of 5 basis points, as liquid pairs usually show.
    #[must_use]
    pub const fn tight(price: Price, second: i64) -> Quote {
        Quote { price, confidence: price.mantissa.unsigned_abs() / 2_000, publish_time: second }
    }
}

/// Prices by feed and second. Feed ids are 64 lower-case hexadecimal digits without prefix.
pub trait Source: Send + Sync {
    /// Whether the feed exists at all.
    fn has(&self, feed: &str) -> bool;

    /// The price for `second` (Unix seconds), or `None` when nothing was published for it.
    fn at(&self, feed: &str, second: i64) -> Option<Quote>;

    /// The newest price as of `now` (Unix seconds).
    fn latest(&self, feed: &str, now: i64) -> Option<Quote>;
}

/// The feed id as sources store it: without `0x`, lower case.
fn canonical_feed(feed: &str) -> String {
    feed.strip_prefix("0x").unwrap_or(feed).to_ascii_lowercase()
}
