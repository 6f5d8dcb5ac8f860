//! Storing what the chain said: the standing when it changed, finality, and proven death.

use bursar_chain::{DeathProof, Evidence};
use bursar_money::Amount;
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Map, Value, json};

use super::judge::{Verdict, word, words};
use super::unpaid::Before;
use super::{Sender, Turn};
use crate::case::{Case, Particulars};
use crate::life::{AttemptKind, AttemptState, Event};
use crate::sql::attempts::{self, AttemptRow};
use crate::wallet::Wallet;
use crate::{IntentId, Payouts, sql};

/// Most evidence that is kept beside an attempt, in bytes.
const EVIDENCE_MAX: usize = 65_536;

/// A proof as it is stored.
pub(crate) fn proof_value(proof: &DeathProof) -> Value {
    json!({
        "attempt": proof.attempt.as_str(), "takenBy": proof.taken_by.as_ref().map(|id| id.as_str()),
        "nodes": proof.nodes, "evidence": hex::encode(&proof.evidence.0),
    })
}

/// Evidence as it is stored; `None` = it is too long to be kept.
pub(crate) fn kept(evidence: &Evidence) -> Option<Vec<u8>> {
    (evidence.0.len() <= EVIDENCE_MAX).then(|| evidence.0.clone())
}

impl Sender {
    /// Stores a verdict. Nothing is written when it says what is known already. PAID-ONCE: an attempt is over by a
    /// confirmation or a proof of death alone, both kept beside it.
    pub(super) fn conclude(
        &self,
        lease: &Lease,
        attempt: &AttemptRow,
        verdict: &Verdict,
    ) -> Result<Turn, StoreError> {
        let says = words(&verdict.standing);
        let is_news =
            verdict.death.is_some() || says == "confirmed" || word(&says) != word(&attempt.standing);
        if !is_news && attempt.state == AttemptState::Broadcast {
            return Ok(self.worked());
        }
        let is_compared = match self.compare_before_death(lease, attempt, verdict)? {
            Before::Nothing => false,
            Before::Compared => true,
            Before::Turn(turn) => return Ok(turn),
        };
        let desk = self.payouts.parts.store.transact("payouts.conclude", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let wallet = self.locked(tx)?;
            let desk = wallet.desk.clone();
            // It may have become so since.
            if !is_compared && self.must_compare_before(tx, &wallet, attempt, verdict)? {
                return Ok(None);
            }
            match attempt.intent {
                Some(intent) if self.is_ahead(tx, &wallet, intent, verdict)? => return Ok(None),
                Some(intent) => self.conclude_case(tx, wallet, intent, attempt, verdict, now)?,
                None => self.conclude_upkeep(tx, wallet, attempt, verdict, now)?,
            }
            Ok(Some(desk))
        })?;
        let Some(desk) = desk else { return Ok(self.worked()) };
        if is_over(verdict) {
            let result = if verdict.death.is_some() { "dead" } else { "final" };
            self.count_result(&desk, result);
        }
        if let Some(journal) = self.payouts.parts.journal.as_ref().filter(|_| is_over(verdict)) {
            journal.forget(attempt.transaction.id.as_str());
        }
        self.payouts.fault("payouts.concluded", bursar_store::fault::Step::Begin)?;
        Ok(self.worked())
    }

    /// CHAIN-IS-BOOK: whether a payment is final that was paid from what came in and is still being looked up: it waits for that.
    fn is_ahead(
        &self,
        tx: &mut Tx<'_>,
        wallet: &Wallet,
        intent: IntentId,
        verdict: &Verdict,
    ) -> Result<bool, StoreError> {
        if verdict.death.is_some() || verdict.standing != bursar_chain::Standing::Confirmed {
            return Ok(false);
        }
        let Some(intent) = sql::intents::by_id(tx, intent)? else { return Ok(false) };
        self.payouts.takes_what_is_not_final(tx, wallet, intent.amount, Some(verdict.fee))
    }

    fn conclude_case(
        &self,
        tx: &mut Tx<'_>,
        wallet: Wallet,
        intent: IntentId,
        attempt: &AttemptRow,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = &attempt.transaction.id;
        let missing = || StoreError::Decode(format!("the intent {intent} of {id} is gone"));
        let mut case = Case::under(tx, wallet, intent)?.ok_or_else(missing)?;
        let row = case.attempts.iter_mut().find(|row| row.transaction.id == *id).ok_or_else(missing)?;
        if !row.state.is_alive() {
            return Ok(());
        }
        note(tx, row, verdict, now)?;
        let (state, kind) = (row.state, row.kind);
        let hand = self.hand(now);
        if let Some(proof) = &verdict.death {
            self.payouts.look_at_taker(tx, &mut case, proof, &hand)?;
        }
        let mut apply = |tx: &mut Tx<'_>, event: Event, particulars: Particulars| {
            let done = self.payouts.change(tx, &mut case, event, None, particulars, &hand)?;
            bursar_store::invariant!(done.is_ok(), "payout {intent}: what the chain says of {id} cannot be");
            Ok::<(), StoreError>(())
        };
        if state == AttemptState::Signed {
            apply(tx, Event::Broadcast(id.clone()), Particulars::default())?;
        }
        if let Some(proof) = &verdict.death {
            let detail = Map::from_iter([
                ("dead".to_owned(), id.as_str().into()),
                ("takenBy".to_owned(), proof.taken_by.as_ref().map(|id| id.as_str()).into()),
            ]);
            apply(tx, Event::Die(id.clone()), Particulars { detail, ..Particulars::default() })?;
        } else if verdict.standing == bursar_chain::Standing::Confirmed {
            let fee = (kind == AttemptKind::Payment).then_some(verdict.fee);
            apply(tx, Event::Confirm(id.clone()), Particulars { fee, ..Particulars::default() })?;
            if kind != AttemptKind::Payment {
                self.pay_fee(tx, attempt, verdict.fee, now)?;
            }
        } else if verdict.standing == bursar_chain::Standing::Pending && kind == AttemptKind::Payment {
            let (desk, reference) = (&case.intent.desk, case.intent.reference);
            if let Some(ear) = self.payouts.desk(desk).and_then(|rules| rules.ear.clone()) {
                ear.seen(tx, case.intent.id, reference, now)?;
            }
        }
        Ok(())
    }

    /// Books what the chain took for a transaction that paid nobody.
    pub(super) fn pay_fee(
        &self,
        tx: &mut Tx<'_>,
        attempt: &AttemptRow,
        fee: Amount,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if fee.is_zero() {
            return Ok(());
        }
        let mut wallet = self.locked(tx)?;
        crate::case::book_fee(tx, &wallet, fee, attempt.id, now)?;
        wallet.pay(fee);
        sql::wallets::update(tx, &wallet)
    }
}

impl Payouts {
    /// Whether a payment takes more than the records say is there, while what came in is still being looked up.
    pub(crate) fn takes_what_is_not_final(
        &self,
        tx: &mut Tx<'_>,
        wallet: &Wallet,
        amount: Amount,
        fee: Option<Amount>,
    ) -> Result<bool, StoreError> {
        let gone = amount.plus(fee.unwrap_or(Amount::ZERO));
        let is_more = gone.is_ok_and(|gone| gone > wallet.expected);
        let receives = |row: &AttemptRow| row.kind == AttemptKind::Receipt;
        Ok(is_more && attempts::open(tx, &wallet.name)?.iter().any(receives))
    }
}

pub(super) fn is_over(verdict: &Verdict) -> bool {
    verdict.death.is_some() || verdict.standing == bursar_chain::Standing::Confirmed
}

/// Notes what was said.
pub(super) fn note(
    tx: &mut Tx<'_>,
    row: &mut AttemptRow,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<(), StoreError> {
    row.standing = words(&verdict.standing);
    row.evidence = kept(&verdict.evidence);
    row.death_proof = verdict.death.as_ref().map(|proof| proof_value(proof).to_string().into_bytes());
    row.changed_at = now;
    attempts::update(tx, row)
}
