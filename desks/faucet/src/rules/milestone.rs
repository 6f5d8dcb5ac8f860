//! Donation milestones: the more the community gives, the more a kill earns (docs/spec/faucet.md 3.3).

use super::ban::{BanE8, BanError};
use super::rate::Multiplier;

/// The total that the progress bar counts up to.
pub const GOAL: BanE8 = BanE8::of_ban(10_000);

/// A step of the total donated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// Reached from this total on.
    pub threshold: BanE8,
    /// Its name.
    pub name: &'static str,
    /// Its picture.
    pub emoji: &'static str,
    /// What it brings, for people.
    pub description: &'static str,
    /// What it does to the rate.
    pub multiplier: Multiplier,
}

const fn step(
    ban: u32,
    name: &'static str,
    emoji: &'static str,
    description: &'static str,
    hundredths: u32,
) -> Milestone {
    let (threshold, multiplier) = (BanE8::of_ban(ban), Multiplier::from_hundredths(hundredths));
    Milestone { threshold, name, emoji, description, multiplier }
}

const FIRST: Milestone = step(0, "Fresh Spawn", "🌱", "Kills earn the base rate.", 100);

/// All steps, lowest first.
pub const MILESTONES: [Milestone; 10] = [
    FIRST,
    step(100, "First Blood", "🩸", "Kills earn 5 % more.", 105),
    step(500, "Loot Drop", "📦", "Kills earn 10 % more.", 110),
    step(1_000, "Supply Drop", "🪂", "Kills earn 15 % more.", 115),
    step(2_500, "Storm Surge", "🌀", "Kills earn 20 % more.", 120),
    step(5_000, "Airdrop Inbound", "🛩️", "Kills earn 25 % more.", 125),
    step(10_000, "Victory Royale", "👑", "Kills earn 30 % more.", 130),
    step(25_000, "Mythic Rarity", "💎", "Kills earn 40 % more.", 140),
    step(50_000, "The Monke Awakens", "🐒", "Kills earn 45 % more.", 145),
    step(100_000, "Potassium Singularity", "🍌", "Kills earn 50 % more.", 150),
];

/// The highest step that a total of donations has reached.
#[must_use]
pub fn current(donated: BanE8) -> Milestone {
    MILESTONES.into_iter().rev().find(|step| step.threshold <= donated).unwrap_or(FIRST)
}

/// The next step and what is missing to it; `None` on the highest.
pub fn next(donated: BanE8) -> Result<Option<(Milestone, BanE8)>, BanError> {
    let Some(step) = MILESTONES.into_iter().find(|step| step.threshold > donated) else {
        return Ok(None);
    };
    Ok(Some((step, step.threshold.minus(donated)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_step_reached_counts() {
        let table = [
            ("0", "Fresh Spawn", "1.00"),
            ("99.99999999", "Fresh Spawn", "1.00"),
            ("100", "First Blood", "1.05"),
            ("500", "Loot Drop", "1.10"),
            ("1000", "Supply Drop", "1.15"),
            ("2500", "Storm Surge", "1.20"),
            ("5000", "Airdrop Inbound", "1.25"),
            ("9999.99999999", "Airdrop Inbound", "1.25"),
            ("10000", "Victory Royale", "1.30"),
            ("25000", "Mythic Rarity", "1.40"),
            ("50000", "The Monke Awakens", "1.45"),
            ("100000", "Potassium Singularity", "1.50"),
            ("9999999999", "Potassium Singularity", "1.50"),
        ];
        for (donated, name, multiplier) in table {
            let step = current(donated.parse().unwrap());
            assert_eq!((step.name, step.multiplier.to_string().as_str()), (name, multiplier), "{donated}");
        }
    }

    #[test]
    fn the_next_step_says_what_is_missing() {
        let missing = |donated: &str| {
            let next = next(donated.parse().unwrap()).unwrap();
            next.map(|(step, missing)| (step.name, missing.to_string()))
        };
        assert_eq!(missing("0"), Some(("First Blood", "100.00000000".to_owned())));
        assert_eq!(missing("100"), Some(("Loot Drop", "400.00000000".to_owned())));
        assert_eq!(missing("99999.99999999"), Some(("Potassium Singularity", "0.00000001".to_owned())));
        assert_eq!(missing("100000"), None);
    }
}
