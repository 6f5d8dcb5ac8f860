//! What is asked before a payout counts as unpaid whose transactions are dead: whether its account went on without the records.

use bursar_store::lease::Lease;
use bursar_store::{StoreError, Tx};

use super::conclude::is_over;
use super::judge::Verdict;
use super::outrun::{UNTOLD_END, newest_of};
use super::taker::is_taker_known;
use super::view::View;
use super::{Sender, Turn};
use crate::life::AttemptKind;
use crate::sql::attempts::{self, AttemptRow};
use crate::sql::intents;
use crate::wallet::Wallet;

/// What has to come before a verdict is stored.
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// What the account ends in, which the records know.
    Compared,
    /// What became of the turn instead.
    Turn(Turn),
}

impl Sender {
    /// RESTORE-NEVER-REPAYS: what counts as unpaid is freed now, or by whoever takes it back, and may have been paid out after
    /// all that the records know, if they fell back and nobody told. So what the account ends in is compared before.
    pub(super) fn compare_before_death(
        &self,
        lease: &Lease,
        attempt: &AttemptRow,
        verdict: &Verdict,
    ) -> Result<Before, StoreError> {
        if !may_be_unpaid(attempt, verdict) {
            return Ok(Before::Nothing);
        }
        let (view, must_compare) = self.payouts.parts.store.read("payouts.unpaid", |tx| {
            let view = self.view_in(tx)?;
            let must_compare = self.must_compare_before(tx, &view.wallet, attempt, verdict)?;
            Ok((view, must_compare))
        })?;
        if must_compare { self.compare_now(lease, &view) } else { Ok(Before::Nothing) }
    }

    /// Whether a verdict may let a payout count as unpaid. Of what is in doubt anyhow nothing is freed.
    pub(super) fn must_compare_before(
        &self,
        tx: &mut Tx<'_>,
        wallet: &Wallet,
        attempt: &AttemptRow,
        verdict: &Verdict,
    ) -> Result<bool, StoreError> {
        let Some(intent) = attempt.intent.filter(|_| may_be_unpaid(attempt, verdict)) else {
            return Ok(false);
        };
        let others = attempts::of_intent(tx, intent)?;
        if others.iter().any(|other| other.state.is_alive() && other.transaction.id != attempt.transaction.id)
        {
            return Ok(false);
        }
        let Some(intent) = intents::by_id(tx, intent)? else { return Ok(false) };
        if intent.hold.is_none() || !self.payouts.knows_past(tx, wallet)? {
            return Ok(false);
        }
        // What is unknown in the transaction's own place is looked at for itself.
        is_taker_known(tx, verdict.death.as_ref())
    }

    fn compare_now(&self, lease: &Lease, view: &View) -> Result<Before, StoreError> {
        let wait = |why: String| Ok(Before::Turn(self.wait(view.now, why)));
        let newest = match newest_of(&*self.chain, &view.wallet.address) {
            Ok(newest) => newest,
            Err(error) => return wait(error.to_string()),
        };
        let newest = newest.as_ref();
        let is_known = self.payouts.parts.store.read("payouts.unpaid", |tx| self.knows_end(tx, newest))?;
        match newest {
            _ if is_known => Ok(Before::Compared),
            Some(newest) => self.outrun(lease, view, newest).map(Before::Turn),
            None => wait(UNTOLD_END.to_owned()),
        }
    }
}

/// Whether a verdict ends a transaction of a payout otherwise than by paying.
fn may_be_unpaid(attempt: &AttemptRow, verdict: &Verdict) -> bool {
    let is_paid = attempt.kind == AttemptKind::Payment && verdict.death.is_none();
    attempt.intent.is_some() && is_over(verdict) && !is_paid
}
