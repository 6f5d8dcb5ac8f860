//! Oracle prices as the oracle states them: an integer mantissa and a decimal exponent (docs/spec/rounds.md 2.2).

use std::cmp::Ordering;
use std::fmt;

use ruint::aliases::U256;

/// The value `mantissa * 10^exponent`, compared exactly across exponents.
#[derive(Clone, Copy, Debug)]
pub struct Price {
    /// Signed integer part of the pair.
    pub mantissa: i64,
    /// Power of ten, usually negative.
    pub exponent: i32,
}

/// Powers of ten up to this span are scaled exactly (`10^19 * 10^38 < 2^256`); further apart, magnitude alone decides.
const SPAN_MAX: u32 = 57;

impl Price {
    /// The recorded price of a round that needed none (refund without oracle).
    pub const ZERO: Price = Price { mantissa: 0, exponent: 0 };

    /// A price of `mantissa * 10^exponent`.
    #[must_use]
    pub const fn new(mantissa: i64, exponent: i32) -> Price {
        Price { mantissa, exponent }
    }

    /// Which of two prices, neither of them zero, is further from zero.
    fn magnitude_order(self, other: Price) -> Ordering {
        let (a, b) = (self.mantissa.unsigned_abs(), other.mantissa.unsigned_abs());
        let span = self.exponent.abs_diff(other.exponent);
        if self.exponent >= other.exponent {
            scaled(a, span).map_or(Ordering::Greater, |wide| wide.cmp(&U256::from(b)))
        } else {
            scaled(b, span).map_or(Ordering::Less, |wide| U256::from(a).cmp(&wide))
        }
    }
}

/// `value * 10^span`, or `None` when that exceeds every 64-bit mantissa beyond doubt.
fn scaled(value: u64, span: u32) -> Option<U256> {
    (span <= SPAN_MAX).then(|| U256::from(value) * U256::from(10u8).pow(U256::from(span)))
}

impl PartialEq for Price {
    fn eq(&self, other: &Price) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Price {}

impl PartialOrd for Price {
    fn partial_cmp(&self, other: &Price) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Price {
    fn cmp(&self, other: &Price) -> Ordering {
        match (self.mantissa.signum(), other.mantissa.signum()) {
            (a, b) if a != b => a.cmp(&b),
            (0, _) => Ordering::Equal,
            (-1, _) => other.magnitude_order(*self),
            _ => self.magnitude_order(*other),
        }
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let sign = if self.mantissa.is_negative() { "-" } else { "" };
        if self.mantissa == 0 {
            return f.write_str("0");
        }
        if self.exponent.unsigned_abs() > 40 {
            return write!(f, "{sign}{digits}e{}", self.exponent);
        }
        let places = usize::try_from(self.exponent.unsigned_abs()).unwrap_or(0);
        if self.exponent >= 0 {
            return write!(f, "{sign}{digits}{}", "0".repeat(places));
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_value_in_two_exponents_is_equal() {
        assert_eq!(Price::new(3, -1), Price::new(30, -2));
        assert!(Price::new(31, -2) > Price::new(3, -1));
        assert!(Price::new(-31, -2) < Price::new(-3, -1));
        assert_eq!(Price::new(0, 5), Price::new(0, -5));
        assert_ne!(Price::new(3, -1), Price::new(3, -2));
        assert!(Price::new(0, i32::MAX) < Price::new(1, i32::MIN) && Price::ZERO > Price::new(-1, i32::MIN));
    }

    #[test]
    fn exponents_far_apart_still_compare() {
        assert!(Price::new(1, 100) > Price::new(i64::MAX, -100));
        assert!(Price::new(-1, 100) < Price::new(i64::MIN, -100));
        assert!(Price::new(1, i32::MAX) > Price::new(1, i32::MIN));
    }

    #[test]
    fn a_price_prints_as_a_plain_decimal() {
        let check =
            |mantissa, exponent, text: &str| assert_eq!(Price::new(mantissa, exponent).to_string(), text);
        check(2_171_251, -2, "21712.51");
        check(30, -2, "0.3");
        check(-5, -3, "-0.005");
        check(7, 2, "700");
        check(100, -2, "1");
        check(0, -8, "0");
    }

    #[test]
    fn a_price_beyond_forty_places_prints_with_its_exponent() {
        let check = |exponent, text: &str| assert_eq!(Price::new(-7, exponent).to_string(), text);
        check(40, &format!("-7{}", "0".repeat(40)));
        check(41, "-7e41");
        check(-40, &format!("-0.{}7", "0".repeat(39)));
        check(-41, "-7e-41");
        check(i32::MAX, "-7e2147483647");
    }

    #[test]
    fn nothing_is_nothing_at_any_exponent() {
        assert_eq!(Price::new(0, i32::MAX), Price::new(0, i32::MIN));
    }

    proptest! {
        #[test]
        fn order_agrees_with_scaled_integers(a in -1_000_000i64..1_000_000, ea in -8i32..8, b in -1_000_000i64..1_000_000, eb in -8i32..8) {
            let wide = |m: i64, e: i32| i128::from(m) * 10i128.pow(u32::try_from(e + 8).unwrap());
            prop_assert_eq!(Price::new(a, ea).cmp(&Price::new(b, eb)), wide(a, ea).cmp(&wide(b, eb)));
        }
    }
}
