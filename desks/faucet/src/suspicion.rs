//! Raising a flag on a player, with all that follows from it (docs/spec/faucet.md 3.8).

use bursar_audit::Recorder;
use bursar_payouts::Payouts;
use bursar_store::{StoreError, Timestamp, Tx};

use crate::record::{AbuseFlag, FLAGS, User};
use crate::rules::abuse::{AbuseAction, Flag, FlagState, FlagType, Severity, after_flag};
use crate::settlement::set_aside;

/// What is odd about a player.
pub struct Suspicion {
    pub user: i64,
    pub flag_type: FlagType,
    pub severity: Severity,
    /// Figures, for people.
    pub detail: String,
}

/// What a flag does, and with what.
pub struct Consequences<'a> {
    pub action: AbuseAction,
    pub payouts: &'a Payouts,
    pub recorder: &'a Recorder,
}

/// Stores an open flag. With [`AbuseAction::Hold`] the player is held, and what was accepted for them and is not signed
/// waits. The caller counts it.
pub fn raise(
    tx: &mut Tx<'_>,
    consequences: &Consequences<'_>,
    suspicion: Suspicion,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Suspicion { user, flag_type, severity, detail } = suspicion;
    let flag = AbuseFlag {
        id: tx.allocate(FLAGS, 1)?,
        user_id: user,
        flag_type: flag_type.word().to_owned(),
        flag: Flag { severity, state: FlagState::Open, last_excess_at: now },
        detail,
        reviewed_by: None,
        reviewed_at: None,
        created_at: now,
    };
    flag.save(tx, now)?;
    let mut users = User::load(tx, &[user])?;
    users.retain_mut(|user| {
        let before = user.eligibility;
        user.eligibility = after_flag(before, consequences.action);
        user.eligibility != before
    });
    if users.is_empty() {
        return Ok(());
    }
    User::save(tx, &users, now)?;
    set_aside(tx, consequences.payouts, user, consequences.recorder, now)
}
