//! Recorded market data: CSV rows of `unix_seconds,price`, read exactly.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use bursar_money::Price;

use super::{Quote, Source, canonical_feed};

/// What to answer between two rows. Either way the last row at or before the second is the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The row's own time is the publish time; a row older than this many seconds is no answer.
    Within(u64),
    /// The price counts as published at the very second asked for, for at most this many seconds after its row.
    HoldFor(u64),
}

/// Why a recording cannot be read. Lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// The file itself could not be read.
    #[error("the recording cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not two fields `unix_seconds,price` with a plain decimal price above zero.
    #[error("line {line} is not `unix_seconds,price` with a positive decimal price")]
    Row {
        /// The offending line.
        line: usize,
    },
    /// A row that is not later than the one before it.
    #[error("line {line} is not later than the row before it; sort the recording by time")]
    Order {
        /// The offending line.
        line: usize,
    },
    /// No row at all.
    #[error("the recording has no rows")]
    Empty,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    second: i64,
    price: Price,
}

/// Recorded prices of one or more feeds.
#[derive(Clone, Debug)]
pub struct Recorded {
    gap: Gap,
    feeds: BTreeMap<String, Vec<Row>>,
}

impl Recorded {
    /// A recording without any feed.
    #[must_use]
    pub const fn new(gap: Gap) -> Recorded {
        Recorded { gap, feeds: BTreeMap::new() }
    }

    /// Adds a feed from CSV; a first line that does not begin with a digit is a header.
    pub fn with_feed(mut self, feed: &str, csv: impl BufRead) -> Result<Recorded, CsvError> {
        self.feeds.insert(canonical_feed(feed), read_rows(csv)?);
        Ok(self)
    }

    /// First and last second of a feed, for replays that walk through the whole recording.
    #[must_use]
    pub fn span(&self, feed: &str) -> Option<(i64, i64)> {
        let rows = self.feeds.get(&canonical_feed(feed))?;
        Some((rows.first()?.second, rows.last()?.second))
    }

    fn last_row(&self, feed: &str, second: i64) -> Option<Row> {
        let rows = self.feeds.get(feed)?;
        let after = rows.partition_point(|row| row.second <= second);
        after.checked_sub(1).and_then(|last| rows.get(last)).copied()
    }
}

fn read_rows(csv: impl BufRead) -> Result<Vec<Row>, CsvError> {
    let mut rows: Vec<Row> = Vec::new();
    for (index, text) in csv.lines().enumerate() {
        let (text, line) = (text?, index + 1);
        let text = text.trim();
        let header = index == 0 && !text.starts_with(|first: char| first.is_ascii_digit());
        if header || text.is_empty() {
            continue;
        }
        let row = parse_row(text).ok_or(CsvError::Row { line })?;
        if rows.last().is_some_and(|before| before.second >= row.second) {
            return Err(CsvError::Order { line });
        }
        rows.push(row);
    }
    if rows.is_empty() { Err(CsvError::Empty) } else { Ok(rows) }
}

fn parse_row(text: &str) -> Option<Row> {
    let (second, price) = text.split_once(',')?;
    Some(Row { second: second.trim().parse().ok()?, price: parse_decimal(price.trim())? })
}

/// A plain positive decimal as mantissa and exponent, digit for digit.
fn parse_decimal(text: &str) -> Option<Price> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits_only = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits_only(whole) || !digits_only(fraction) {
        return None;
    }
    let fraction = if text.contains('.') { fraction } else { "" };
    // Trailing zeros go only where the digits would not fit otherwise: `1.50` stays 150e-2.
    let price = pair(whole, fraction).or_else(|| pair(whole, fraction.trim_end_matches('0')))?;
    (price.mantissa > 0).then_some(price)
}

fn pair(whole: &str, fraction: &str) -> Option<Price> {
    let mantissa = format!("{whole}{fraction}").parse().ok()?;
    Some(Price::new(mantissa, -i32::try_from(fraction.len()).ok()?))
}

impl Source for Recorded {
    fn has(&self, feed: &str) -> bool {
        self.feeds.contains_key(feed)
    }

    fn at(&self, feed: &str, second: i64) -> Option<Quote> {
        let row = self.last_row(feed, second)?;
        let age = second.abs_diff(row.second);
        let (limit, publish_time) = match self.gap {
            Gap::Within(limit) => (limit, row.second),
            Gap::HoldFor(limit) => (limit, second),
        };
        (age <= limit).then(|| Quote::tight(row.price, publish_time))
    }

    fn latest(&self, feed: &str, now: i64) -> Option<Quote> {
        self.at(feed, now).or_else(|| self.last_row(feed, now).map(|row| Quote::tight(row.price, row.second)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CSV: &str = "unix_seconds,price\n100,21712.51\n160,21712.50\r\n\n220,0.3\n";

    fn recorded(gap: Gap) -> Recorded {
        Recorded::new(gap).with_feed("0xAB", CSV.as_bytes()).unwrap()
    }

    fn written(price: Option<Price>) -> Option<(i64, i32)> {
        price.map(|price| (price.mantissa, price.exponent))
    }

    #[test]
    fn decimals_are_read_digit_for_digit() {
        let check = |text, expected| assert_eq!(written(parse_decimal(text)), expected, "{text}");
        check("21712.51", Some((2_171_251, -2)));
        check("21712.50", Some((2_171_250, -2)));
        check("0.3", Some((3, -1)));
        check("0.30", Some((30, -2)));
        check("65000", Some((65_000, 0)));
        check("0.00001234567890123456", Some((1_234_567_890_123_456, -20)));
        check("9223372036854775807", Some((i64::MAX, 0)));
        check("21712.510000000000000000", Some((2_171_251, -2)));
    }

    #[test]
    fn what_is_not_a_plain_positive_decimal_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e5",
            "1_000",
            "0",
            "0.00",
            "1,5",
            "NaN",
            "9223372036854775808",
        ] {
            assert_eq!(written(parse_decimal(text)), None, "{text}");
        }
    }

    #[test]
    fn the_last_row_at_or_before_the_second_answers_with_its_own_time() {
        let recorded = recorded(Gap::Within(10));
        assert_eq!(recorded.at("ab", 100).unwrap().publish_time, 100);
        assert_eq!(recorded.at("ab", 110).unwrap(), Quote::tight(Price::new(2_171_251, -2), 100));
        assert_eq!(recorded.at("ab", 111), None);
        assert_eq!(recorded.at("ab", 99), None);
        assert_eq!(recorded.at("cd", 100), None);
    }

    #[test]
    fn a_held_price_is_published_at_the_second_asked_for() {
        let recorded = recorded(Gap::HoldFor(60));
        assert_eq!(recorded.at("ab", 159).unwrap(), Quote::tight(Price::new(2_171_251, -2), 159));
        assert_eq!(recorded.at("ab", 160).unwrap().price, Price::new(2_171_250, -2));
        assert_eq!(recorded.at("ab", 280).unwrap().publish_time, 280);
        assert_eq!(recorded.at("ab", 281), None);
    }

    #[test]
    fn the_latest_price_is_the_last_row_so_far_however_old() {
        assert_eq!(recorded(Gap::Within(10)).latest("ab", 9_999).unwrap().publish_time, 220);
        assert_eq!(recorded(Gap::Within(10)).latest("ab", 99), None);
        assert_eq!(recorded(Gap::Within(10)).span("AB"), Some((100, 220)));
    }

    #[test]
    fn a_bad_recording_is_refused_with_its_line() {
        let refusal = |csv: &str| read_rows(csv.as_bytes()).unwrap_err().to_string();
        assert!(refusal("100,1\n101\n").starts_with("line 2 is not `unix_seconds,price`"));
        assert!(refusal("t,p\n100,1\n100,2\n").starts_with("line 3 is not later"));
        assert!(refusal("100,1\nt,p\n").starts_with("line 2 is not"));
        assert_eq!(refusal("t,p\n"), "the recording has no rows");
    }

    proptest! {
        #[test]
        fn reading_back_what_a_price_prints_gives_the_same_price(mantissa in 1i64.., exponent in -18i32..=0) {
            let price = Price::new(mantissa, exponent);
            prop_assert_eq!(parse_decimal(&price.to_string()), Some(price));
        }
    }
}
