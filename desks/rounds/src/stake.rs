//! Stake tiers, sides, and how many entries of each a round holds (docs/spec/rounds.md 2.2).

use bursar_money::{Amount, AmountError};
use bursar_store::StoreError;

/// The stakes one can make, in whole Pancho Bucks.
pub const TIERS_BUCKS: [i64; 6] = [5, 10, 25, 50, 100, 250];
const CENTS_PER_BUCK: u128 = 100;

/// Higher or lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The price will be higher.
    Up,
    /// The price will be lower.
    Down,
}

impl Side {
    /// The word in bodies.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Side::Up => "UP",
            Side::Down => "DOWN",
        }
    }

    /// The side of a word, exactly `UP` or `DOWN`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Side> {
        match word {
            "UP" => Some(Side::Up),
            "DOWN" => Some(Side::Down),
            _ => None,
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Up => Side::Down,
            Side::Down => Side::Up,
        }
    }

    /// The number in storage.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Side::Up => 0,
            Side::Down => 1,
        }
    }

    /// The side of a stored number.
    pub fn from_code(code: i64) -> Result<Side, StoreError> {
        match code {
            0 => Ok(Side::Up),
            1 => Ok(Side::Down),
            other => Err(StoreError::Decode(format!("side {other}"))),
        }
    }
}

/// A stake of one of the tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stake(usize);

impl Stake {
    /// The stake of `bucks`, if that is a tier.
    #[must_use]
    pub fn from_bucks(bucks: i64) -> Option<Stake> {
        TIERS_BUCKS.iter().position(|tier| *tier == bucks).map(Stake)
    }

    /// In whole bucks.
    #[must_use]
    pub fn bucks(self) -> i64 {
        TIERS_BUCKS[self.0]
    }

    /// In cents, the ledger's unit.
    #[must_use]
    pub fn cents(self) -> Amount {
        cents_of_bucks(self.bucks())
    }
}

fn cents_of_bucks(bucks: i64) -> Amount {
    Amount::new(u128::from(bucks.unsigned_abs()) * CENTS_PER_BUCK)
}

/// How many entries of each tier stand on each side.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StakeCounts([[i64; 6]; 2]);

impl StakeCounts {
    /// Counts one entry.
    pub fn add(&mut self, side: Side, stake: Stake) {
        self.side_mut(side)[stake.0] += 1;
    }

    /// The stakes of a side with the number of entries that made them.
    pub fn of(&self, side: Side) -> impl Iterator<Item = (Stake, i64)> + '_ {
        let counts = match side {
            Side::Up => &self.0[0],
            Side::Down => &self.0[1],
        };
        counts.iter().enumerate().map(|(tier, count)| (Stake(tier), *count))
    }

    /// The sum of a side, in whole bucks.
    #[must_use]
    pub fn bucks(&self, side: Side) -> i64 {
        self.of(side).map(|(stake, count)| stake.bucks() * count).sum()
    }

    /// The sum of a side, in cents.
    pub fn cents(&self, side: Side) -> Result<Amount, AmountError> {
        let sums = self.of(side).map(|(stake, count)| stake.cents().times(u128::from(count.unsigned_abs())));
        sums.collect::<Result<Vec<_>, _>>().and_then(Amount::sum)
    }

    /// The text in storage.
    pub fn to_text(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|error| StoreError::Decode(error.to_string()))
    }

    /// The counts of a stored text.
    pub fn from_text(text: &str) -> Result<StakeCounts, StoreError> {
        serde_json::from_str(text).map_err(|error| StoreError::Decode(format!("stake counts: {error}")))
    }

    fn side_mut(&mut self, side: Side) -> &mut [i64; 6] {
        match side {
            Side::Up => &mut self.0[0],
            Side::Down => &mut self.0[1],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_six_tiers_are_stakes() {
        for bucks in TIERS_BUCKS {
            assert_eq!(Stake::from_bucks(bucks).map(Stake::bucks), Some(bucks));
        }
        for bucks in [0, -5, 1, 20, 251, 500] {
            assert_eq!(Stake::from_bucks(bucks), None);
        }
        assert_eq!(Stake::from_bucks(25).unwrap().cents(), Amount::new(2_500));
    }

    #[test]
    fn counts_keep_sums_and_survive_storage() {
        let mut counts = StakeCounts::default();
        for bucks in [25, 10, 100, 100, 10, 5] {
            counts.add(Side::Up, Stake::from_bucks(bucks).unwrap());
        }
        counts.add(Side::Down, Stake::from_bucks(50).unwrap());
        assert_eq!((counts.bucks(Side::Up), counts.bucks(Side::Down)), (250, 50));
        assert_eq!(counts.cents(Side::Up), Ok(Amount::new(25_000)));
        assert_eq!(StakeCounts::from_text(&counts.to_text().unwrap()).unwrap(), counts);
    }
}
