//! What the chain shows of one transaction right now, and whether that lets a person call it dead.

use bursar_chain::{DeathProof, Evidence, Standing, TransactionId};
use serde_json::Value;

use crate::send::conclude::proof_value;
use crate::send::judge::{Verdict, judge, word, words};
use crate::send::outrun::newest_of;
use crate::sql::attempts;
use crate::{Outcome, Payouts, Rejection, sql};

/// One fresh look at a transaction. Nobody's word kills one that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionSight {
    transaction: TransactionId,
    verdict: Verdict,
    /// Proof by fewer nodes than must agree.
    hint: Option<DeathProof>,
    /// Whether the account's open slot is the transaction's own.
    is_slot_free: bool,
    /// What the account ended in just before; `Err` = why it could not be asked for.
    end: Result<Option<TransactionId>, String>,
}

impl Payouts {
    /// Looks at a transaction of a payout. Asks nodes, so it is called outside any transaction of the store.
    pub fn look_at(&self, transaction: &TransactionId) -> Outcome<TransactionSight> {
        let found = self.parts.store.read("payouts.look_at", |tx| {
            let Some(attempt) = attempts::by_transaction(tx, transaction)? else { return Ok(None) };
            let wallet = sql::wallets::load(tx, &[&attempt.wallet])?.into_iter().next();
            Ok(wallet.map(|wallet| (attempt.transaction, wallet)))
        })?;
        let Some((attempt, wallet)) = found else { return Ok(Err(Rejection::AttemptUnknown)) };
        let Some(rules) = self.chain(&wallet.chain) else {
            return Ok(Err(Rejection::ChainUnknown(wallet.chain)));
        };
        let chain = &*rules.chain;
        let state = chain.sender_state(&wallet.address);
        let end = match &state {
            Ok(state) => Ok(state.newest.clone()),
            Err(_) => newest_of(chain, &wallet.address).map_err(|error| error.to_string()),
        };
        // The transaction is asked for last: whatever the account was then, this is newer.
        let evidence = chain.look_up(&attempt);
        let hint = chain.hint_dead(&attempt, &evidence).ok().filter(|proof| proof.attempt == attempt.id);
        Ok(Ok(TransactionSight {
            hint,
            is_slot_free: state.as_ref().is_ok_and(|state| state.slot == attempt.slot),
            end,
            verdict: judge(chain, &attempt, evidence),
            transaction: attempt.id,
        }))
    }
}

impl TransactionSight {
    /// Which transaction.
    #[must_use]
    pub fn transaction(&self) -> &TransactionId {
        &self.transaction
    }

    /// Why it is dead, by as many nodes as must agree or by fewer.
    pub(super) fn proof(&self) -> Option<&DeathProof> {
        self.verdict.death.as_ref().or(self.hint.as_ref())
    }

    pub(super) fn evidence(&self) -> &Evidence {
        &self.verdict.evidence
    }

    /// The proof that it is dead, by as many nodes as must agree or, if a person vouches for the rest, by fewer.
    pub(super) fn death(&self) -> Result<Value, Rejection> {
        let says = words(&self.verdict.standing);
        if matches!(self.verdict.standing, Standing::Confirmed | Standing::Pending) {
            return Err(Rejection::TransactionLives(word(&says).to_owned()));
        }
        if let Some(proof) = &self.verdict.death {
            return Ok(proof_value(proof));
        }
        if self.is_slot_free {
            return Err(Rejection::SlotFree);
        }
        match (&self.hint, &self.end) {
            (Some(proof), _) => Ok(proof_value(proof)),
            (None, Err(why)) => Err(Rejection::ChainSilent(why.clone())),
            (None, Ok(_)) => Err(Rejection::NotProvenDead(says)),
        }
    }

    /// What the account ended in just before.
    pub(super) fn end(&self) -> Result<Option<&TransactionId>, Rejection> {
        self.end.as_ref().map(Option::as_ref).map_err(|why| Rejection::ChainSilent(why.clone()))
    }
}
