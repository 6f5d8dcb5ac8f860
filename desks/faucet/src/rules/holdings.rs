//! What a player has earned, by how far it is, and the rule that nothing is lost or made between (docs/spec/faucet.md 3.4).

use super::ban::{BanE8, BanError};

/// Kills and what they are worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Kills.
    pub kills: u64,
    /// BAN.
    pub amount: BanE8,
}

impl Share {
    /// Nothing.
    pub const NONE: Share = Share { kills: 0, amount: BanE8::ZERO };

    /// `self + other`.
    pub fn plus(self, other: Share) -> Result<Share, BanError> {
        let kills = self.kills.checked_add(other.kills).ok_or(BanError::Overflow)?;
        Ok(Share { kills, amount: self.amount.plus(other.amount)? })
    }

    /// `self - other`, refused below zero.
    pub fn minus(self, other: Share) -> Result<Share, BanError> {
        let kills = self.kills.checked_sub(other.kills).ok_or(BanError::Negative)?;
        Ok(Share { kills, amount: self.amount.minus(other.amount)? })
    }

    /// The sum of all shares.
    pub fn sum(shares: impl IntoIterator<Item = Share>) -> Result<Share, BanError> {
        shares.into_iter().try_fold(Share::NONE, Share::plus)
    }
}

/// How far an accrual is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccrualState {
    /// Not paid and in no payout.
    Open,
    /// In a payout that is not final.
    Reserved,
    /// Paid.
    Settled,
    /// Given up when its player was erased.
    WrittenOff,
}

impl AccrualState {
    /// The word in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            AccrualState::Open => "open",
            AccrualState::Reserved => "reserved",
            AccrualState::Settled => "settled",
            AccrualState::WrittenOff => "written_off",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<AccrualState> {
        let all =
            [AccrualState::Open, AccrualState::Reserved, AccrualState::Settled, AccrualState::WrittenOff];
        all.into_iter().find(|state| state.word() == word)
    }

    /// Whether an accrual may go from here to `next`.
    #[must_use]
    pub const fn may_become(self, next: AccrualState) -> bool {
        match self {
            AccrualState::Open => matches!(next, AccrualState::Reserved | AccrualState::WrittenOff),
            AccrualState::Reserved => matches!(next, AccrualState::Settled | AccrualState::Open),
            AccrualState::Settled | AccrualState::WrittenOff => false,
        }
    }
}

/// A player's running totals, changed in the same transaction as the rows they sum up.
///
/// The sum over all states is what was ever accrued: [`Holdings::accrued`]. Pruning rows leaves the totals as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// In open accruals.
    pub open: Share,
    /// In payouts under way.
    pub reserved: Share,
    /// Paid.
    pub settled: Share,
    /// Given up.
    pub written_off: Share,
}

impl Holdings {
    /// Everything ever accrued.
    pub fn accrued(&self) -> Result<Share, BanError> {
        Share::sum([self.open, self.reserved, self.settled, self.written_off])
    }

    /// The totals of rows in their states.
    pub fn of_rows(rows: impl IntoIterator<Item = (AccrualState, Share)>) -> Result<Holdings, BanError> {
        rows.into_iter().try_fold(Holdings::default(), |mut totals, (state, share)| {
            let total = totals.of_mut(state);
            *total = total.plus(share)?;
            Ok(totals)
        })
    }

    /// With a new open accrual of `share`.
    pub fn accrue(mut self, share: Share) -> Result<Holdings, BanError> {
        self.open = self.open.plus(share)?;
        Ok(self)
    }

    /// With `share` moved from one state to another, the sum unchanged (invariant ACCRUED); refused when there is less.
    pub fn shift(mut self, share: Share, from: AccrualState, to: AccrualState) -> Result<Holdings, BanError> {
        *self.of_mut(from) = self.of(from).minus(share)?;
        *self.of_mut(to) = self.of(to).plus(share)?;
        Ok(self)
    }

    /// The total in one state.
    #[must_use]
    pub const fn of(&self, state: AccrualState) -> Share {
        match state {
            AccrualState::Open => self.open,
            AccrualState::Reserved => self.reserved,
            AccrualState::Settled => self.settled,
            AccrualState::WrittenOff => self.written_off,
        }
    }

    fn of_mut(&mut self, state: AccrualState) -> &mut Share {
        match state {
            AccrualState::Open => &mut self.open,
            AccrualState::Reserved => &mut self.reserved,
            AccrualState::Settled => &mut self.settled,
            AccrualState::WrittenOff => &mut self.written_off,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AccrualState::{Open, Reserved, Settled, WrittenOff};
    use super::*;

    fn share(kills: u64, e8: i64) -> Share {
        Share { kills, amount: BanE8::new(e8).unwrap() }
    }

    #[test]
    fn shifting_keeps_what_was_accrued() {
        let totals = Holdings::default().accrue(share(100, 500)).unwrap();
        let totals = totals.shift(share(60, 300), Open, Reserved).unwrap();
        let totals = totals.shift(share(40, 200), Reserved, Settled).unwrap();
        assert_eq!(totals.of(Open), share(40, 200));
        assert_eq!(totals.of(Reserved), share(20, 100));
        assert_eq!(totals.of(Settled), share(40, 200));
        assert_eq!(totals.accrued(), Ok(share(100, 500)));
        assert_eq!(totals.shift(share(21, 0), Reserved, Settled), Err(BanError::Negative));
        assert_eq!(totals.shift(share(0, 101), Reserved, Settled), Err(BanError::Negative));
    }

    #[test]
    fn totals_are_those_of_the_rows() {
        let rows =
            [(Open, share(1, 10)), (Settled, share(2, 20)), (Open, share(3, 30)), (WrittenOff, share(4, 40))];
        let totals = Holdings::of_rows(rows).unwrap();
        assert_eq!((totals.open, totals.settled), (share(4, 40), share(2, 20)));
        assert_eq!(totals.accrued(), Ok(share(10, 100)));
    }

    #[test]
    fn an_accrual_goes_from_open_over_reserved_to_settled_or_back() {
        let allowed = [(Open, Reserved), (Open, WrittenOff), (Reserved, Settled), (Reserved, Open)];
        for from in [Open, Reserved, Settled, WrittenOff] {
            assert_eq!(AccrualState::from_word(from.word()), Some(from));
            for to in [Open, Reserved, Settled, WrittenOff] {
                assert_eq!(from.may_become(to), allowed.contains(&(from, to)), "{from:?} to {to:?}");
            }
        }
        assert_eq!(AccrualState::from_word("paid"), None);
    }
}
