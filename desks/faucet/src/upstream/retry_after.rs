//! How long a service asks us to wait.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

/// More is not believed.
const LONGEST: Duration = Duration::from_secs(3_600);

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    retry_after: Option<&'a RawValue>,
}

/// From the body's `retry_after`, as Discord writes it, or else from the `Retry-After` header in seconds.
pub(super) fn retry_after(header: Option<&str>, body: &[u8]) -> Option<Duration> {
    let told: Option<Body<'_>> = serde_json::from_slice(body).ok();
    let in_body = told.and_then(|body| body.retry_after).and_then(|text| seconds(text.get()));
    in_body.or_else(|| seconds(header?.trim())).map(|wait| wait.min(LONGEST))
}

/// A decimal number of seconds, rounded up to a millisecond. The date form of the header is not worth a parser here.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let shown: String = fraction.chars().chain("000".chars()).take(3).collect();
    let rounds_up = fraction.bytes().skip(3).any(|digit| digit != b'0');
    let milliseconds = shown.parse::<u64>().ok()? + u64::from(rounds_up);
    // A number of seconds too long to read is certainly longer than the longest.
    let whole = whole.parse::<u64>().unwrap_or(u64::MAX).min(LONGEST.as_secs());
    Some(Duration::from_secs(whole) + Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(header: Option<&str>, body: &str) -> Option<u128> {
        retry_after(header, body.as_bytes()).map(|wait| wait.as_millis())
    }

    #[test]
    fn the_body_s_seconds_are_read_exactly_and_rounded_up_to_a_millisecond() {
        let told = |text: &str| milliseconds(None, &format!(r#"{{"retry_after":{text},"global":false}}"#));
        assert_eq!(told("64.57"), Some(64_570));
        assert_eq!(told("0.3001"), Some(301));
        assert_eq!(told("0.9999"), Some(1_000));
        assert_eq!(told("2"), Some(2_000));
    }

    #[test]
    fn the_header_counts_where_the_body_is_silent() {
        assert_eq!(milliseconds(Some(" 65 "), "<html>"), Some(65_000));
        assert_eq!(milliseconds(Some("65"), r#"{"retry_after":1.5}"#), Some(1_500));
    }

    #[test]
    fn nothing_else_is_a_wait() {
        for text in ["-1", "1e3", "null", "\"7\"", "true", ".5", "5."] {
            assert_eq!(milliseconds(None, &format!(r#"{{"retry_after":{text}}}"#)), None, "{text}");
        }
        assert_eq!(milliseconds(Some("Wed, 21 Oct 2026 07:28:00 GMT"), ""), None);
        assert_eq!(milliseconds(None, ""), None);
    }

    #[test]
    fn more_than_an_hour_is_not_believed() {
        assert_eq!(milliseconds(Some("99999999999999999999999"), ""), Some(3_600_000));
        assert_eq!(milliseconds(Some("3600.5"), ""), Some(3_600_000));
    }
}
