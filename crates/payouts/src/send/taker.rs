//! What stands in the place of a dead transaction, and what is done where the records lack it.

use bursar_chain::DeathProof;
use bursar_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::case::{Case, Hand};
use crate::sql::{self, attempts};
use crate::{Payouts, events};

/// Whether the records know what stands in the place of a dead transaction, if the proof of its death names it.
pub(crate) fn is_taker_known(tx: &mut Tx<'_>, proof: Option<&DeathProof>) -> Result<bool, StoreError> {
    let Some(taker) = proof.and_then(|proof| proof.taken_by.as_ref()) else { return Ok(true) };
    Ok(attempts::by_transaction(tx, taker)?.is_some())
}

impl Payouts {
    /// RESTORE-NEVER-REPAYS: what stands in the place of a dead transaction may have paid for it, if the records lack it.
    pub(crate) fn look_at_taker(
        &self,
        tx: &mut Tx<'_>,
        case: &mut Case,
        proof: &DeathProof,
        hand: &Hand<'_>,
    ) -> Result<(), StoreError> {
        let Some(taker) = &proof.taken_by else { return Ok(()) };
        if case.life().is_unclear || is_taker_known(tx, Some(proof))? {
            return Ok(());
        }
        let why = format!(
            "{taker}, which the records do not know, stands in the place of {}: they fell back to an older state, or somebody \
             else has the key",
            proof.attempt
        );
        self.doubt_case(tx, case, &json!({ "takenBy": taker.as_str(), "why": why }), why.clone(), hand)
    }

    /// The records of a case's wallet lack what its account did: nothing leaves it, and nothing of it is freed.
    pub(crate) fn doubt_case(
        &self,
        tx: &mut Tx<'_>,
        case: &mut Case,
        seen: &Value,
        why: String,
        hand: &Hand<'_>,
    ) -> Result<(), StoreError> {
        case.wallet.distrust(why, hand.now);
        case.wallet.doubt_records();
        sql::wallets::update(tx, &case.wallet)?;
        let event = events::wallet_stopped(self, &case.wallet, seen);
        hand.recorder.record(tx, &[event], hand.now).map(|_| ())
    }
}
