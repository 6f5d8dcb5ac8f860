//! Amounts: raw, the base unit, and BAN, what people read. 1 BAN = 10^29 raw = 10^8 e8.

use bursar_money::{Amount, AmountError};

/// Decimal places of a BAN over raw.
pub const DECIMALS: usize = 29;
/// Raw of one BAN.
pub const RAW_PER_BAN: u128 = 10_u128.pow(29);
/// Raw of one hundred-millionth of a BAN, the unit that accruals are kept in.
pub const RAW_PER_E8: u128 = 10_u128.pow(21);

/// `amount` raw as BAN, exactly: no trailing zeros, no point when whole.
#[must_use]
pub fn to_ban(amount: Amount) -> String {
    let (whole, rest) = (amount.units() / RAW_PER_BAN, amount.units() % RAW_PER_BAN);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = format!("{rest:029}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// The raw of a plain decimal number of BAN with at most 29 places. Nothing is rounded: what does not fit is refused.
pub fn from_ban(text: &str) -> Result<Amount, AmountError> {
    let (whole, places) = match text.split_once('.') {
        Some((_, places)) if places.is_empty() || places.len() > DECIMALS => {
            return Err(AmountError::Malformed);
        }
        Some(parts) => parts,
        None => (text, ""),
    };
    let whole: Amount = whole.parse()?;
    let places: Amount = format!("{places:0<29}").parse()?;
    whole.times(RAW_PER_BAN)?.plus(places)
}

/// The raw of `e8` hundred-millionths of a BAN; exact.
pub fn from_e8(e8: u64) -> Result<Amount, AmountError> {
    Amount::new(u128::from(e8)).times(RAW_PER_E8)
}

/// The whole hundred-millionths of a BAN in `amount`, rounded down, and the raw that is left over.
#[must_use]
pub fn to_e8_floor(amount: Amount) -> (u128, Amount) {
    (amount.units() / RAW_PER_E8, Amount::new(amount.units() % RAW_PER_E8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_amounts_read_as_they_should() {
        for (raw, ban) in [
            (0, "0"),
            (1, "0.00000000000000000000000000001"),
            (RAW_PER_BAN, "1"),
            (104_507_500 * RAW_PER_E8, "1.045075"),
            (u128::MAX, "3402823669.20938463463374607431768211455"),
        ] {
            assert_eq!(to_ban(Amount::new(raw)), ban);
            assert_eq!(from_ban(ban), Ok(Amount::new(raw)));
        }
        assert_eq!(from_ban("19.00"), Ok(Amount::new(19 * RAW_PER_BAN)));
    }

    #[test]
    fn what_is_no_exact_amount_is_refused() {
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", " 1", "1,5", "0.000000000000000000000000000001", "1.2.3"]
        {
            assert_eq!(from_ban(text), Err(AmountError::Malformed), "{text:?}");
        }
        assert_eq!(from_ban("3402823669.20938463463374607431768211456"), Err(AmountError::Overflow));
        assert_eq!(from_ban("3402823670"), Err(AmountError::Overflow));
    }

    #[test]
    fn hundred_millionths_are_exact_one_way_and_floored_the_other() {
        assert_eq!(from_e8(104_507_500), Ok(Amount::new(104_507_500_000_000_000_000_000_000_000)));
        assert_eq!(to_e8_floor(Amount::new(RAW_PER_E8 - 1)), (0, Amount::new(RAW_PER_E8 - 1)));
        assert_eq!(from_e8(999_999_999_999_999_999), Err(AmountError::Overflow));
        assert_eq!(from_e8(340_282_366_920_938_463).map(|raw| raw.units() / RAW_PER_BAN), Ok(3_402_823_669));
    }

    proptest! {
        #[test]
        fn every_amount_comes_back_from_its_text(raw: u128) {
            prop_assert_eq!(from_ban(&to_ban(Amount::new(raw))), Ok(Amount::new(raw)));
            let (e8, rest) = to_e8_floor(Amount::new(raw));
            prop_assert_eq!(e8 * RAW_PER_E8 + rest.units(), raw);
        }
    }
}
