//! One price as the oracle states it: read from a reply, then accepted or refused.

use bursar_money::Price;
use serde::Deserialize;

use super::source::BODY_LIMIT_BYTES;
use crate::market::Market;

/// A price read from a reply; nothing about it has been judged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The feed the reply names: 64 lower-case hexadecimal digits.
    pub feed_id: String,
    /// The price.
    pub price: Price,
    /// Half-width of the confidence interval, in units of the price's mantissa.
    pub confidence: u64,
    /// When the price was published, Unix seconds.
    pub publish_time_s: i64,
}

/// Why a reply body holds no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseFailure {
    /// Longer than [`BODY_LIMIT_BYTES`].
    #[error("the reply is longer than 64 KiB")]
    TooLong,
    /// Not the JSON shape of a Hermes price update.
    #[error("the reply is no price update (line {line}, column {column})")]
    Shape {
        /// Line of the first fault, from 1.
        line: usize,
        /// Column of the first fault.
        column: usize,
    },
    /// The list of prices is missing or empty.
    #[error("the reply carries no parsed price")]
    NoPrice,
    /// A feed id that is not 64 hexadecimal digits, or a number that is no integer in range.
    #[error("the reply's {0} is malformed")]
    Field(&'static str),
}

#[derive(Deserialize)]
struct Reply {
    parsed: Option<Vec<Update>>,
}

#[derive(Deserialize)]
struct Update {
    id: String,
    price: Quote,
}

#[derive(Deserialize)]
struct Quote {
    price: String,
    conf: String,
    expo: i32,
    publish_time: i64,
}

/// Reads the first price of a Hermes reply. Numbers stay integers throughout.
pub fn parse(body: &str) -> Result<Sample, ParseFailure> {
    if body.len() > BODY_LIMIT_BYTES {
        return Err(ParseFailure::TooLong);
    }
    // Only the place of a fault is kept: the parser's own words may quote the body, which is not ours.
    let reply: Reply = serde_json::from_str(body)
        .map_err(|fault| ParseFailure::Shape { line: fault.line(), column: fault.column() })?;
    let first = reply.parsed.into_iter().flatten().next();
    let Update { id, price: quote } = first.ok_or(ParseFailure::NoPrice)?;
    let mantissa: i64 = quote.price.parse().map_err(|_| ParseFailure::Field("price"))?;
    let confidence: u64 = quote.conf.parse().map_err(|_| ParseFailure::Field("conf"))?;
    Ok(Sample {
        feed_id: canonical_feed(&id).ok_or(ParseFailure::Field("id"))?,
        price: Price::new(mantissa, quote.expo),
        confidence,
        publish_time_s: quote.publish_time,
    })
}

fn canonical_feed(id: &str) -> Option<String> {
    let digits = id.strip_prefix("0x").unwrap_or(id);
    let valid = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| digits.to_ascii_lowercase())
}

/// What a sample must satisfy to decide a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptPolicy {
    /// Greatest distance between publish time and the wanted second, in seconds.
    pub max_distance_s: u64,
    /// Greatest confidence relative to the price, in basis points; 0 switches the check off.
    pub max_confidence_bps: u16,
}

impl Default for AcceptPolicy {
    fn default() -> AcceptPolicy {
        AcceptPolicy { max_distance_s: 10, max_confidence_bps: 100 }
    }
}

/// Why a price that was read cannot decide a round.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no price in the reply.
    #[error(transparent)]
    Unreadable(#[from] ParseFailure),
    /// The reply is about another feed.
    #[error("the reply is about feed {got}, which was not asked for")]
    WrongFeed {
        /// The feed the reply names.
        got: String,
    },
    /// Published too long before or after the wanted second.
    #[error("the price was published at {publish_time_s}, too far from {wanted_s}")]
    TooFar {
        /// When it was published, Unix seconds.
        publish_time_s: i64,
        /// When it was wanted for, Unix seconds.
        wanted_s: i64,
    },
    /// Zero or negative.
    #[error("the price's mantissa {mantissa} is not above zero")]
    NotPositive {
        /// The mantissa.
        mantissa: i64,
    },
    /// The oracle itself is too unsure of it.
    #[error(
        "the confidence {confidence} is more than {max_bps} basis points of the price's mantissa {mantissa}"
    )]
    TooWide {
        /// The confidence.
        confidence: u64,
        /// The price's mantissa.
        mantissa: i64,
        /// The bound in force, basis points.
        max_bps: u16,
    },
}

/// Judges a sample for `market` at `wanted_s` (Unix seconds): right feed, near enough, positive, sure enough.
pub fn accept(
    sample: Sample,
    market: Market,
    wanted_s: i64,
    policy: AcceptPolicy,
) -> Result<Sample, Refusal> {
    let Sample { feed_id, price, confidence, publish_time_s } = &sample;
    let (mantissa, max_bps) = (price.mantissa, policy.max_confidence_bps);
    if feed_id != market.feed_id() {
        return Err(Refusal::WrongFeed { got: feed_id.clone() });
    }
    if publish_time_s.abs_diff(wanted_s) > policy.max_distance_s {
        return Err(Refusal::TooFar { publish_time_s: *publish_time_s, wanted_s });
    }
    if mantissa <= 0 {
        return Err(Refusal::NotPositive { mantissa });
    }
    // Price and confidence share the exponent, so it cancels out: confidence / mantissa <= max_bps / 10000.
    let too_wide =
        u128::from(*confidence) * 10_000 > u128::from(mantissa.unsigned_abs()) * u128::from(max_bps);
    if max_bps > 0 && too_wide {
        return Err(Refusal::TooWide { confidence: *confidence, mantissa, max_bps });
    }
    Ok(sample)
}
