//! Numbers and times as pages show them: exact, grouped, in UTC.

use bursar_faucet::rules::ban::BanE8;
use bursar_money::{Amount, Balance, Price, Turnover};

const MINUS: char = '\u{2212}';
/// Digits of a price at a glance, and of one below a dollar.
const DIGITS_SHOWN: usize = 7;
const DIGITS_SHOWN_OF_CENTS: usize = 4;

/// Cents as a number with two places: `1,234.50`.
pub(crate) fn cents(amount: Amount) -> String {
    units(amount, 2)
}

/// Cents that may be negative, always with their sign: `+8.80`.
pub(crate) fn signed_cents(value: i128) -> String {
    let sign = match value {
        0 => None,
        1.. => Some('+'),
        _ => Some(MINUS),
    };
    let text = cents(Amount::new(value.unsigned_abs()));
    sign.into_iter().chain(text.chars()).collect()
}

/// Base units as a number with `decimals` places.
pub(crate) fn units(total: impl Into<Turnover>, decimals: u32) -> String {
    let places = usize::try_from(decimals).unwrap_or(0);
    let digits = format!("{:0>width$}", total.into().to_string(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    match fraction {
        "" => grouped(whole),
        fraction => format!("{}.{fraction}", grouped(whole)),
    }
}

/// A balance in base units as a number with `decimals` places.
pub(crate) fn balance(value: Balance, decimals: u32) -> String {
    match value {
        Balance::Credit(amount) => units(amount, decimals),
        Balance::Debit(amount) => format!("{MINUS}{}", units(amount, decimals)),
    }
}

/// An amount of BAN: exact, grouped, two places at least: `1,234.50`, `0.061475`.
pub(crate) fn ban(amount: BanE8) -> String {
    brief(&units(Amount::new(u128::from(amount.units())), 8))
}

/// Base units as a number, exact and without the zeros that say nothing: two places at least where there are any.
pub(crate) fn brief_units(amount: Amount, decimals: u32) -> String {
    brief(&units(amount, decimals))
}

fn brief(text: &str) -> String {
    let Some((whole, fraction)) = text.split_once('.') else { return text.to_owned() };
    let fraction = fraction.trim_end_matches('0');
    format!("{whole}.{fraction:0<2}")
}

/// A count with its thousands grouped.
pub(crate) fn count(value: i64) -> String {
    let sign = if value < 0 { MINUS.to_string() } else { String::new() };
    format!("{sign}{}", grouped(&value.unsigned_abs().to_string()))
}

/// Hundredths as a factor: `×1.88`.
pub(crate) fn factor(hundredths: u128) -> String {
    format!("\u{d7}{}", units(Amount::new(hundredths), 2))
}

/// A price for a glance: grouped, seven digits at most, the rest cut off; below a dollar four. Where a price decides it
/// is shown whole.
pub(crate) fn price(price: Price) -> String {
    let exact = price.to_string();
    let is_plain = exact.bytes().all(|mark| mark.is_ascii_digit() || mark == b'.');
    let (whole, fraction) = exact.split_once('.').unwrap_or((&exact, ""));
    if !is_plain || whole.is_empty() {
        return exact;
    }
    let zeros = fraction.len() - fraction.trim_start_matches('0').len();
    let places =
        if whole == "0" { zeros + DIGITS_SHOWN_OF_CENTS } else { DIGITS_SHOWN.saturating_sub(whole.len()) };
    match fraction.get(..places.min(fraction.len())).unwrap_or_default().trim_end_matches('0') {
        "" => grouped(whole),
        fraction => format!("{}.{fraction}", grouped(whole)),
    }
}

/// A count with its noun: `1 entry`, `2 entries`.
pub(crate) fn counted(value: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// Hour and minute of an instant: `22:14`.
pub(crate) fn minute(ms: i64) -> String {
    instant(ms).map_or_else(String::new, |at| at.strftime("%H:%M").to_string())
}

/// The time of day of an instant: `22:14:00`.
pub(crate) fn clock(ms: i64) -> String {
    instant(ms).map_or_else(String::new, |at| at.strftime("%H:%M:%S").to_string())
}

/// Day and time of an instant: `2023-11-14 22:14:00`.
pub(crate) fn moment(ms: i64) -> String {
    instant(ms).map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// What machines read of an instant: `2023-11-14T22:14:00Z`.
pub(crate) fn machine(ms: i64) -> String {
    instant(ms).map_or_else(String::new, |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// How long is left: minutes and seconds, begun seconds counted, never negative.
pub(crate) fn left(ms: i64) -> String {
    let seconds = ms.max(0).saturating_add(999) / 1_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// A text that begins a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut marks = text.chars();
    let first = marks.next().map(char::to_uppercase).into_iter().flatten();
    let whole: String = first.chain(marks).collect();
    if whole.ends_with(['.', '!', '?']) || whole.is_empty() { whole } else { format!("{whole}.") }
}

fn instant(ms: i64) -> Option<jiff::Zoned> {
    Some(jiff::Timestamp::from_millisecond(ms).ok()?.to_zoned(jiff::tz::TimeZone::UTC))
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cents_have_two_places_and_grouped_thousands() {
        let texts = [0, 5, 640, 123_456, 100_000_000].map(|units| cents(Amount::new(units)));
        assert_eq!(texts, ["0.00", "0.05", "6.40", "1,234.56", "1,000,000.00"]);
        assert_eq!([-500, 0, 880].map(signed_cents), ["\u{2212}5.00", "0.00", "+8.80"]);
    }

    #[test]
    fn ban_is_exact_and_has_two_places_at_least() {
        let text = |amount: &str| ban(amount.parse().unwrap());
        assert_eq!(
            ["0", "7.5", "0.06147500", "1234", "9999999999.99999999"].map(text).join(" "),
            "0.00 7.50 0.061475 1,234.00 9,999,999,999.99999999"
        );
    }

    #[test]
    fn an_asset_without_places_is_a_whole_number() {
        assert_eq!(units(Amount::new(1_234), 0), "1,234");
        assert_eq!(units(Amount::new(1_234), 9), "0.000001234");
        assert_eq!(balance(Balance::between(Amount::ZERO, Amount::new(7)), 2), "\u{2212}0.07");
    }

    #[test]
    fn a_price_at_a_glance_is_cut_after_seven_digits_and_below_a_dollar_after_four() {
        let shown = |mantissa, exponent| price(Price::new(mantissa, exponent));
        assert_eq!(shown(6_426_574_431_689, -8), "64,265.74");
        assert_eq!(shown(14_907_377_194, -8), "149.0737");
        assert_eq!(shown(255_727, -10), "0.00002557");
        assert_eq!(shown(123_456_789, -18), "0.0000000001234");
        assert_eq!([shown(100, 0), shown(100, -2), shown(12_345_678, 0)], ["100", "1", "12,345,678"]);
        assert_eq!(
            [shown(-5, -1), shown(1, 90)],
            ["-0.5", "1e90"],
            "what is no ordinary price is shown as it is"
        );
    }

    #[test]
    fn a_countdown_shows_the_second_that_has_begun_and_ends_at_zero() {
        assert_eq!(
            [60_000, 59_999, 59_001, 1, 0, -5].map(left),
            ["1:00", "1:00", "1:00", "0:01", "0:00", "0:00"]
        );
    }

    #[test]
    fn instants_are_shown_in_utc() {
        assert_eq!([clock(1_700_000_040_000), minute(1_700_000_040_000)], ["22:14:00", "22:14"]);
        assert_eq!(moment(1_700_000_040_999), "2023-11-14 22:14:00");
        assert_eq!(machine(1_700_000_040_000), "2023-11-14T22:14:00Z");
        assert_eq!(clock(i64::MAX), "", "an instant beyond the calendar is not shown");
    }

    #[test]
    fn one_is_counted_as_one() {
        assert_eq!(
            [0, 1, 1_000].map(|n| counted(n, "entry", "entries")),
            ["0 entries", "1 entry", "1,000 entries"]
        );
    }

    #[test]
    fn a_refusal_reads_as_a_sentence() {
        assert_eq!(sentence("the round is not open"), "The round is not open.");
        assert_eq!([sentence("Done."), sentence("")], ["Done.", ""]);
    }
}
