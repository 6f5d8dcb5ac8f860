//! Payouts that were held go on once their balance is there, or their player may be paid again (docs/spec/faucet.md 3.6,
//! 3.8, F39).

use bursar_audit::Actor;
use bursar_payouts::{IntentId, MarginVerdict, MarginView};
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Tx};

use super::aside::{NOT_ELIGIBLE, set_all_aside};
use super::cycle::SettlementParts;
use crate::CLOCK;
use crate::mode::Mode;
use crate::policy::Policy;
use crate::record::Payout;
use crate::rules::balance::has_margin;
use crate::rules::ban::BanE8;

/// What a payout is held for that the balance does not cover with its margin.
pub const INSUFFICIENT: &str = "insufficient_balance";
/// Payouts that go on in one cycle at most.
const RESUMED_MAX: i64 = 1_000;

/// Lets held payouts of eligible players go on, oldest first: those that lacked balance as far as `balance` covers them
/// with their margins, and those that were set aside. Sets aside what must not go on.
pub fn resume(
    tx: &mut Tx<'_>,
    parts: &SettlementParts,
    lease: &Lease,
    balance: BanE8,
) -> Result<u64, StoreError> {
    lease.check(tx)?;
    let now = tx.open_clock(CLOCK)?;
    let mode = Mode::locked(tx, &parts.switchboard, &parts.policy, now)?;
    if mode.dry_run || mode.payouts_halted {
        return Ok(0);
    }
    set_all_aside(tx, &parts.payouts, &parts.recorder, now)?;
    let by = Actor::system("faucet");
    let (mut resumed, mut committed) = (0, BanE8::ZERO);
    for payout in Payout::held(tx, NOT_ELIGIBLE, RESUMED_MAX)? {
        let Some(intent) = payout.intent else { continue };
        let is_resumed =
            parts.payouts.resume(tx, IntentId(intent), NOT_ELIGIBLE, &by, &parts.recorder, now)?;
        resumed += u64::from(is_resumed);
    }
    for payout in Payout::held(tx, INSUFFICIENT, RESUMED_MAX)? {
        let (Some(intent), Ok(true)) = (payout.intent, has_margin(balance, committed, payout.amount)) else {
            continue;
        };
        if parts.payouts.resume(tx, IntentId(intent), INSUFFICIENT, &by, &parts.recorder, now)? {
            resumed += 1;
            committed = committed.plus(payout.amount).unwrap_or(BanE8::MAX);
        }
    }
    tx.close_clock(CLOCK, now)?;
    Ok(resumed)
}

/// The desk's balance guard right before a payment is signed: a tenth more than the payment must be there.
#[must_use]
pub fn margin(policy: &Policy, view: &MarginView) -> MarginVerdict {
    if policy.dry_run {
        return MarginVerdict::Wait { why: "the faucet runs in dry-run: nothing real is sent".to_owned() };
    }
    // More e8 than fit are far above any payout; the payment itself is a whole number of e8.
    let balance = BanE8::from_raw_floor(view.spendable).map_or(BanE8::MAX, |(balance, _)| balance);
    let amount = BanE8::from_raw_floor(view.amount).map_or(BanE8::MAX, |(amount, _)| amount);
    match has_margin(balance, BanE8::ZERO, amount) {
        Ok(true) => MarginVerdict::Pay,
        Ok(false) | Err(_) => MarginVerdict::Hold { why: INSUFFICIENT.to_owned() },
    }
}
