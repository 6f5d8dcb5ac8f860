//! A non-negative quantity of one asset in its base unit (cents, lamports, raw, wei, ...).

use std::fmt;

use ruint::aliases::U256;

/// A quantity in base units, `0..=2^128-1`. The asset is known from where the amount stands (account, column, field).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

/// Why an amount could not be computed or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The result does not fit 128 bits.
    #[error("amount overflow: the result does not fit 128 bits")]
    Overflow,
    /// A subtraction would fall below zero.
    #[error("amount underflow: the result would be negative")]
    Underflow,
    /// A division by a zero denominator.
    #[error("division by a zero amount")]
    DivisionByZero,
    /// Text that is not a plain decimal integer.
    #[error("not an amount: expected decimal digits only")]
    Malformed,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);
    /// The largest amount, `2^128-1`.
    pub const MAX: Amount = Amount(u128::MAX);

    /// An amount of `units` base units.
    #[must_use]
    pub const fn new(units: u128) -> Amount {
        Amount(units)
    }

    /// The number of base units.
    #[must_use]
    pub const fn units(self) -> u128 {
        self.0
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self + other`, refused on overflow.
    pub fn plus(self, other: Amount) -> Result<Amount, AmountError> {
        self.0.checked_add(other.0).map(Amount).ok_or(AmountError::Overflow)
    }

    /// `self - other`, refused below zero.
    pub fn minus(self, other: Amount) -> Result<Amount, AmountError> {
        self.0.checked_sub(other.0).map(Amount).ok_or(AmountError::Underflow)
    }

    /// `self * factor`, refused on overflow.
    pub fn times(self, factor: u128) -> Result<Amount, AmountError> {
        self.0.checked_mul(factor).map(Amount).ok_or(AmountError::Overflow)
    }

    /// `floor(self * numerator / denominator)` through a 256-bit product; the caller places the remainder.
    pub fn share_floor(self, numerator: Amount, denominator: Amount) -> Result<Amount, AmountError> {
        if denominator.is_zero() {
            return Err(AmountError::DivisionByZero);
        }
        if let Some(product) = self.0.checked_mul(numerator.0) {
            return Ok(Amount(product / denominator.0));
        }
        let wide = U256::from(self.0) * U256::from(numerator.0) / U256::from(denominator.0);
        u128::try_from(wide).map(Amount).map_err(|_| AmountError::Overflow)
    }

    /// The sum of all amounts, refused on overflow.
    pub fn sum(amounts: impl IntoIterator<Item = Amount>) -> Result<Amount, AmountError> {
        amounts.into_iter().try_fold(Amount::ZERO, Amount::plus)
    }

    /// Sixteen big-endian bytes, whose bytewise order is the numeric order.
    #[must_use]
    pub const fn to_be_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The inverse of [`Amount::to_be_bytes`].
    #[must_use]
    pub const fn from_be_bytes(bytes: [u8; 16]) -> Amount {
        Amount(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::str::FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Amount, AmountError> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(AmountError::Malformed);
        }
        text.parse().map(Amount).map_err(|_| AmountError::Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_multiple_is_exact_or_refused() {
        assert_eq!(Amount::new(6).times(7), Ok(Amount::new(42)));
        assert_eq!(Amount::MAX.times(1), Ok(Amount::MAX));
        assert_eq!(Amount::MAX.times(2), Err(AmountError::Overflow));
    }

    #[test]
    fn a_product_beyond_128_bits_still_divides_exactly() {
        let share = Amount::MAX.share_floor(Amount::new(7), Amount::new(7));
        assert_eq!(share, Ok(Amount::MAX));
        assert_eq!(Amount::MAX.share_floor(Amount::new(2), Amount::new(1)), Err(AmountError::Overflow));
        assert_eq!(
            Amount::new(1).share_floor(Amount::new(1), Amount::ZERO),
            Err(AmountError::DivisionByZero)
        );
    }

    #[test]
    fn sums_and_differences_refuse_to_wrap() {
        assert_eq!(Amount::MAX.plus(Amount::new(1)), Err(AmountError::Overflow));
        assert_eq!(Amount::ZERO.minus(Amount::new(1)), Err(AmountError::Underflow));
        assert_eq!(Amount::sum([Amount::MAX, Amount::new(1)]), Err(AmountError::Overflow));
    }

    #[test]
    fn only_plain_digits_are_an_amount() {
        assert_eq!("340282366920938463463374607431768211455".parse(), Ok(Amount::MAX));
        for text in ["", "-1", "+1", "1.0", " 1", "1e3", "0x1"] {
            assert_eq!(text.parse::<Amount>(), Err(AmountError::Malformed), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_share_is_the_floor_of_the_exact_quotient(a: u128, n: u128, d in 1u128..) {
            let exact = U256::from(a) * U256::from(n);
            match Amount::new(a).share_floor(Amount::new(n), Amount::new(d)) {
                Ok(share) => {
                    let low = U256::from(share.units()) * U256::from(d);
                    prop_assert!(low <= exact && exact - low < U256::from(d));
                }
                Err(error) => {
                    prop_assert_eq!(error, AmountError::Overflow);
                    prop_assert!(exact / U256::from(d) > U256::from(u128::MAX));
                }
            }
        }

        #[test]
        fn bytes_keep_value_and_order(a: u128, b: u128) {
            let (a, b) = (Amount::new(a), Amount::new(b));
            prop_assert_eq!(Amount::from_be_bytes(a.to_be_bytes()), a);
            prop_assert_eq!(a.to_be_bytes().cmp(&b.to_be_bytes()), a.cmp(&b));
        }
    }
}
