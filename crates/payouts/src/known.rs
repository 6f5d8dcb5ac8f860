//! What the records know of the past of a wallet: whose a transaction is, and which payouts the journal alone brought back.

use bursar_chain::TransactionId;
use bursar_keys::KeyId;
use bursar_store::{StoreError, Timestamp, Tx};

use crate::Payouts;
use crate::outside::is_outside;
use crate::pages::{PayoutShown, shown};
use crate::sql::{attempts, intents};

/// A transaction that the records have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownTransaction {
    /// When it was signed.
    pub signed_at: Timestamp,
    /// Whether it came from the journal after a restore.
    pub is_imported: bool,
}

impl Payouts {
    /// A transaction that was signed for a wallet here, or taken over from the journal; `None` = the records lack it.
    pub fn transaction(
        &self,
        tx: &mut Tx<'_>,
        id: &TransactionId,
    ) -> Result<Option<KnownTransaction>, StoreError> {
        let row = attempts::by_transaction(tx, id)?;
        Ok(row.map(|row| KnownTransaction { signed_at: row.signed_at, is_imported: row.is_imported }))
    }

    /// Payouts of a wallet that the journal alone brought back at `since` or later, and that its desk ordered itself: those
    /// under way and those that are over, oldest first. Nothing was ever held for them.
    pub fn brought_back(
        &self,
        tx: &mut Tx<'_>,
        wallet: &KeyId,
        since: Timestamp,
    ) -> Result<Vec<PayoutShown>, StoreError> {
        let found = intents::without_hold(tx, wallet, since)?;
        let own = found.into_iter().filter(|row| !is_outside(&row.key));
        own.map(|row| shown(tx, row)).collect()
    }
}
