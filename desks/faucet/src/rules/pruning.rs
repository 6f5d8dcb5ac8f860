//! What may be deleted once it is old, and what is kept of it (docs/spec/faucet.md 3.12, F40).

use bursar_store::Timestamp;

use super::abuse::FlagState;
use super::ban::BanError;
use super::cursor_ranges::{CursorRange, CursorRanges};
use super::holdings::{AccrualState, Share};
use super::payout_state::PayoutState;

const DAY_MS: i64 = 86_400_000;
/// The weekly cap looks back seven days, so a shorter retention would change what is paid.
const RETENTION_DAYS_MIN: u32 = 8;
/// Days after which verification records go, each player's newest excepted.
const VERIFICATION_DAYS: i64 = 30;
/// Days after which reviewed flags go.
const FLAG_DAYS: i64 = 90;
/// Rows deleted in one transaction at most.
pub const BATCH_ROWS: u32 = 1_000;

/// How many days are kept, at least 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention(u32);

/// A retention that would change what the caps allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot keep only {0} days: the weekly cap needs the last 7, so keep 8 or more")]
pub struct RetentionTooShort(pub u32);

/// The instants before which rows are old enough to go: those strictly older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoffs {
    /// Of settled accruals (`settled_at`), final payouts (`last_attempt_at`) and audit rows.
    pub money: Timestamp,
    /// Of verification records.
    pub verification: Timestamp,
    /// Of reviewed flags.
    pub flag: Timestamp,
}

impl Retention {
    /// What is kept unless set otherwise.
    pub const DEFAULT: Retention = Retention(90);

    /// A retention of `days`.
    pub const fn new(days: u32) -> Result<Retention, RetentionTooShort> {
        if days < RETENTION_DAYS_MIN { Err(RetentionTooShort(days)) } else { Ok(Retention(days)) }
    }

    /// What is old at `now`.
    #[must_use]
    pub const fn cutoffs(self, now: Timestamp) -> Cutoffs {
        // Lossless widening.
        let days = self.0 as i64;
        Cutoffs {
            money: now.after_ms(-days * DAY_MS),
            verification: now.after_ms(-VERIFICATION_DAYS * DAY_MS),
            flag: now.after_ms(-FLAG_DAYS * DAY_MS),
        }
    }
}

impl Cutoffs {
    /// Whether an accrual may go.
    #[must_use]
    pub fn prunes_accrual(&self, state: AccrualState, settled_at: Option<Timestamp>) -> bool {
        match state {
            AccrualState::Settled => settled_at.is_some_and(|at| at < self.money),
            AccrualState::Open | AccrualState::Reserved | AccrualState::WrittenOff => false,
        }
    }

    /// Whether a payout may go.
    #[must_use]
    pub fn prunes_payout(&self, state: PayoutState, last_attempt_at: Option<Timestamp>) -> bool {
        state.is_final() && last_attempt_at.is_some_and(|at| at < self.money)
    }

    /// Whether an audit row may go.
    #[must_use]
    pub fn prunes_audit(&self, at: Timestamp) -> bool {
        at < self.money
    }

    /// Whether a verification record may go.
    #[must_use]
    pub fn prunes_verification(&self, at: Timestamp, is_players_newest: bool) -> bool {
        !is_players_newest && at < self.verification
    }

    /// Whether an abuse flag may go. A confirmed one is why its player is held, and stays for as long.
    #[must_use]
    pub fn prunes_flag(&self, state: FlagState, reviewed_at: Option<Timestamp>, is_held: bool) -> bool {
        let is_old = reviewed_at.is_some_and(|at| at < self.flag);
        match state {
            FlagState::Open => false,
            FlagState::FalsePositive => is_old,
            FlagState::Confirmed => is_old && !is_held,
        }
    }
}

/// An accrual about to be pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrunedAccrual {
    /// Kills and BAN, all of it paid.
    pub share: Share,
    /// The range of the kill cursor it stands for; `None` when it is of an earlier baseline, which nothing reconciles.
    pub range: Option<CursorRange>,
}

/// What is kept of a player's pruned accruals, added to in the transaction that deletes them. Statistics, leaderboard,
/// sustainability and reconciliation count it in and so stay what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Kills and BAN accrued by them, which is also what was paid for them.
    pub settled: Share,
    /// What they stand for of the present baseline; emptied when a new one begins.
    pub ranges: CursorRanges,
}

impl Folded {
    /// With more rows.
    pub fn fold(&self, pruned: &[PrunedAccrual]) -> Result<Folded, BanError> {
        let shares = pruned.iter().map(|row| row.share);
        Ok(Folded {
            settled: self.settled.plus(Share::sum(shares)?)?,
            ranges: self.ranges.with(pruned.iter().filter_map(|row| row.range)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ban::BanE8;

    const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

    fn days_ago(days: i64) -> Timestamp {
        NOW.after_ms(-days * DAY_MS)
    }

    fn cutoffs() -> Cutoffs {
        Retention::DEFAULT.cutoffs(NOW)
    }

    #[test]
    fn of_settled_accruals_those_of_91_days_go_and_those_of_89_stay() {
        use AccrualState::{Open, Reserved, Settled, WrittenOff};
        for (days, goes) in [(91, true), (90, false), (89, false)] {
            assert_eq!(cutoffs().prunes_accrual(Settled, Some(days_ago(days))), goes, "{days}");
        }
        for state in [Open, Reserved, WrittenOff] {
            assert!(!cutoffs().prunes_accrual(state, Some(days_ago(9_999))), "{state:?}");
        }
        assert!(!cutoffs().prunes_accrual(Settled, None));
    }

    #[test]
    fn only_final_payouts_go() {
        use PayoutState::{Confirmed, Created, Failed, Held, Published, Signed};
        for (state, goes) in [
            (Confirmed, true),
            (Failed, true),
            (Created, false),
            (Signed, false),
            (Held, false),
            (Published, false),
        ] {
            assert_eq!(cutoffs().prunes_payout(state, Some(days_ago(91))), goes, "{state:?}");
            assert!(!cutoffs().prunes_payout(state, Some(days_ago(90))));
        }
    }

    #[test]
    fn records_and_flags_have_their_own_ages() {
        assert!(cutoffs().prunes_audit(days_ago(91)) && !cutoffs().prunes_audit(days_ago(90)));
        assert!(cutoffs().prunes_verification(days_ago(31), false));
        assert!(!cutoffs().prunes_verification(days_ago(30), false));
        assert!(!cutoffs().prunes_verification(days_ago(9_999), true), "a player's newest");
        for (state, days, is_held, goes) in [
            (FlagState::FalsePositive, 91, true, true),
            (FlagState::FalsePositive, 90, false, false),
            (FlagState::Confirmed, 91, false, true),
            (FlagState::Confirmed, 9_999, true, false),
        ] {
            assert_eq!(cutoffs().prunes_flag(state, Some(days_ago(days)), is_held), goes, "{state:?} {days}");
        }
        assert!(!cutoffs().prunes_flag(FlagState::Open, None, false), "still open");
    }

    #[test]
    fn fewer_than_eight_days_are_refused() {
        assert_eq!(Retention::new(7), Err(RetentionTooShort(7)));
        assert_eq!(Retention::new(8).unwrap().cutoffs(NOW).money, days_ago(8));
        assert_eq!(
            Retention::new(u32::MAX).unwrap().cutoffs(NOW).money.ms(),
            NOW.ms() - i64::from(u32::MAX) * DAY_MS
        );
    }

    #[test]
    fn folding_keeps_the_totals_and_what_the_rows_stood_for() {
        let row = |kills: u32, from: u32| PrunedAccrual {
            share: Share { kills: u64::from(kills), amount: BanE8::of_ban(kills) },
            range: CursorRange::between(from, from + kills),
        };
        let old_baseline = PrunedAccrual { range: None, ..row(4, 0) };
        let first = Folded::default().fold(&[row(7, 100), row(5, 107)]).unwrap();
        let second = first.fold(&[row(3, 130), old_baseline]).unwrap();
        assert_eq!(second.settled, Share { kills: 19, amount: BanE8::of_ban(19) });
        assert_eq!(second.ranges.to_string(), "100-112,130-133");
    }
}
