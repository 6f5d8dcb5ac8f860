//! The faucet's background jobs (docs/spec/faucet.md section 6).

use std::sync::Arc;

use bursar_desk::job::{Cadence, Job, JobFault, JobTurn, Progress};
use bursar_store::{StoreError, Timestamp, Tx};

use crate::faucet::Faucet;
use crate::hodl;
use crate::identity;
use crate::phase::{Phase, Ran};
use crate::record::Heartbeat;
use crate::settings::Values;
use crate::settlement::Skipped;
use crate::upkeep;

const HOUR_MS: i64 = 3_600_000;
/// How often players are looked up again.
const REFRESH_EVERY_MS: i64 = 6 * HOUR_MS;
/// How often the chain is asked what the operator's wallet holds, for the gauge.
const BALANCE_EVERY_MS: i64 = 15_000;

const ACCRUAL: Phase = Phase { name: "accrual", job: "faucet.accrual", due: accrual_due, work: accrue };
const SETTLEMENT: Phase =
    Phase { name: "settlement", job: "faucet.settlement", due: settlement_due, work: settle };
const HODL_SCAN: Phase =
    Phase { name: "hodl_scan", job: "faucet.hodl_scan", due: hodl_due, work: hodl::scan };
const RECONCILE: Phase =
    Phase { name: "reconcile", job: "faucet.reconcile", due: reconcile_due, work: upkeep::reconcile_all };
const REFRESH: Phase =
    Phase { name: "verification_refresh", job: "faucet.refresh", due: refresh_due, work: refresh };
const PRUNE: Phase = Phase { name: "prune", job: "faucet.prune", due: prune_due, work: upkeep::prune_now };

/// Every job. Money that comes in is received by the payouts room, which tells the desk as soon as it is final.
#[must_use]
pub fn jobs(faucet: &Arc<Faucet>) -> Vec<Job> {
    let mut jobs: Vec<Job> =
        [ACCRUAL, HODL_SCAN, SETTLEMENT, REFRESH, RECONCILE, PRUNE].map(|phase| phase.job(faucet)).into();
    jobs.push(balance(faucet));
    jobs
}

fn accrual_due(
    faucet: &Faucet,
    tx: &mut Tx<'_>,
    newest: Option<Heartbeat>,
) -> Result<Option<Timestamp>, StoreError> {
    let last = newest.map(|beat| beat.ran_at);
    Ok(Some(Values::read(tx)?.intervals().next_accrual(faucet.started, last)))
}

fn settlement_due(
    faucet: &Faucet,
    tx: &mut Tx<'_>,
    newest: Option<Heartbeat>,
) -> Result<Option<Timestamp>, StoreError> {
    let last = newest.map(|beat| beat.ran_at);
    Ok(Some(Values::read(tx)?.intervals().next_settlement(faucet.started, last)))
}

/// Once after each accrual run that succeeded.
fn hodl_due(
    faucet: &Faucet,
    tx: &mut Tx<'_>,
    newest: Option<Heartbeat>,
) -> Result<Option<Timestamp>, StoreError> {
    let accrued = Heartbeat::find(tx, ACCRUAL.name)?.and_then(|beat| beat.last_ok_at);
    let scanned = newest.map(|beat| beat.ran_at);
    let is_on = faucet.policy.is_boost_on;
    Ok(accrued.filter(|accrued| is_on && scanned.is_none_or(|scanned| scanned < *accrued)))
}

fn reconcile_due(
    faucet: &Faucet,
    _: &mut Tx<'_>,
    newest: Option<Heartbeat>,
) -> Result<Option<Timestamp>, StoreError> {
    Ok(Some(newest.map_or(faucet.started, |beat| beat.ran_at.after_ms(HOUR_MS))))
}

fn refresh_due(
    faucet: &Faucet,
    _: &mut Tx<'_>,
    newest: Option<Heartbeat>,
) -> Result<Option<Timestamp>, StoreError> {
    let first = faucet.started.after_ms(REFRESH_EVERY_MS);
    Ok(Some(newest.map_or(first, |beat| beat.ran_at.after_ms(REFRESH_EVERY_MS))))
}

/// At 03:30 UTC; what was missed while nobody ran is made up for.
fn prune_due(
    faucet: &Faucet,
    _: &mut Tx<'_>,
    newest: Option<Heartbeat>,
) -> Result<Option<Timestamp>, StoreError> {
    let since = newest.map_or(faucet.started, |beat| beat.ran_at);
    Ok(Some(Cadence::daily_at(3, 30).after(since)))
}

fn accrue(faucet: &Faucet, is_stopping: &dyn Fn() -> bool) -> Result<Ran, JobFault> {
    let run = faucet.accrue(is_stopping)?;
    Ok(if run.is_halted { Ran::Halted } else { Ran::Well })
}

fn refresh(faucet: &Faucet, is_stopping: &dyn Fn() -> bool) -> Result<Ran, JobFault> {
    identity::refresh(faucet, is_stopping)?;
    Ok(Ran::Well)
}

fn settle(faucet: &Faucet, is_stopping: &dyn Fn() -> bool) -> Result<Ran, JobFault> {
    let cycle = faucet.settle(is_stopping)?;
    Ok(match cycle.skipped {
        // A mode that changed or a wallet that is short are no fault of the cycle's.
        None
        | Some(Skipped::BelowFloor | Skipped::ModeChanged | Skipped::NoWallet | Skipped::WalletStill) => {
            Ran::Well
        }
        Some(Skipped::Halted | Skipped::SchedulerHalted) => Ran::Halted,
    })
}

fn balance(faucet: &Arc<Faucet>) -> Job {
    let faucet = Arc::clone(faucet);
    let ask = move |_: &JobTurn| {
        faucet.balance.ask()?;
        Ok(Progress::Done)
    };
    Job::new("faucet.balance", Cadence::every_ms(BALANCE_EVERY_MS), ask).in_real_time()
}
