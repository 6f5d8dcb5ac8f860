//! What the records know of the past of a wallet: whose a transaction is, and which payouts the journal alone brought back.

use bursar_chain::{Chain, TransactionId};
use bursar_keys::KeyId;
use bursar_store::{StoreError, Tx};

use crate::outside::is_outside;
use crate::pages::{PAGE_MAX, PayoutShown, shown};
use crate::sql::journals::JournalRow;
use crate::sql::{attempts, heads, intents};
use crate::wallet::Wallet;
use crate::{IntentId, Payouts};

/// A transaction that the records have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownTransaction {
    /// Its number, ascending in commit order.
    pub number: i64,
    /// Whether it came from the journal after a restore.
    pub is_imported: bool,
}

/// Up to where the records reach at a moment. Numbers, as clocks may be set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The newest payout.
    pub intent: IntentId,
    /// Number of the newest transaction of any wallet.
    pub transaction: i64,
}

impl Reach {
    /// What they hold now. Whoever holds a wallet locked sees all that was signed for it.
    pub fn now(tx: &mut Tx<'_>) -> Result<Reach, StoreError> {
        let intent = IntentId(tx.allocated(intents::INTENTS)?);
        Ok(Reach { intent, transaction: tx.allocated(attempts::ATTEMPTS)? })
    }
}

/// A page of payouts that the journal alone brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroughtBack {
    /// Up to 200 of them.
    pub payouts: Vec<PayoutShown>,
    /// After which one the next page begins; `None` = this is the last.
    pub next: Option<IntentId>,
}

impl Payouts {
    /// A transaction that was signed for a wallet here, or taken over from the journal; `None` = the records lack it.
    pub fn transaction(
        &self,
        tx: &mut Tx<'_>,
        id: &TransactionId,
    ) -> Result<Option<KnownTransaction>, StoreError> {
        let row = attempts::by_transaction(tx, id)?;
        Ok(row.map(|row| KnownTransaction { number: row.id, is_imported: row.is_imported }))
    }

    /// Whether the records hold all that was ever signed for a wallet, as far as they and the journal here tell; else its
    /// payouts that count as unpaid may have been paid (RESTORE-NEVER-REPAYS).
    pub(crate) fn knows_past(&self, tx: &mut Tx<'_>, wallet: &Wallet) -> Result<bool, StoreError> {
        let generation = (self.parts.generation)(tx)?;
        Ok(wallet.knows_its_past(generation) && self.agrees_with_journal(tx, wallet)?)
    }

    /// Whether the records know a transaction of a wallet's account: from the first match, or as they signed it.
    pub(crate) fn knows(
        &self,
        tx: &mut Tx<'_>,
        wallet: &KeyId,
        id: &TransactionId,
    ) -> Result<bool, StoreError> {
        let Some(head) = heads::of_wallet(tx, wallet)? else { return Ok(true) };
        Ok(head == id.as_str() || attempts::by_transaction(tx, id)?.is_some())
    }

    /// Whether the records know what the account's history ends in. That it ends in nothing is no answer for an account that
    /// has a history, where its chain tells one.
    pub(crate) fn knows_end(
        &self,
        tx: &mut Tx<'_>,
        wallet: &KeyId,
        chain: &dyn Chain,
        newest: Option<&TransactionId>,
    ) -> Result<bool, StoreError> {
        if let Some(newest) = newest {
            return self.knows(tx, wallet, newest);
        }
        if chain.history().is_none() {
            return Ok(true);
        }
        let began_empty = heads::of_wallet(tx, wallet)?.is_none_or(|head| head.is_empty());
        Ok(began_empty && !attempts::was_any_signed(tx, wallet)?)
    }

    /// Why the journal here may lack something that a wallet signed before a restore, by the journals that the wallet was
    /// written down in; `None` = it is the only one, and was whole when the wallet was matched with it.
    pub(crate) fn journal_lacks(&self, rows: &[JournalRow]) -> Option<&'static str> {
        let own = self.parts.journal.as_deref();
        if !rows.iter().all(|row| own.is_some_and(|own| own.id() == row.journal)) {
            return Some("it was written down in a journal that is not here");
        }
        if rows.is_empty() || !rows.iter().all(|row| row.is_known) {
            return Some(
                "the records know no whole journal of it, as if it was begun later, cut short or damaged",
            );
        }
        None
    }

    /// Payouts of a wallet that the journal alone brought back, and that its desk ordered itself: those under way and those
    /// that are over, after one of them, oldest first. Nothing was ever held for them.
    pub fn brought_back(
        &self,
        tx: &mut Tx<'_>,
        wallet: &KeyId,
        after: IntentId,
    ) -> Result<BroughtBack, StoreError> {
        let found = intents::without_hold(tx, wallet, after, PAGE_MAX)?;
        let is_full = i64::try_from(found.len()).is_ok_and(|length| length == PAGE_MAX);
        let next = found.last().map(|row| row.id).filter(|_| is_full);
        let own = found.into_iter().filter(|row| !is_outside(&row.key));
        let payouts = own.map(|row| shown(tx, row)).collect::<Result<_, _>>()?;
        Ok(BroughtBack { payouts, next })
    }

    /// Gives a payout that the journal alone brought back the desk's own row of it, which hears of it from then on. Its
    /// wallet is locked.
    pub fn refer(&self, tx: &mut Tx<'_>, intent: IntentId, reference: i64) -> Result<(), StoreError> {
        intents::refer(tx, intent, reference)
    }
}
