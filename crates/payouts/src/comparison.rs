//! The journal that is here, compared with the records to its end.

use bursar_chain::TransactionId;
use bursar_store::{StoreError, Tx};

use crate::send::journaling::{LINES, unreadable};
use crate::sql::attempts;
use crate::sql::journals::{self, JournalRow};
use crate::wallet::Wallet;
use crate::{Outcome, Payouts, Rejection};

/// The journal here, which holds nothing of a wallet that the records lack.
pub(crate) struct Compared {
    /// The row to store of it once the wallet runs by a person's word.
    pub row: JournalRow,
    /// Whether it has lines that cannot be read since it was last compared: each may be a payment.
    is_damaged: bool,
}

impl Compared {
    pub(crate) fn lacks(&self) -> Option<&'static str> {
        self.is_damaged.then_some("lines of the journal cannot be read, and each may be a payment")
    }
}

impl Payouts {
    /// Compares the journal here with the records, to its end; `None` = there is none here. `rows` are those of the
    /// wallet's journals.
    pub(crate) fn compared(
        &self,
        tx: &mut Tx<'_>,
        wallet: &Wallet,
        rows: &[JournalRow],
    ) -> Outcome<Option<Compared>> {
        let Some(journal) = self.parts.journal.as_deref() else { return Ok(Ok(None)) };
        let row = rows.iter().find(|row| row.journal == journal.id()).cloned();
        let row = row.unwrap_or_else(|| JournalRow::unread(journal.id()));
        let mut position = u64::try_from(row.position).unwrap_or(0);
        if position > journal.length().map_err(unreadable)? {
            return Ok(Err(Rejection::JournalNotCompared("the journal is shorter than it was")));
        }
        let mut is_damaged = false;
        loop {
            let page = journal.page(position, LINES).map_err(unreadable)?;
            is_damaged |= page.damaged > 0;
            for record in page.records.iter().filter(|record| record.wallet == wallet.name.as_str()) {
                let id = TransactionId::from_canonical(record.transaction.clone());
                if attempts::by_transaction(tx, &id)?.is_none() {
                    let why = "the journal holds transactions of it that are missing here";
                    return Ok(Err(Rejection::JournalNotCompared(why)));
                }
            }
            position = page.next;
            if !page.is_more {
                let row = JournalRow { is_known: true, ..row.at(position) };
                return Ok(Ok(Some(Compared { row, is_damaged })));
            }
        }
    }

    /// Whether the journal here was seen by this process to hold nothing of a wallet that the records lack. They may have been
    /// put back untold before it started, and no sender has looked yet.
    pub(crate) fn agrees_with_journal(&self, tx: &mut Tx<'_>, wallet: &Wallet) -> Result<bool, StoreError> {
        let Some(journal) = self.parts.journal.as_deref() else { return Ok(true) };
        if journal.is_compared(wallet.name.as_str()) {
            return Ok(true);
        }
        let rows = journals::of_wallet(tx, &wallet.name)?;
        let compared = self.compared(tx, wallet, &rows)?;
        let agrees = compared.is_ok_and(|here| here.is_some_and(|here| here.lacks().is_none()));
        if agrees {
            journal.note_compared(wallet.name.as_str());
        }
        Ok(agrees)
    }
}
