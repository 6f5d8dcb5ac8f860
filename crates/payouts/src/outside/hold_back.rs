//! After a restore: what was asked for from outside and waits in the backup does not go on by itself
//! (docs/spec/platform.md P9).

use bursar_audit::Level;
use bursar_store::{StoreError, Tx};
use serde_json::json;

use crate::case::{Case, Hand, Particulars};
use crate::life::Event;
use crate::sql::intents::{self, IntentRow};
use crate::wallet::Wallet;
use crate::{Payouts, events};

/// How many are held at a time.
const HELD_AT_ONCE: i64 = 256;

/// Why they are held.
const WAITED_IN_BACKUP: &str = "it waited in records that fell back, and may have been taken back since, or paid; take it \
                                back, or ask an operator to release or cancel it";

/// What is put before the reason of those that are held there already: whoever releases one must know.
const HELD_IN_BACKUP: &str = "it was held in records that fell back, and may have been taken back since, or paid; look for \
                              that before it is released. It was held for this: ";

/// Whether what is held for this may have been paid, for all that the records know.
pub(crate) fn fell_back(why: &str) -> bool {
    why == WAITED_IN_BACKUP || why.starts_with(HELD_IN_BACKUP)
}

impl Payouts {
    /// Holds the oldest intents of a wallet that wait in a backup: the caller may have taken them back since, and have had
    /// the same paid under another key. Those that are held already say so as well. Says whether there were any.
    pub(crate) fn hold_back(
        &self,
        tx: &mut Tx<'_>,
        wallet: &Wallet,
        hand: &Hand<'_>,
    ) -> Result<bool, StoreError> {
        let waiting = intents::outside_waiting(tx, &wallet.name, HELD_AT_ONCE)?;
        for id in &waiting {
            let case = Case::under(tx, wallet.clone(), *id)?;
            let mut case = case.ok_or_else(|| StoreError::Decode(format!("payout {id} is gone")))?;
            let why = Particulars::why(WAITED_IN_BACKUP);
            let done = self.change(tx, &mut case, Event::Hold, None, why, hand)?;
            bursar_store::invariant!(done.is_ok(), "payout {id} waits and cannot be held");
        }
        if !waiting.is_empty() {
            return Ok(true);
        }
        let held = intents::outside_held(tx, &wallet.name, WAITED_IN_BACKUP, HELD_IN_BACKUP, HELD_AT_ONCE)?;
        for id in &held {
            let row = intents::locked(tx, *id)?;
            let row = row.ok_or_else(|| StoreError::Decode(format!("payout {id} is gone")))?;
            self.say_held_in_backup(tx, row, hand)?;
        }
        Ok(!held.is_empty())
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
