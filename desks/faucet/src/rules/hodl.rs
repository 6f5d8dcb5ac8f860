//! The boost for holders of the token: a factor by balance (docs/spec/faucet.md 3.3).

use super::rate::Multiplier;

/// A range of token balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Reached from this many whole tokens on.
    pub threshold: u64,
    /// Its name.
    pub name: &'static str,
    /// Its picture.
    pub emoji: &'static str,
    /// The mark beside a player's name; empty without a boost.
    pub badge: &'static str,
    /// What it brings, for people.
    pub description: &'static str,
    /// What it does to the rate.
    pub multiplier: Multiplier,
}

const fn tier_of(
    threshold: u64,
    name: &'static str,
    emoji: &'static str,
    badge: &'static str,
    description: &'static str,
    hundredths: u32,
) -> Tier {
    Tier { threshold, name, emoji, badge, description, multiplier: Multiplier::from_hundredths(hundredths) }
}

const NONE: Tier = tier_of(0, "No Bag", "👜", "", "No boost.", 100);

/// All tiers, lowest first.
pub const TIERS: [Tier; 6] = [
    NONE,
    tier_of(10_000, "Bronze", "🥉", "🥉", "Kills earn 10 % more.", 110),
    tier_of(100_000, "Silver", "🥈", "🥈", "Kills earn 20 % more.", 120),
    tier_of(1_000_000, "Gold", "🥇", "🥇", "Kills earn 35 % more.", 135),
    tier_of(10_000_000, "Diamond", "💎", "💎", "Kills earn 50 % more.", 150),
    tier_of(100_000_000, "Whale", "🐋", "🐋", "Kills earn 75 % more.", 175),
];

/// The tier of a balance in whole tokens.
#[must_use]
pub fn tier(balance: u64) -> Tier {
    TIERS.into_iter().rev().find(|tier| tier.threshold <= balance).unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tier_begins_at_its_threshold() {
        for (balance, name, multiplier) in [
            (0, "No Bag", "1.00"),
            (9_999, "No Bag", "1.00"),
            (10_000, "Bronze", "1.10"),
            (99_999, "Bronze", "1.10"),
            (100_000, "Silver", "1.20"),
            (1_000_000, "Gold", "1.35"),
            (10_000_000, "Diamond", "1.50"),
            (99_999_999, "Diamond", "1.50"),
            (100_000_000, "Whale", "1.75"),
            (u64::MAX, "Whale", "1.75"),
        ] {
            let tier = tier(balance);
            assert_eq!((tier.name, tier.multiplier.to_string().as_str()), (name, multiplier), "{balance}");
        }
    }
}
