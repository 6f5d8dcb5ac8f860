//! Going on with a stored attempt: the gate, the network, and what follows from the answers.

use bursar_chain::{Standing, TransactionId};
use bursar_store::fault::Step;
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp};

use super::count::Counted;
use super::judge::{judge, word};
use super::view::View;
use super::{Sender, Turn};
use crate::life::AttemptKind;
use crate::sql::attempts::AttemptRow;
use crate::stops::Reading;

impl Sender {
    /// Sends an open attempt's bytes again if they may leave, and looks it up either way.
    pub(super) fn follow(&self, lease: &Lease, view: &View, attempt: usize) -> Result<Turn, StoreError> {
        let Some(attempt) = view.open.get(attempt) else { return Ok(Turn::Idle { until: None }) };
        if let Some(turn) = self.free_if_wished(lease, view, attempt)? {
            return Ok(turn);
        }
        let planned = self.memory.lock().planned.clone();
        match self.count(lease, &attempt.transaction.id)? {
            Counted::Over => Ok(self.worked()),
            Counted::Send(attempt) => {
                self.tell_retry(&view.wallet.desk, &attempt, planned);
                self.send(lease, &view.wallet.desk, &attempt)
            }
            Counted::Look(attempt, why) => {
                tracing::debug!(attempt = %attempt.transaction.id, why, "a payout is looked up and not sent");
                let turn = self.look(lease, &attempt)?;
                self.note_unsent(lease, view, &attempt)?;
                Ok(turn)
            }
        }
    }

    /// The first broadcast, counted when it was signed. Between then and now a stop may have been committed.
    pub(super) fn send_first(
        &self,
        lease: &Lease,
        attempt: &AttemptRow,
        desk: &str,
        accepted: Option<Timestamp>,
    ) -> Result<Turn, StoreError> {
        self.payouts.fault("payouts.signed", Step::Begin)?;
        self.count_result(desk, "signed");
        self.note_in_journal(attempt)?;
        if !self.may_leave(desk)? {
            return Ok(self.worked());
        }
        if let (Some(metrics), Some(accepted)) = (&self.payouts.parts.metrics, accepted) {
            metrics
                .observe_broadcast(self.chain.name(), attempt.signed_at.ms().saturating_sub(accepted.ms()));
        }
        self.hand_over(lease, desk, attempt)
    }

    /// Tells the desk for how long a payment waited that no node is known to have, and that is sent once more.
    fn tell_retry(&self, desk: &str, attempt: &AttemptRow, planned: Option<(TransactionId, i64)>) {
        let ear = self.payouts.desk(desk).and_then(|rules| rules.ear.clone());
        let waited = planned.filter(|(id, _)| *id == attempt.transaction.id);
        if let (Some(ear), Some((_, waited_ms))) = (ear, waited)
            && attempt.kind == AttemptKind::Payment
            && matches!(word(&attempt.standing), "not_found" | "rejected")
        {
            ear.retried(waited_ms);
        }
    }

    fn send(&self, lease: &Lease, desk: &str, attempt: &AttemptRow) -> Result<Turn, StoreError> {
        self.payouts.fault("payouts.resend", Step::Begin)?;
        self.note_in_journal(attempt)?;
        if !self.may_leave(desk)? {
            return Ok(self.worked());
        }
        self.hand_over(lease, desk, attempt)
    }

    /// The last look at the stops: to write into the journal may have taken long.
    fn may_leave(&self, desk: &str) -> Result<bool, StoreError> {
        self.payouts.parts.store.read("payouts.last_look", |tx| {
            let now = tx.reading()?;
            let generation = (self.payouts.parts.generation)(tx)?;
            let wallet = self.payouts.wallet(tx, &self.wallet)?;
            let stopped = self.payouts.stopped(tx, desk, self.chain.name(), now, Reading::Peeked)?;
            Ok(stopped.is_none() && wallet.is_some_and(|wallet| wallet.is_running(generation)))
        })
    }

    /// BYTES-FIRST: hands the stored bytes to nodes and asks for them. What handing over said is not judged: the look-up
    /// tells more.
    fn hand_over(&self, lease: &Lease, desk: &str, attempt: &AttemptRow) -> Result<Turn, StoreError> {
        self.payouts.fault("payouts.broadcast", Step::Begin)?;
        let said = self.chain.broadcast(&attempt.transaction);
        self.payouts.fault("payouts.broadcast", Step::Committed)?;
        let standing = self.chain.classify(&attempt.transaction, &said);
        tracing::debug!(attempt = %attempt.transaction.id, ?standing, "broadcast");
        let is_doubtful =
            matches!(standing, Standing::Unknown { .. }) && attempt.kind == AttemptKind::Payment;
        if let Some(ear) = self.payouts.desk(desk).and_then(|rules| rules.ear.clone()).filter(|_| is_doubtful)
        {
            ear.doubted();
        }
        self.look(lease, attempt)
    }

    pub(super) fn look(&self, lease: &Lease, attempt: &AttemptRow) -> Result<Turn, StoreError> {
        self.payouts.fault("payouts.look_up", Step::Begin)?;
        let evidence = self.chain.look_up(&attempt.transaction);
        self.payouts.fault("payouts.look_up", Step::Committed)?;
        let verdict = judge(&*self.chain, &attempt.transaction, evidence);
        self.conclude(lease, attempt, &verdict)
    }
}
