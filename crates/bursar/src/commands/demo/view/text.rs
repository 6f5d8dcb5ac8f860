//! Numbers and times as people read them.

use bursar_faucet::rules::ban::BanE8;
use bursar_money::Amount;
use bursar_store::Timestamp;

/// Cents with two places and thousands apart, such as `1,234.50`.
pub(super) fn amount_of_cents(amount: Amount) -> String {
    let cents = amount.units();
    // Exact: the whole and the rest of one number.
    format!("{}.{:02}", grouped(cents / 100), cents % 100)
}

/// BAN exactly, with two places at least and thousands apart, such as `1,234.50`.
pub(super) fn ban(amount: BanE8) -> String {
    let text = amount.to_string();
    let (whole, places) = text.split_once('.').unwrap_or((&text, ""));
    format!("{}.{:0<2}", grouped(whole), places.trim_end_matches('0'))
}

/// A number with thousands apart.
pub(super) fn grouped(number: impl std::fmt::Display) -> String {
    let digits = number.to_string();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
    let mut text = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Date and time of day, UTC.
pub(super) fn time(at: Timestamp) -> String {
    let known = jiff::Timestamp::from_millisecond(at.ms());
    known.map_or_else(|_| at.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1_000, 123_456, -1_234_567].map(grouped).join(" "),
            "0 999 1,000 123,456 -1,234,567"
        );
    }

    #[test]
    fn cents_have_two_places() {
        let text = |cents| amount_of_cents(Amount::new(cents));
        assert_eq!([0, 5, 123_450].map(text).join(" "), "0.00 0.05 1,234.50");
    }

    #[test]
    fn ban_is_exact_and_has_two_places_at_least() {
        let text = |amount: &str| ban(amount.parse().unwrap());
        assert_eq!(["0", "1234.5", "0.061475"].map(text).join(" "), "0.00 1,234.50 0.061475");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(time(Timestamp::from_ms(1_700_000_040_999)), "2023-11-14 22:14:00");
    }
}
