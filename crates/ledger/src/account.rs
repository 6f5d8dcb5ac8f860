//! Accounts: a path, an asset, an overdraft rule and running totals.

use bursar_money::{Amount, Asset, Balance};
use bursar_store::StoreError;

use crate::transfer::Link;

/// The number of an account, ascending in commit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// An account's place in one [`crate::Book`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountSlot(pub(crate) usize);

/// Whether an account's balance may fall below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdraft {
    /// Never: a transfer that would is refused.
    Forbidden,
    /// Yes: the outside world, and players of play money.
    Allowed,
}

impl Overdraft {
    pub(crate) fn code(self) -> i64 {
        match self {
            Overdraft::Forbidden => 0,
            Overdraft::Allowed => 1,
        }
    }

    pub(crate) fn from_code(code: i64) -> Result<Overdraft, StoreError> {
        match code {
            0 => Ok(Overdraft::Forbidden),
            1 => Ok(Overdraft::Allowed),
            other => Err(StoreError::Decode(format!("overdraft rule {other}"))),
        }
    }
}

/// An account as a batch sees it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its number, once it has one.
    pub id: Option<AccountId>,
    /// Its name, such as `rounds/pool/SOL-1700000040-5m/up`; empty when it was loaded by number.
    pub path: String,
    /// What it holds.
    pub asset: Asset,
    /// Whether it may fall below zero.
    pub overdraft: Overdraft,
    /// Everything ever taken out.
    pub debits: Amount,
    /// Everything ever put in.
    pub credits: Amount,
    /// Set aside by holds that have not ended.
    pub held: Amount,
    /// How many postings it has.
    pub postings: i64,
    /// Totals of debits and credits when it was loaded.
    pub(crate) before: (Amount, Amount),
    pub(crate) last: Link,
    pub(crate) is_new: bool,
    pub(crate) is_changed: bool,
}

impl Account {
    /// Credits minus debits.
    #[must_use]
    pub fn balance(&self) -> Balance {
        Balance::between(self.credits, self.debits)
    }

    /// Whether `amount` may leave the account or be set aside in it.
    #[must_use]
    pub fn can_spend(&self, amount: Amount) -> bool {
        match self.overdraft {
            Overdraft::Allowed => true,
            Overdraft::Forbidden => {
                let needed = self.held.plus(amount);
                needed.is_ok_and(|needed| self.balance().covers(needed))
            }
        }
    }
}

/// A text that is no account path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("account path {0:?}: use 1 to 200 of a-z A-Z 0-9 / _ . - without empty parts")]
pub struct PathError(pub String);

/// Accepts 1 to 200 characters of `a-z A-Z 0-9 / _ . -` in non-empty parts. Personal data never stands in a path.
pub fn check_path(path: &str) -> Result<(), PathError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'.' | b'-');
    let is_good =
        path.len() <= 200 && path.bytes().all(allowed) && path.split('/').all(|part| !part.is_empty());
    if is_good { Ok(()) } else { Err(PathError(path.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_plain_and_have_no_empty_part() {
        assert_eq!(check_path("rounds/pool/SOL-1700000040-5m/up"), Ok(()));
        for bad in ["", "/a", "a/", "a//b", "a b", "é", &"x".repeat(201)] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
    }
}
