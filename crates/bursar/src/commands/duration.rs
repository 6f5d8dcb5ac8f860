//! Spans of time as people type them: `90s`, `15m`, `2h`, `1d`.

/// The longest span that is accepted: 366 days.
const LONGEST_MS: i64 = 366 * 86_400_000;

/// A number of milliseconds from a whole number and one of the units ms, s, m, h, d.
///
/// # Errors
/// What is wrong, for the usage message.
pub fn parse_ms(text: &str) -> Result<i64, String> {
    let digits = text.len() - text.trim_start_matches(|mark: char| mark.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("write a whole number and a unit: 30s, 15m, 2h or 1d".to_owned()),
    };
    let span = number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit_ms));
    span.filter(|span| (1..=LONGEST_MS).contains(span))
        .ok_or_else(|| "it lies between 1ms and 366d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_whole_number_with_a_unit_and_at_most_366_days() {
        for (text, ms) in
            [("1ms", 1), ("90s", 90_000), ("15m", 900_000), ("2h", 7_200_000), ("366d", LONGEST_MS)]
        {
            assert_eq!(parse_ms(text), Ok(ms));
        }
        for bad in ["", "s", "90", "1.5h", "-1s", "0s", "1 h", "2H", "367d", "99999999999999999999d", "1w"] {
            assert!(parse_ms(bad).is_err(), "{bad:?}");
        }
    }
}
