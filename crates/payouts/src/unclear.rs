//! What may have been paid by a transaction that the records lack, and what is held for it.

use bursar_store::{StoreError, Tx};

use crate::case::{Case, Hand, Particulars};
use crate::life::Event;
use crate::outside::fell_back;
use crate::sql::intents;
use crate::wallet::Wallet;
use crate::{IntentId, IntentState, Payouts};

/// Why an intent is held whose transactions are dead.
pub(crate) const UNCLEAR: &str = "what was signed for it is dead, and it may have been paid by a transaction that the records \
                                  lack: look for one, then ask an operator to release or cancel it";
/// The same, where somebody had given it up.
pub(crate) const UNCLEAR_GIVEN_UP: &str = "it was given up and what was signed for it is dead, but it may have been paid by a \
                                           transaction that the records lack: look for one, then ask an operator to cancel it";

/// How many are read at a time.
const PAGE: i64 = 256;

/// Whether what is held for this may have been paid, for all that the records know.
pub(crate) fn may_have_been_paid(why: &str) -> bool {
    why == UNCLEAR || why == UNCLEAR_GIVEN_UP || fell_back(why)
}

impl Payouts {
    /// RESTORE-NEVER-REPAYS: a person lets a wallet run though its past is unknown. What was signed for and came to nothing
    /// may have been paid since: what waits to be tried again is held, and what is held says so.
    pub(crate) fn hold_signed(
        &self,
        tx: &mut Tx<'_>,
        wallet: &Wallet,
        hand: &Hand<'_>,
    ) -> Result<(), StoreError> {
        let mut after = IntentId(0);
        loop {
            let rows = intents::signed_waiting(tx, &wallet.name, after, PAGE)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.id;
            for row in rows {
                if row.state == IntentState::Held {
                    if !may_have_been_paid(&row.why) {
                        self.say_held_in_backup(tx, row, hand)?;
                    }
                    continue;
                }
                let case = Case::under(tx, wallet.clone(), row.id)?;
                let mut case =
                    case.ok_or_else(|| StoreError::Decode(format!("payout {} is gone", row.id)))?;
                let done = self.change(tx, &mut case, Event::Hold, None, Particulars::why(UNCLEAR), hand)?;
                bursar_store::invariant!(done.is_ok(), "payout {} waits and cannot be held", row.id);
            }
        }
    }
}
