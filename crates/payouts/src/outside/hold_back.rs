//! After a restore: what was asked for from outside and waits in the backup does not go on by itself
//! (docs/spec/platform.md P9).

use bursar_store::{StoreError, Tx};

use crate::Payouts;
use crate::case::{Case, Hand, Particulars};
use crate::life::Event;
use crate::sql::intents;
use crate::unclear::{HELD_IN_BACKUP, WAITED_IN_BACKUP};
use crate::wallet::Wallet;

/// How many are held at a time.
const HELD_AT_ONCE: i64 = 256;

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
}
