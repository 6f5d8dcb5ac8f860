//! What a running feed can be told to do wrong.

use serde::{Deserialize, Serialize};

use super::source::Quote;

/// The faults in force. The default is a healthy feed. As JSON the fields are in camel case and absent means off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// Milliseconds by which every answer is held back.
    pub lag_ms: u64,
    /// Answer the next requests with a status instead of a price.
    pub fail: Option<Failing>,
    /// Answer under the id of a feed nobody asked for.
    pub wrong_id: bool,
    /// Seconds by which publish times lie before the truth (negative: after it).
    pub stale_by_seconds: i64,
    /// Widen the confidence to this many basis points of the price.
    pub confidence_bps: Option<u64>,
    /// Accept requests and never answer them.
    pub silent: bool,
    /// Answer 401 to requests without this bearer token, as the public service does.
    pub required_key: Option<String>,
    /// Spoil the body of an otherwise good answer.
    pub body: BodyFault,
}

/// A status for a number of requests. 3xx come with a `Location` that leads to the latest price, 429 with a
/// `Retry-After` of 60 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failing {
    /// HTTP status, 100..=999.
    pub status: u16,
    /// How many requests are still to fail.
    pub requests: u32,
}

/// How the body of an answer is spoiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BodyFault {
    /// Not at all.
    #[default]
    None,
    /// Text that is no JSON.
    Garbage,
    /// JSON that stops in the middle, sent as if it were whole.
    CutJson,
    /// The connection breaks in the middle of the body.
    CutTransfer,
    /// A valid answer padded to 1 MiB.
    Oversized,
}

/// The id given to prices under [`Faults::wrong_id`].
const STRANGER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

impl Faults {
    /// The status this request fails with, if it is one of those to fail.
    pub(super) fn take_failure(&mut self) -> Option<u16> {
        let failing = self.fail.as_mut()?;
        failing.requests = failing.requests.checked_sub(1)?;
        Some(failing.status)
    }

    /// The quote as this feed tells it, lies included.
    pub(super) fn told<'a>(&self, feed: &'a str, quote: Quote) -> (&'a str, Quote) {
        let confidence = match self.confidence_bps {
            None => quote.confidence,
            Some(bps) => widened(quote.price.mantissa.unsigned_abs(), bps),
        };
        let publish_time = quote.publish_time.saturating_sub(self.stale_by_seconds);
        let feed = if self.wrong_id { STRANGER } else { feed };
        (feed, Quote { confidence, publish_time, ..quote })
    }
}

/// `mantissa * bps / 10000`, rounded up so that it is never below the rate asked for.
fn widened(mantissa: u64, bps: u64) -> u64 {
    let wide = (u128::from(mantissa) * u128::from(bps)).div_ceil(10_000);
    u64::try_from(wide).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bursar_money::Price;

    #[test]
    fn a_failure_lasts_for_the_requests_it_was_given() {
        let mut faults = Faults { fail: Some(Failing { status: 500, requests: 2 }), ..Faults::default() };
        assert_eq!([(); 3].map(|()| faults.take_failure()), [Some(500), Some(500), None]);
    }

    #[test]
    fn a_healthy_feed_tells_the_truth() {
        let quote = Quote::tight(Price::new(20_000, 0), 100);
        assert_eq!(Faults::default().told("ab", quote), ("ab", quote));
    }

    #[test]
    fn lies_are_exact() {
        let faults =
            Faults { wrong_id: true, stale_by_seconds: 11, confidence_bps: Some(101), ..Faults::default() };
        let (feed, quote) = faults.told("ab", Quote::tight(Price::new(20_000, 0), 100));
        assert_eq!((feed, quote.publish_time, quote.confidence), (STRANGER, 89, 202));
    }

    #[test]
    fn faults_are_set_by_json_and_unknown_ones_refused() {
        let faults: Faults = serde_json::from_str(r#"{"staleBySeconds": 11, "body": "cutJson"}"#).unwrap();
        assert_eq!(faults, Faults { stale_by_seconds: 11, body: BodyFault::CutJson, ..Faults::default() });
        assert!(serde_json::from_str::<Faults>(r#"{"stale": 11}"#).is_err());
    }
}
