//! What may have been paid by a transaction that the records lack, and what is held for it.

use bursar_audit::Level;
use bursar_store::{StoreError, Tx};
use serde_json::json;

use crate::case::{Case, Hand, Particulars};
use crate::life::Event;
use crate::sql::intents::{self, IntentRow};
use crate::wallet::Wallet;
use crate::{IntentId, IntentState, Payouts, events};

/// Why an intent is held whose transactions are dead.
pub(crate) const UNCLEAR: &str = "what was signed for it is dead, and it may have been paid by a transaction that the records \
                                  lack: look for one, then ask an operator to release or cancel it";
/// The same, where somebody had given it up.
pub(crate) const UNCLEAR_GIVEN_UP: &str = "it was given up and what was signed for it is dead, but it may have been paid by a \
                                           transaction that the records lack: look for one, then ask an operator to cancel it";

/// Why those are held that were asked for from outside and waited.
pub(crate) const WAITED_IN_BACKUP: &str = "it waited in records that fell back, and may have been taken back since, or paid; \
                                           take it back, or ask an operator to release or cancel it";
/// What is put before the reason of those that were held already: whoever releases one must know.
pub(crate) const HELD_IN_BACKUP: &str = "it was held in records that fell back, and may have been taken back since, or paid; \
                                         look for that before it is released. It was held for this: ";

/// How many are read at a time.
const PAGE: i64 = 256;

/// Whether what is held for this may have been paid, for all that the records know.
pub(crate) fn may_have_been_paid(why: &str) -> bool {
    [UNCLEAR, UNCLEAR_GIVEN_UP, WAITED_IN_BACKUP].contains(&why) || why.starts_with(HELD_IN_BACKUP)
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

    /// Puts before what a payout is held for, which its wallet's lock keeps as it is, that it may have been paid.
    pub(crate) fn say_held_in_backup(
        &self,
        tx: &mut Tx<'_>,
        mut row: IntentRow,
        hand: &Hand<'_>,
    ) -> Result<(), StoreError> {
        row.why.insert_str(0, HELD_IN_BACKUP);
        row.changed_at = hand.now;
        intents::update(tx, &row)?;
        let payload = json!({
            "payout": row.public_id.to_string(), "wallet": row.wallet.as_str(), "amount": row.amount.to_string(),
            "from": row.state.name(), "why": row.why,
        });
        let (desk, actor) = (events::desk_of(self, &row.desk), hand.actor.clone());
        let event = events::of_intent(Level::Warn, desk, "payout.held", actor, row.id.0, &payload);
        hand.recorder.record(tx, &[event], hand.now).map(|_| ())
    }
}
