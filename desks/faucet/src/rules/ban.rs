//! Amounts of BAN as the faucet counts them: whole hundred-millionths, e8 (docs/spec/faucet.md 2.1).

use std::fmt;
use std::str::FromStr;

use bursar_banano::ban;
use bursar_money::Amount;
use serde::{Serialize, Serializer};

/// Decimal places of a BAN that the faucet counts in.
const PLACES: usize = 8;
/// e8 of one BAN.
const E8_PER_BAN: i64 = 100_000_000;
/// Digits before the point of the largest amount.
const WHOLE_DIGITS: usize = 10;

/// An amount in e8, `0..=999_999_999_999_999_999` (9,999,999,999.99999999 BAN). 1 BAN = 10^8 e8 = 10^29 raw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BanE8(i64);

/// Why an amount of BAN could not be computed or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BanError {
    /// More than the largest amount, or more raw than there can be.
    #[error("the amount of BAN is too large")]
    Overflow,
    /// Less than nothing.
    #[error("an amount of BAN cannot be negative")]
    Negative,
    /// Text that is not a plain decimal number with at most 8 places.
    #[error("not an amount of BAN: write digits, and at most 8 of them after a point")]
    Malformed,
}

impl BanE8 {
    /// Nothing.
    pub const ZERO: BanE8 = BanE8(0);
    /// The largest amount: 18 digits, as `NUMERIC(18,8)` holds.
    pub const MAX: BanE8 = BanE8(999_999_999_999_999_999);

    /// An amount of `e8` hundred-millionths.
    pub const fn new(e8: i64) -> Result<BanE8, BanError> {
        match e8 {
            ..0 => Err(BanError::Negative),
            0..=999_999_999_999_999_999 => Ok(BanE8(e8)),
            _ => Err(BanError::Overflow),
        }
    }

    /// Whole BAN known when the program is built.
    #[must_use]
    pub const fn of_ban(ban: u32) -> BanE8 {
        // Lossless widening; 2^32 BAN are 4.3 x 10^17 e8.
        BanE8(ban as i64 * E8_PER_BAN)
    }

    /// The number of hundred-millionths, for storage.
    #[must_use]
    pub const fn e8(self) -> i64 {
        self.0
    }

    /// The same number without a sign.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0.unsigned_abs()
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self + other`.
    pub fn plus(self, other: BanE8) -> Result<BanE8, BanError> {
        self.0.checked_add(other.0).ok_or(BanError::Overflow).and_then(BanE8::new)
    }

    /// `self - other`, refused below zero.
    pub fn minus(self, other: BanE8) -> Result<BanE8, BanError> {
        self.0.checked_sub(other.0).ok_or(BanError::Negative).and_then(BanE8::new)
    }

    /// `self * count`, exact.
    pub fn times(self, count: u64) -> Result<BanE8, BanError> {
        let count = i64::try_from(count).map_err(|_| BanError::Overflow)?;
        self.0.checked_mul(count).ok_or(BanError::Overflow).and_then(BanE8::new)
    }

    /// The sum of all amounts.
    pub fn sum(amounts: impl IntoIterator<Item = BanE8>) -> Result<BanE8, BanError> {
        amounts.into_iter().try_fold(BanE8::ZERO, BanE8::plus)
    }

    /// The raw it is worth: times 10^21, exact. Refused above the 2^128-1 raw that can exist.
    pub fn to_raw(self) -> Result<Amount, BanError> {
        ban::from_e8(self.units()).map_err(|_| BanError::Overflow)
    }

    /// The whole hundred-millionths in `raw`, rounded down, and the raw that is left over.
    pub fn from_raw_floor(raw: Amount) -> Result<(BanE8, Amount), BanError> {
        let (e8, rest) = ban::to_e8_floor(raw);
        let e8 = i64::try_from(e8).map_err(|_| BanError::Overflow)?;
        Ok((BanE8::new(e8)?, rest))
    }
}

/// A plain decimal number: always eight places.
impl fmt::Display for BanE8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:08}", self.0 / E8_PER_BAN, self.0 % E8_PER_BAN)
    }
}

/// Reads `0`, `7.5` or `1.04507500`: at most ten digits before the point and eight after it. Nothing is rounded.
impl FromStr for BanE8 {
    type Err = BanError;

    fn from_str(text: &str) -> Result<BanE8, BanError> {
        if text.starts_with('-') {
            return Err(BanError::Negative);
        }
        let (whole, places) = match text.split_once('.') {
            Some((_, "")) => return Err(BanError::Malformed),
            Some(parts) => parts,
            None => (text, ""),
        };
        let is_padded = whole.len() > 1 && whole.starts_with('0');
        let are_digits = whole.bytes().chain(places.bytes()).all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || is_padded || !are_digits || places.len() > PLACES {
            return Err(BanError::Malformed);
        }
        if whole.len() > WHOLE_DIGITS {
            return Err(BanError::Overflow);
        }
        let e8 = format!("{whole}{places:0<8}").parse().map_err(|_| BanError::Overflow)?;
        BanE8::new(e8)
    }
}

/// A string, as money is on the wire.
impl Serialize for BanE8 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_written_with_eight_places() {
        for (e8, text) in [
            (0, "0.00000000"),
            (1, "0.00000001"),
            (5_000_000, "0.05000000"),
            (104_507_500, "1.04507500"),
            (999_999_999_999_999_999, "9999999999.99999999"),
        ] {
            assert_eq!(BanE8::new(e8).unwrap().to_string(), text);
            assert_eq!(text.parse(), BanE8::new(e8));
        }
        assert_eq!("50".parse(), Ok(BanE8::of_ban(50)));
        assert_eq!("7.5".parse(), BanE8::new(750_000_000));
    }

    #[test]
    fn what_is_no_exact_amount_is_refused() {
        use BanError::{Malformed, Negative, Overflow};
        for (text, error) in [
            ("", Malformed),
            (".", Malformed),
            ("1.", Malformed),
            (".5", Malformed),
            ("+1", Malformed),
            (" 1", Malformed),
            ("1 ", Malformed),
            ("01", Malformed),
            ("1e3", Malformed),
            ("1,5", Malformed),
            ("1.2.3", Malformed),
            ("0.000000001", Malformed),
            ("٣", Malformed),
            ("-1", Negative),
            ("-0.00000001", Negative),
            ("10000000000", Overflow),
        ] {
            assert_eq!(text.parse::<BanE8>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn arithmetic_refuses_to_leave_the_range() {
        let one = BanE8::new(1).unwrap();
        assert_eq!(BanE8::MAX.plus(one), Err(BanError::Overflow));
        assert_eq!(BanE8::ZERO.minus(one), Err(BanError::Negative));
        assert_eq!(BanE8::MAX.times(2), Err(BanError::Overflow));
        assert_eq!(one.times(u64::MAX), Err(BanError::Overflow));
        assert_eq!(BanE8::new(-1), Err(BanError::Negative));
        assert_eq!(BanE8::new(1_000_000_000_000_000_000), Err(BanError::Overflow));
        assert_eq!(BanE8::sum([BanE8::MAX, one]), Err(BanError::Overflow));
        assert_eq!(BanE8::of_ban(u32::MAX).e8(), 429_496_729_500_000_000);
    }

    #[test]
    fn seventeen_kills_at_0_06147500_are_the_same_everywhere() {
        let rate: BanE8 = "0.06147500".parse().unwrap();
        let amount = rate.times(17).unwrap();
        assert_eq!(amount.to_string(), "1.04507500");
        assert_eq!(amount.to_raw(), Ok(Amount::new(104_507_500 * 10_u128.pow(21))));
        assert_eq!(serde_json::to_string(&amount).unwrap(), r#""1.04507500""#);
    }

    #[test]
    fn raw_that_comes_in_is_rounded_down_and_its_rest_kept() {
        let raw = Amount::new(10_u128.pow(29) + 1);
        assert_eq!(BanE8::from_raw_floor(raw), Ok((BanE8::of_ban(1), Amount::new(1))));
        let (largest, _) = BanE8::from_raw_floor(Amount::MAX).unwrap();
        assert_eq!(largest.to_string(), "3402823669.20938463");
        assert_eq!(BanE8::MAX.to_raw(), Err(BanError::Overflow), "more than can exist");
    }

    proptest! {
        #[test]
        fn every_amount_comes_back_from_its_text_and_its_raw(e8 in 0..=BanE8::MAX.e8()) {
            let amount = BanE8::new(e8).unwrap();
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
            if let Ok(raw) = amount.to_raw() {
                prop_assert_eq!(BanE8::from_raw_floor(raw), Ok((amount, Amount::ZERO)));
            }
        }

        #[test]
        fn no_text_makes_the_parser_stumble(text in ".{0,40}", near in "[-+0-9. e]{0,24}") {
            let _ = text.parse::<BanE8>();
            if let Ok(amount) = near.parse::<BanE8>() {
                let shown = amount.to_string();
                let same = shown.trim_end_matches('0').trim_end_matches('.');
                let given = if near.contains('.') { near.trim_end_matches('0').trim_end_matches('.') } else { &near };
                prop_assert_eq!(same, given);
            }
        }
    }
}
