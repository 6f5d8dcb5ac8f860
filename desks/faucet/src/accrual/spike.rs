//! Flags for players whose kills come too fast (docs/spec/faucet.md 3.8).

use bursar_store::{StoreError, Timestamp, Tx};

use super::run::AccrualParts;
use crate::record::{AbuseFlag, Accrual};
use crate::rules::abuse::{AbuseAction, Flag, FlagType, SpikeDecision, spike, window_start};
use crate::suspicion::{Consequences, Suspicion, raise};

/// Whether a spike is looked for at all: not in kills that a forced dry-run invents of real players.
fn is_on(parts: &AccrualParts, dry_run: bool) -> bool {
    parts.policy.kill_rate_per_minute > 0 && (!dry_run || parts.policy.dry_run)
}

/// Locks what holding a player locks, before accounts and tallies are.
pub fn prepare(tx: &mut Tx<'_>, parts: &AccrualParts, dry_run: bool) -> Result<(), StoreError> {
    if is_on(parts, dry_run) && parts.policy.abuse_action == AbuseAction::Hold {
        parts.payouts.lock_wallet(tx, &parts.operator)?;
    }
    Ok(())
}

/// Looks at everybody with a new accrual, which is stored already; says how many flags were raised.
pub fn watch(
    tx: &mut Tx<'_>,
    parts: &AccrualParts,
    accruals: &[Accrual],
    dry_run: bool,
    now: Timestamp,
) -> Result<u64, StoreError> {
    if accruals.is_empty() || !is_on(parts, dry_run) {
        return Ok(0);
    }
    let users: Vec<i64> = accruals.iter().map(|accrual| accrual.user_id).collect();
    let AccrualParts { payouts, recorder, policy, .. } = parts;
    let consequences = Consequences { action: policy.abuse_action, payouts, recorder };
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
                let suspicion = Suspicion { user, flag_type: FlagType::KillRateSpike, severity, detail };
                raise(tx, &consequences, suspicion, now)?;
                raised += 1;
            }
        }
    }
    Ok(raised)
}
