//! Whether the records know what a wallet's account ended in, when somebody calls a transaction of it dead.

use bursar_chain::TransactionId;
use bursar_store::{StoreError, Tx};
use serde_json::json;

use super::resolve::Resolution;
use crate::case::{Case, Hand};
use crate::send::outrun::UNTOLD_END;
use crate::send::taker::is_taker_known;
use crate::{Outcome, Payouts, Rejection};

/// RESTORE-NEVER-REPAYS: once the last of its transactions is called dead a payout counts as unpaid, and it may have been paid
/// since, if the records fell back and nobody told. So what the account ended in is compared, as it was when the transaction was
/// looked at. `Some` = the records lack it.
///
/// # Errors
/// [`Rejection::ChainSilent`]: the nodes did not tell. Nothing could be signed then either.
pub(super) fn unknown_end(
    payouts: &Payouts,
    tx: &mut Tx<'_>,
    case: &Case,
    resolution: &Resolution,
) -> Outcome<Option<TransactionId>> {
    let Resolution::Dead { sight, .. } = resolution else { return Ok(Ok(None)) };
    let living = case.attempts.iter().filter(|row| row.state.is_alive()).count();
    if living > 1 || case.intent.hold.is_none() || !payouts.knows_past(tx, &case.wallet)? {
        return Ok(Ok(None));
    }
    // What is unknown in the transaction's own place says enough.
    if !is_taker_known(tx, sight.proof())? {
        return Ok(Ok(None));
    }
    let Some(rules) = payouts.chain(&case.wallet.chain) else {
        return Ok(Err(Rejection::ChainUnknown(case.wallet.chain.clone())));
    };
    let newest = match sight.death().and_then(|_| sight.end()) {
        Ok(newest) => newest,
        Err(rejection) => return Ok(Err(rejection)),
    };
    if payouts.knows_end(tx, &case.wallet.name, &*rules.chain, newest)? {
        return Ok(Ok(None));
    }
    Ok(newest.cloned().map(Some).ok_or_else(|| Rejection::ChainSilent(UNTOLD_END.to_owned())))
}

impl Payouts {
    /// The records lack what the account ended in: nothing leaves the wallet, and nothing of it is freed, until it is compared.
    pub(super) fn doubt_end(
        &self,
        tx: &mut Tx<'_>,
        case: &mut Case,
        newest: &TransactionId,
        hand: &Hand<'_>,
    ) -> Result<(), StoreError> {
        let why = format!(
            "its account ends in {newest}, which the records do not know: they fell back to an older state, or somebody else \
             has the key"
        );
        self.doubt_case(tx, case, &json!({ "newest": newest.as_str(), "why": why }), why, hand)
    }
}
