//! What an account holds: credits minus debits, which may be negative where the account's overdraft rule allows it.

use std::fmt;

use crate::{Amount, AmountError};

/// A signed quantity in base units: credits minus debits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Balance {
    /// Zero or more.
    Credit(Amount),
    /// Below zero by this much; never zero.
    Debit(Amount),
}

impl Balance {
    /// Nothing either way.
    pub const ZERO: Balance = Balance::Credit(Amount::ZERO);

    /// The difference of two totals.
    #[must_use]
    pub fn between(credits: Amount, debits: Amount) -> Balance {
        match credits.minus(debits) {
            Ok(surplus) => Balance::Credit(surplus),
            Err(_) => Balance::Debit(Amount::new(debits.units() - credits.units())),
        }
    }

    /// `self + other`, refused when the magnitude does not fit.
    pub fn plus(self, other: Balance) -> Result<Balance, AmountError> {
        match (self, other) {
            (Balance::Credit(a), Balance::Credit(b)) => a.plus(b).map(Balance::Credit),
            (Balance::Debit(a), Balance::Debit(b)) => a.plus(b).map(Balance::Debit),
            (Balance::Credit(credit), Balance::Debit(debit))
            | (Balance::Debit(debit), Balance::Credit(credit)) => Ok(Balance::between(credit, debit)),
        }
    }

    /// Whether nothing is held or owed.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Balance::ZERO
    }

    /// Whether `amount` can be taken without falling below zero.
    #[must_use]
    pub fn covers(self, amount: Amount) -> bool {
        match self {
            Balance::Credit(held) => held >= amount,
            Balance::Debit(_) => amount.is_zero(),
        }
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Balance::Credit(amount) => write!(f, "{amount}"),
            Balance::Debit(amount) => write!(f, "-{amount}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_is_credits_minus_debits() {
        assert_eq!(Balance::between(Amount::new(5), Amount::new(5)), Balance::ZERO);
        assert_eq!(Balance::between(Amount::new(5), Amount::new(7)).to_string(), "-2");
        assert_eq!(Balance::between(Amount::new(7), Amount::new(5)).to_string(), "2");
    }

    #[test]
    fn a_balance_covers_up_to_what_is_held_and_debt_covers_nothing() {
        let held = Balance::Credit(Amount::new(9));
        let covered = [8, 9, 10].map(|amount| held.covers(Amount::new(amount)));
        assert_eq!(covered, [true, true, false]);
        assert!(Balance::ZERO.covers(Amount::ZERO) && !Balance::ZERO.covers(Amount::new(1)));
    }

    #[test]
    fn only_nothing_either_way_is_zero() {
        let balances = [Balance::ZERO, Balance::Credit(Amount::new(1)), Balance::Debit(Amount::new(1))];
        assert_eq!(balances.map(Balance::is_zero), [true, false, false]);
    }

    #[test]
    fn opposite_balances_cancel() {
        let debt = Balance::Debit(Amount::new(9));
        assert_eq!(debt.plus(Balance::Credit(Amount::new(9))), Ok(Balance::ZERO));
        assert!(!debt.covers(Amount::new(1)) && debt.covers(Amount::ZERO));
    }
}
