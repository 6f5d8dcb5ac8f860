//! Payouts of players who may not be paid now: none of them is signed until they may (docs/spec/faucet.md 2.3, 3.8).

use bursar_audit::{Actor, Recorder};
use bursar_payouts::{IntentId, MarginVerdict, Payouts};
use bursar_store::{Store, StoreError, Timestamp, Tx};

use crate::record::{Payout, User};

/// What a payout waits for whose player is held for review, or revoked.
pub const NOT_ELIGIBLE: &str = "not_eligible";
/// Payouts that are set aside in one cycle at most.
const AT_ONCE_MAX: i64 = 1_000;

/// Sets aside what was accepted for a player and is not signed; their accruals stay reserved.
pub fn set_aside(
    tx: &mut Tx<'_>,
    payouts: &Payouts,
    user: i64,
    recorder: &Recorder,
    now: Timestamp,
) -> Result<(), StoreError> {
    let under_way = Payout::under_way(tx, user)?;
    all(tx, payouts, &under_way, recorder, now)
}

/// The same for everybody who is held or revoked: a payout whose block lost its place waits to be signed once more.
pub(super) fn set_all_aside(
    tx: &mut Tx<'_>,
    payouts: &Payouts,
    recorder: &Recorder,
    now: Timestamp,
) -> Result<(), StoreError> {
    let waiting = Payout::of_ineligible(tx, AT_ONCE_MAX)?;
    all(tx, payouts, &waiting, recorder, now)
}

/// Why a payout must not be signed now; `None` = its player may be paid, or it is nobody's. Asked right before signing: one
/// whose block lost its place waits again without a settlement having looked. Whoever is held or revoked after this was
/// asked has it set aside in the same transaction, so that it is not signed either.
#[must_use]
pub fn keeps_back(store: &Store, payout: i64) -> Option<MarginVerdict> {
    let player = store.read("faucet.may_be_paid", |tx| {
        let Some(payout) = Payout::peek(tx, &[payout])?.pop() else { return Ok(None) };
        Ok(Some(User::peek(tx, &[payout.user_id])?.pop()))
    });
    match player {
        Ok(None) => None,
        Ok(Some(Some(player))) if player.eligibility.may_be_paid() => None,
        Ok(Some(_)) => Some(MarginVerdict::Hold { why: NOT_ELIGIBLE.to_owned() }),
        Err(error) => {
            Some(MarginVerdict::Wait { why: format!("whether the player may be paid is not known: {error}") })
        }
    }
}

fn all(
    tx: &mut Tx<'_>,
    payouts: &Payouts,
    waiting: &[Payout],
    recorder: &Recorder,
    now: Timestamp,
) -> Result<(), StoreError> {
    let by = Actor::system("faucet");
    for intent in waiting.iter().filter_map(|payout| payout.intent) {
        payouts.set_aside(tx, IntentId(intent), NOT_ELIGIBLE, &by, recorder, now)?;
    }
    Ok(())
}
