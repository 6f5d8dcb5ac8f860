//! What the operator's wallet must hold before it pays (docs/spec/faucet.md 3.6).

use super::ban::{BanE8, BanError};

/// Below this balance no settlement runs, unless set otherwise.
pub const DEFAULT_FLOOR: BanE8 = BanE8::of_ban(50);

/// Whether a settlement may run. An unknown balance, or no operator account, is none.
#[must_use]
pub fn meets_floor(balance: Option<BanE8>, floor: BanE8) -> bool {
    balance.is_some_and(|balance| balance >= floor)
}

/// What the wallet must hold to send `amount`: a tenth more, rounded up.
pub fn needed_for(amount: BanE8) -> Result<BanE8, BanError> {
    let with_margin = u128::from(amount.units()) * 11;
    let needed = i64::try_from(with_margin.div_ceil(10)).map_err(|_| BanError::Overflow)?;
    BanE8::new(needed)
}

/// Whether `amount` may be sent from `balance`, of which signed payouts that are not published yet will take `committed`.
pub fn has_margin(balance: BanE8, committed: BanE8, amount: BanE8) -> Result<bool, BanError> {
    let needed = needed_for(amount)?;
    Ok(balance.minus(committed).is_ok_and(|free| free >= needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(text: &str) -> BanE8 {
        text.parse().unwrap()
    }

    #[test]
    fn a_payout_needs_a_tenth_more_than_itself() {
        let has_margin = |balance, committed| has_margin(ban(balance), ban(committed), ban("7.50"));
        assert_eq!(has_margin("8.25", "0"), Ok(true));
        assert_eq!(has_margin("8.24999999", "0"), Ok(false));
        assert_eq!(has_margin("9.25", "1"), Ok(true));
        assert_eq!(has_margin("9.25", "1.00000001"), Ok(false));
        assert_eq!(has_margin("1", "2"), Ok(false), "more is committed than there is");
    }

    #[test]
    fn the_margin_is_rounded_up() {
        for (amount, needed) in [
            ("0", "0"),
            ("0.00000001", "0.00000002"),
            ("0.00000009", "0.0000001"),
            ("0.0000001", "0.00000011"),
        ] {
            assert_eq!(needed_for(ban(amount)), Ok(ban(needed)), "{amount}");
        }
        assert_eq!(needed_for(BanE8::MAX), Err(BanError::Overflow));
    }

    #[test]
    fn below_fifty_ban_or_without_a_known_balance_nothing_is_settled() {
        assert!(meets_floor(Some(ban("50")), DEFAULT_FLOOR));
        assert!(!meets_floor(Some(ban("49.99999999")), DEFAULT_FLOOR));
        assert!(!meets_floor(None, BanE8::ZERO));
    }
}
