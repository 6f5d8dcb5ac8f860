//! The oracle's rules as tests: samples and searches without I/O, then the client against a real feed.

mod hermes;
mod latest;
mod sample;
mod search;

use bursar_money::Price;

use super::Sample;
use crate::market::Market;

/// Lock of the round that starts at 1700000040: the second whose price is wanted.
const WANTED_S: i64 = 1_700_000_100;

/// A reply body as Hermes writes it.
fn body(feed: &str, price: &str, conf: &str, expo: i32, publish_time: i64) -> String {
    let quote =
        format!(r#"{{"price":"{price}","conf":"{conf}","expo":{expo},"publish_time":{publish_time}}}"#);
    format!(
        r#"{{"binary":{{"encoding":"hex","data":["504e4155"]}},"parsed":[{{"id":"{feed}","price":{quote},"ema_price":{quote},"metadata":{{"slot":1,"proof_available_time":2,"prev_publish_time":3}}}}]}}"#
    )
}

/// A good reply for SOL at the given second.
fn good_body(second: i64) -> String {
    body(Market::Sol.feed_id(), "2171251", "1085", -2, second)
}

/// A sample that every check accepts: conf is exactly 1 % of the price.
fn good_sample() -> Sample {
    Sample {
        feed_id: Market::Sol.feed_id().to_owned(),
        price: Price::new(20_000, -2),
        confidence: 200,
        publish_time_s: WANTED_S,
    }
}
