//! Flags for players whose kills come too fast (docs/spec/faucet.md 3.8).

use bursar_store::{StoreError, Timestamp, Tx};

use super::run::AccrualParts;
use crate::record::{AbuseFlag, Accrual, FLAGS, User};
use crate::rules::abuse::{AbuseAction, Flag, FlagState, FlagType, SpikeDecision, spike, window_start};
use crate::rules::eligibility::Eligibility;

/// Looks at everybody with a new accrual, which is stored already; says how many flags were raised.
pub fn watch(
    tx: &mut Tx<'_>,
    parts: &AccrualParts,
    accruals: &[Accrual],
    dry_run: bool,
    now: Timestamp,
) -> Result<u64, StoreError> {
    if accruals.is_empty() || parts.policy.kill_rate_per_minute == 0 {
        return Ok(0);
    }
    let users: Vec<i64> = accruals.iter().map(|accrual| accrual.user_id).collect();
    let mut raised = 0;
    for (user, kills) in Accrual::kills_since(tx, &users, dry_run, window_start(now))? {
        // Most players are far below; only whoever is not costs a look at older flags.
        let rate = parts.policy.kill_rate_per_minute;
        if spike(kills, rate, None, now) == SpikeDecision::Nothing {
            continue;
        }
        let newest = AbuseFlag::newest(tx, user, FlagType::KillRateSpike.word())?;
        match spike(kills, rate, newest.as_ref().map(|flag| flag.flag), now) {
            SpikeDecision::Nothing => {}
            SpikeDecision::Continue { severity } => {
                if let Some(mut flag) = newest {
                    flag.flag = Flag { severity, last_excess_at: now, ..flag.flag };
                    flag.save(tx, now)?;
                }
            }
            SpikeDecision::Raise { severity, detail } => {
                let flag = Flag { severity, state: FlagState::Open, last_excess_at: now };
                raise(tx, parts, user, flag, detail, now)?;
                raised += 1;
            }
        }
    }
    Ok(raised)
}

fn raise(
    tx: &mut Tx<'_>,
    parts: &AccrualParts,
    user: i64,
    flag: Flag,
    detail: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = tx.allocate(FLAGS, 1)?;
    let flag_type = FlagType::KillRateSpike.word().to_owned();
    let (reviewed_by, reviewed_at) = (None, None);
    let row =
        AbuseFlag { id, user_id: user, flag_type, flag, detail, reviewed_by, reviewed_at, created_at: now };
    row.save(tx, now)?;
    if parts.policy.abuse_action == AbuseAction::Hold {
        let mut users = User::load(tx, &[user])?;
        for held in users.iter_mut().filter(|held| held.eligibility == Eligibility::Eligible) {
            held.eligibility = Eligibility::Held;
        }
        User::save(tx, &users, now)?;
    }
    Ok(())
}
