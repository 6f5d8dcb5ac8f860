//! What keeps the faucet from its work, or makes it do less (docs/spec/faucet.md 4.1).

use std::sync::Arc;

use bursar_desk::Readiness;
use bursar_payouts::WalletStanding;
use bursar_store::{StoreError, Tx};
use bursar_web::infrastructure::{Finding as Check, Weight};

use crate::DESK;
use crate::faucet::Faucet;
use crate::record::{Finding, Heartbeat};
use crate::rules::schedule::is_overdue;
use crate::settings::Values;

/// The checks.
pub fn readiness(faucet: &Arc<Faucet>) -> Readiness {
    let faucet = Arc::clone(faucet);
    Arc::new(move |tx| {
        let now = tx.reading()?;
        let mut found = Vec::new();
        if !faucet.mode(tx, now)?.dry_run {
            found.extend(wallet(tx, &faucet)?);
        }
        found.extend(late(tx)?);
        let findings = Finding::all(tx)?;
        let wrong = findings.iter().filter(|finding| finding.count > 0);
        found.extend(wrong.map(|finding| {
            degraded("checks", format!("{}: {} ({})", finding.kind, finding.count, finding.detail))
        }));
        Ok(found)
    })
}

fn wallet(tx: &mut Tx<'_>, faucet: &Faucet) -> Result<Option<Check>, StoreError> {
    let Some(wallet) = faucet.payouts.wallet(tx, &faucet.operator)? else {
        let text = "there is no operator wallet; set the operator's seed".to_owned();
        return Ok(Some(Check { scope: DESK, check: "wallet", weight: Weight::Required, text }));
    };
    Ok(match wallet.standing {
        WalletStanding::Running => None,
        WalletStanding::Stopped | WalletStanding::Unmatched => {
            Some(degraded("wallet", format!("nothing leaves the operator's wallet: {}", wallet.why)))
        }
    })
}

/// Phases that have not succeeded for more than two intervals.
fn late(tx: &mut Tx<'_>) -> Result<Vec<Check>, StoreError> {
    let now = tx.reading()?;
    let intervals = Values::read(tx)?.intervals();
    let mut late = Vec::new();
    for (job, interval_s) in [("accrual", intervals.accrual_s()), ("settlement", intervals.settlement_s())] {
        let last = Heartbeat::find(tx, job)?.and_then(|beat| beat.last_ok_at);
        if last.is_some_and(|last| is_overdue(last, interval_s, now)) {
            late.push(degraded("scheduler", format!("{job} has not succeeded for more than two intervals")));
        }
    }
    Ok(late)
}

fn degraded(check: &'static str, text: String) -> Check {
    Check { scope: DESK, check, weight: Weight::Degraded, text }
}
