//! Decimal text of whole numbers that count in a decimal fraction of a unit.

use std::fmt::Write as _;

/// Writes `value` × 10^-`decimals` exactly, without trailing zeros.
pub(super) fn write_scaled(out: &mut String, value: i128, decimals: u8) {
    if value < 0 {
        out.push('-');
    }
    let digits = value.unsigned_abs().to_string();
    let decimals = usize::from(decimals);
    let padded = format!("{digits:0>width$}", width = decimals.saturating_add(1));
    let (whole, fraction) = padded.split_at(padded.len().saturating_sub(decimals));
    let fraction = fraction.trim_end_matches('0');
    out.push_str(whole);
    if !fraction.is_empty() {
        let _ = write!(out, ".{fraction}");
    }
}

/// Reads a decimal text such as `0.005` as a count of 10^-`decimals`. `None` when it does not fit exactly.
pub(super) fn parse_scaled(text: &str, decimals: u8) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let missing = usize::from(decimals).checked_sub(fraction.len())?;
    let digits = format!("{whole}{fraction}{}", "0".repeat(missing));
    if whole.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_numbers_print_exactly() {
        for (value, decimals, expected) in [
            (0, 0, "0"),
            (0, 9, "0"),
            (5, 0, "5"),
            (1_500_000_000, 9, "1.5"),
            (5_000_000, 9, "0.005"),
            (-1, 8, "-0.00000001"),
            (123_456_789_012, 9, "123.456789012"),
            (i128::from(u64::MAX), 0, "18446744073709551615"),
        ] {
            let mut out = String::new();
            write_scaled(&mut out, value, decimals);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn bounds_are_read_exactly_or_refused() {
        assert_eq!(parse_scaled("0.005", 9), Some(5_000_000));
        assert_eq!(parse_scaled("10", 9), Some(10_000_000_000));
        assert_eq!(parse_scaled("0.0001", 8), Some(10_000));
        for bad in ["0.0000000001", "", ".5", "-1", "1e3", "1.2.3", "99999999999999"] {
            assert_eq!(parse_scaled(bad, 9), None, "{bad}");
        }
    }
}
