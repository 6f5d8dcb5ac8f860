//! Rates in hundredths of a percent.

use crate::{Amount, AmountError};

/// A rate in basis points, `0..=10000` (100 %).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bps(u16);

impl Bps {
    /// The whole: 10,000 basis points.
    pub const WHOLE: u16 = 10_000;

    /// A rate, or `None` above 100 %.
    #[must_use]
    pub const fn new(points: u16) -> Option<Bps> {
        if points <= Bps::WHOLE { Some(Bps(points)) } else { None }
    }

    /// A rate known when the program is built; more than the whole does not compile.
    #[must_use]
    pub const fn of_points<const POINTS: u16>() -> Bps {
        const { assert!(POINTS <= Bps::WHOLE) };
        Bps(POINTS)
    }

    /// The rate in basis points.
    #[must_use]
    pub const fn points(self) -> u16 {
        self.0
    }

    /// `floor(amount * rate)`; what is cut off stays with the rest of `amount`.
    pub fn of_floor(self, amount: Amount) -> Result<Amount, AmountError> {
        amount.share_floor(Amount::new(u128::from(self.0)), Amount::new(u128::from(Bps::WHOLE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_percent_of_the_worked_pools() {
        let fee = Bps::new(600).unwrap();
        assert_eq!(fee.of_floor(Amount::new(34_000)), Ok(Amount::new(2_040)));
        assert_eq!(fee.of_floor(Amount::new(3_500)), Ok(Amount::new(210)));
        assert_eq!(fee.of_floor(Amount::new(16)), Ok(Amount::ZERO));
    }

    #[test]
    fn more_than_the_whole_is_no_rate() {
        assert_eq!(Bps::new(10_000).map(Bps::points), Some(10_000));
        assert_eq!(Bps::of_points::<250>().points(), 250);
        assert_eq!(Bps::new(10_001), None);
    }
}
