//! A frozen plan: everything that fixes each entry's payout, decided once.

use bursar_money::{Amount, AmountError};
use bursar_store::Timestamp;

use super::decide::{Verdict, share};
use crate::oracle::PriceEvidence;
use crate::stake::{Side, Stake};
use crate::timing::Round;

/// What was decided about a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The round.
    pub round: Round,
    /// Who wins what.
    pub verdict: Verdict,
    /// All stakes.
    pub total: Amount,
    /// The entry that gets the remainder, when there is a winning side: its newest.
    pub remainder_entry: Option<i64>,
    /// The prices of lock and end, when they were needed and usable.
    pub evidence: Option<(PriceEvidence, PriceEvidence)>,
    /// When it was frozen.
    pub settled_at: Timestamp,
}

impl Plan {
    /// What the treasury gets.
    #[must_use]
    pub fn fee(&self) -> Amount {
        match self.verdict {
            Verdict::Win { fee, .. } => fee,
            Verdict::Refund(_) => Amount::ZERO,
        }
    }

    /// The winning side, if there is one.
    #[must_use]
    pub fn winner(&self) -> Option<Side> {
        match self.verdict {
            Verdict::Win { winner, .. } => Some(winner),
            Verdict::Refund(_) => None,
        }
    }

    /// What an entry gets.
    pub fn payout(&self, side: Side, stake: Stake, sequence: i64) -> Result<Amount, AmountError> {
        match self.verdict {
            Verdict::Refund(_) => Ok(stake.cents()),
            Verdict::Win { winner, .. } if winner != side => Ok(Amount::ZERO),
            Verdict::Win { winning, fee, remainder, .. } => {
                let own = share(self.total.minus(fee)?, stake, winning)?;
                if self.remainder_entry == Some(sequence) { own.plus(remainder) } else { Ok(own) }
            }
        }
    }
}
