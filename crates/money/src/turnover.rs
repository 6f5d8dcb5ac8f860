//! What went through many accounts: a total that no number of amounts outgrows.

use std::fmt;

use ruint::aliases::U256;

use crate::{Amount, AmountError, Balance};

/// The debits or the credits of many accounts in base units. One account's never exceed an [`Amount`]; over all
/// accounts they do once an asset of many decimals has gone round a few times, and the book still balances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Turnover(U256);

impl Turnover {
    /// Nothing.
    pub const ZERO: Turnover = Turnover(U256::ZERO);

    /// `self + amount`, refused beyond 256 bits: more than 2^128 of the largest amounts.
    pub fn plus(self, amount: Amount) -> Result<Turnover, AmountError> {
        self.0.checked_add(U256::from(amount.units())).map(Turnover).ok_or(AmountError::Overflow)
    }

    /// Credits minus debits, refused when the difference is more than an amount can be.
    pub fn balance(credits: Turnover, debits: Turnover) -> Result<Balance, AmountError> {
        let magnitude = u128::try_from(credits.0.abs_diff(debits.0)).map(Amount::new);
        let magnitude = magnitude.map_err(|_| AmountError::Overflow)?;
        Ok(if credits < debits { Balance::Debit(magnitude) } else { Balance::Credit(magnitude) })
    }
}

impl From<Amount> for Turnover {
    fn from(amount: Amount) -> Turnover {
        Turnover(U256::from(amount.units()))
    }
}

impl fmt::Display for Turnover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(amounts: &[Amount]) -> Turnover {
        amounts.iter().try_fold(Turnover::ZERO, |total, amount| total.plus(*amount)).unwrap()
    }

    #[test]
    fn a_turnover_goes_on_where_an_amount_ends() {
        let twice = of(&[Amount::MAX, Amount::MAX, Amount::new(2)]);
        assert_eq!(twice.to_string(), "680564733841876926926749214863536422912");
        assert_eq!(of(&[Amount::new(7)]), Turnover::from(Amount::new(7)));
        assert_eq!(Turnover(U256::MAX).plus(Amount::new(1)), Err(AmountError::Overflow));
    }

    #[test]
    fn the_balance_is_exact_beyond_what_an_amount_holds_and_refused_where_it_does_not_fit() {
        let (more, less) = (of(&[Amount::MAX, Amount::new(9)]), of(&[Amount::MAX, Amount::new(4)]));
        assert_eq!(Turnover::balance(more, less), Ok(Balance::Credit(Amount::new(5))));
        assert_eq!(Turnover::balance(less, more), Ok(Balance::Debit(Amount::new(5))));
        assert_eq!(Turnover::balance(more, more), Ok(Balance::ZERO));
        assert_eq!(Turnover::balance(more, Turnover::ZERO), Err(AmountError::Overflow));
    }
}
