//! Who wins what, pure (docs/spec/rounds.md 3.3).

use bursar_money::{Amount, AmountError, Price};

use super::FEE_RATE;
use crate::stake::{Side, Stake, StakeCounts};

/// Why everybody gets the own stake back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundReason {
    /// Nobody stands on one of the sides; no price is needed.
    OneSided,
    /// The price is the same.
    Tie,
    /// No usable price came before the void deadline.
    OracleUnavailable,
}

impl RefundReason {
    /// The word in records and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            RefundReason::OneSided => "one_sided",
            RefundReason::Tie => "tie",
            RefundReason::OracleUnavailable => "oracle_unavailable",
        }
    }

    /// The reason of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<RefundReason> {
        match word {
            "one_sided" => Some(RefundReason::OneSided),
            "tie" => Some(RefundReason::Tie),
            "oracle_unavailable" => Some(RefundReason::OracleUnavailable),
            _ => None,
        }
    }
}

/// The outcome of a round with its money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everybody gets the own stake back; no fee.
    Refund(RefundReason),
    /// One side shares the pool less the fee.
    Win {
        /// The side.
        winner: Side,
        /// Its stakes.
        winning: Amount,
        /// What the treasury gets.
        fee: Amount,
        /// What is left after every winner's rounded-down share; the newest winning entry gets it besides.
        remainder: Amount,
    },
}

/// Whether a round's outcome follows from its stakes alone.
#[must_use]
pub fn is_one_sided(stakes: &StakeCounts) -> bool {
    stakes.bucks(Side::Up) == 0 || stakes.bucks(Side::Down) == 0
}

/// Decides a round. `prices` are those of its lock and of its end; a one-sided round needs none.
pub fn decide(stakes: &StakeCounts, prices: Option<(Price, Price)>) -> Result<Verdict, AmountError> {
    if is_one_sided(stakes) {
        return Ok(Verdict::Refund(RefundReason::OneSided));
    }
    let Some((start, end)) = prices else {
        return Ok(Verdict::Refund(RefundReason::OracleUnavailable));
    };
    let winner = match end.cmp(&start) {
        std::cmp::Ordering::Equal => return Ok(Verdict::Refund(RefundReason::Tie)),
        std::cmp::Ordering::Greater => Side::Up,
        std::cmp::Ordering::Less => Side::Down,
    };
    let winning = stakes.cents(winner)?;
    let total = winning.plus(stakes.cents(winner.other())?)?;
    let fee = FEE_RATE.of_floor(total)?;
    let distributable = total.minus(fee)?;
    let shares = stakes
        .of(winner)
        .map(|(stake, count)| share(distributable, stake, winning)?.times(u128::from(count.unsigned_abs())));
    let shared = Amount::sum(shares.collect::<Result<Vec<_>, _>>()?)?;
    Ok(Verdict::Win { winner, winning, fee, remainder: distributable.minus(shared)? })
}

/// A winning entry's part of the pool, rounded down; the remainder of all goes to the newest winning entry.
pub fn share(distributable: Amount, stake: Stake, winning: Amount) -> Result<Amount, AmountError> {
    distributable.share_floor(stake.cents(), winning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(up: &[i64], down: &[i64]) -> StakeCounts {
        let mut counts = StakeCounts::default();
        up.iter().for_each(|bucks| counts.add(Side::Up, Stake::from_bucks(*bucks).unwrap()));
        down.iter().for_each(|bucks| counts.add(Side::Down, Stake::from_bucks(*bucks).unwrap()));
        counts
    }

    const RISE: Option<(Price, Price)> = Some((Price::new(100, 0), Price::new(101, 0)));
    const FALL: Option<(Price, Price)> = Some((Price::new(100, 0), Price::new(99, 0)));

    #[test]
    fn a_rise_pays_the_up_side_less_the_fee_on_the_whole_pool() {
        let stakes = counts(&[25, 10, 100, 100, 10, 5], &[50, 25, 10, 5]);
        let amount = Amount::new;
        assert_eq!(
            decide(&stakes, RISE),
            Ok(Verdict::Win {
                winner: Side::Up,
                winning: amount(25_000),
                fee: amount(2_040),
                remainder: amount(1)
            })
        );
        let part = |bucks| share(amount(31_960), Stake::from_bucks(bucks).unwrap(), amount(25_000));
        let parts = [25, 10, 100, 5].map(part);
        assert_eq!(parts, [3_196, 1_278, 12_784, 639].map(|cents| Ok(amount(cents))));
    }

    #[test]
    fn ten_up_against_twenty_five_down_pays_3290_either_way() {
        let stakes = counts(&[10], &[25]);
        for (prices, winner, winning) in [(RISE, Side::Up, 1_000), (FALL, Side::Down, 2_500)] {
            let (winning, fee, remainder) = (Amount::new(winning), Amount::new(210), Amount::ZERO);
            assert_eq!(decide(&stakes, prices), Ok(Verdict::Win { winner, winning, fee, remainder }));
        }
    }

    #[test]
    fn one_side_alone_is_refunded_without_prices_and_a_tie_with_them() {
        assert_eq!(decide(&counts(&[5, 10], &[]), None), Ok(Verdict::Refund(RefundReason::OneSided)));
        assert_eq!(decide(&counts(&[], &[5]), RISE), Ok(Verdict::Refund(RefundReason::OneSided)));
        let tie = Some((Price::new(3, -1), Price::new(30, -2)));
        assert_eq!(decide(&counts(&[5], &[5]), tie), Ok(Verdict::Refund(RefundReason::Tie)));
        assert_eq!(decide(&counts(&[5], &[5]), None), Ok(Verdict::Refund(RefundReason::OracleUnavailable)));
    }

    fn side() -> impl Strategy<Value = Vec<i64>> {
        proptest::collection::vec(proptest::sample::select(crate::stake::TIERS_BUCKS.to_vec()), 1..60)
    }

    proptest! {
        #[test]
        fn payouts_and_fee_are_the_pool_exactly(up in side(), down in side(), rises: bool) {
            let stakes = counts(&up, &down);
            let Ok(Verdict::Win { winner, winning, fee, remainder }) = decide(&stakes, if rises { RISE } else { FALL })
            else { panic!("a two-sided round with unequal prices is won") };
            let total: i64 = up.iter().chain(&down).sum();
            let total = Amount::new(u128::from(total.unsigned_abs()) * 100);
            let distributable = total.minus(fee).unwrap();
            let winners = if winner == Side::Up { &up } else { &down };
            let paid = winners.iter().map(|bucks| share(distributable, Stake::from_bucks(*bucks).unwrap(), winning).unwrap());
            let paid = Amount::sum(paid).unwrap();
            prop_assert_eq!(paid.plus(remainder).unwrap().plus(fee).unwrap(), total);
            prop_assert!(remainder.units() < u128::try_from(winners.len()).unwrap());
        }
    }
}
