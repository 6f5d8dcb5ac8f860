//! What a stake would pay, by the settlement's own rules and in exact integers (docs/spec/rounds.md 3.3, W6).

use bursar_money::{Amount, AmountError, Price};
use bursar_rounds::settle::{Verdict, decide, share};
use bursar_rounds::stake::{Side, Stake, StakeCounts};

/// What one entry gets if its side wins and nobody else joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Estimate {
    /// Nobody stands on the other side: the stake comes back.
    Back,
    /// This much, rounded down; the fee on the whole pool is off.
    Pays(Amount),
}

/// What `stake` on `side` would get after joining the given stakes.
pub(crate) fn estimate(stakes: &StakeCounts, side: Side, stake: Stake) -> Result<Estimate, AmountError> {
    let mut after = stakes.clone();
    after.add(side, stake);
    Ok(match pot(&after, side)? {
        None => Estimate::Back,
        Some((distributable, winning)) => Estimate::Pays(share(distributable, stake, winning)?),
    })
}

/// What each staked unit of `side` gets if it wins as the stakes are, in hundredths, rounded down; `None` = stakes come
/// back.
pub(crate) fn multiple(stakes: &StakeCounts, side: Side) -> Result<Option<u128>, AmountError> {
    let Some((distributable, winning)) = pot(stakes, side)? else { return Ok(None) };
    distributable.share_floor(Amount::new(100), winning).map(|hundredths| Some(hundredths.units()))
}

/// A payout as hundredths of its stake, rounded down.
pub(crate) fn ratio(payout: Amount, stake: Stake) -> Result<u128, AmountError> {
    payout.share_floor(Amount::new(100), stake.cents()).map(Amount::units)
}

/// What the winners share if `side` wins, and the stakes by which they do.
fn pot(stakes: &StakeCounts, side: Side) -> Result<Option<(Amount, Amount)>, AmountError> {
    let (low, high) = (Price::new(1, 0), Price::new(2, 0));
    let prices = match side {
        Side::Up => (low, high),
        Side::Down => (high, low),
    };
    match decide(stakes, Some(prices))? {
        Verdict::Refund(_) => Ok(None),
        Verdict::Win { winning, fee, .. } => {
            let total = winning.plus(stakes.cents(side.other())?)?;
            Ok(Some((total.minus(fee)?, winning)))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stake(bucks: i64) -> Stake {
        Stake::from_bucks(bucks).unwrap()
    }

    fn counts(up: &[i64], down: &[i64]) -> StakeCounts {
        let mut counts = StakeCounts::default();
        up.iter().for_each(|bucks| counts.add(Side::Up, stake(*bucks)));
        down.iter().for_each(|bucks| counts.add(Side::Down, stake(*bucks)));
        counts
    }

    fn pays(cents: u128) -> Result<Estimate, AmountError> {
        Ok(Estimate::Pays(Amount::new(cents)))
    }

    #[test]
    fn w6_a_pool_that_is_balanced_after_joining_pays_1_88_of_the_stake() {
        assert_eq!(estimate(&counts(&[], &[10]), Side::Up, stake(10)), pays(1_880));
        assert_eq!(estimate(&counts(&[100, 50], &[250]), Side::Up, stake(100)), pays(18_800));
        assert_eq!(ratio(Amount::new(1_880), stake(10)), Ok(188));
        assert_eq!(multiple(&counts(&[10], &[10]), Side::Down), Ok(Some(188)));
    }

    #[test]
    fn the_estimate_is_rounded_down_and_leaves_the_remainder_out() {
        // Worked example C1 before its newest entry: 6.40 are paid in the end, 0.01 of them as remainder.
        let before = counts(&[25, 10, 100, 100, 10], &[50, 25, 10, 5]);
        assert_eq!(estimate(&before, Side::Up, stake(5)), pays(639));
    }

    #[test]
    fn a_win_can_be_a_loss_because_the_fee_is_on_the_whole_pool() {
        assert_eq!(estimate(&counts(&[250], &[5]), Side::Up, stake(250)), pays(23_735));
        assert_eq!(ratio(Amount::new(23_735), stake(250)), Ok(94));
    }

    #[test]
    fn with_nobody_on_the_other_side_the_stake_comes_back() {
        assert_eq!(estimate(&counts(&[], &[]), Side::Up, stake(5)), Ok(Estimate::Back));
        assert_eq!(estimate(&counts(&[50], &[]), Side::Up, stake(5)), Ok(Estimate::Back));
        assert_eq!(multiple(&counts(&[50], &[]), Side::Up), Ok(None));
    }

    fn side() -> impl Strategy<Value = Vec<i64>> {
        proptest::collection::vec(proptest::sample::select(bursar_rounds::stake::TIERS_BUCKS.to_vec()), 1..40)
    }

    proptest! {
        #[test]
        fn settlement_pays_what_was_estimated_or_its_remainder_more(
            up in side(), down in side(), tier in proptest::sample::select(bursar_rounds::stake::TIERS_BUCKS.to_vec())
        ) {
            let before = counts(&up, &down);
            let Estimate::Pays(estimated) = estimate(&before, Side::Up, stake(tier)).unwrap() else { panic!() };
            let total: i64 = up.iter().chain(&down).sum::<i64>() + tier;
            let total = u128::from(total.unsigned_abs()) * 100;
            let winning: i64 = up.iter().sum::<i64>() + tier;
            let winning = u128::from(winning.unsigned_abs()) * 100;
            let shared = total - total * 600 / 10_000;
            prop_assert_eq!(estimated.units(), shared * u128::from(tier.unsigned_abs()) * 100 / winning);
        }
    }
}
