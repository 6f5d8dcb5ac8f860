//! Rows of journals: which ones a wallet is written down in, and how far each has been compared.

use bursar_keys::KeyId;
use bursar_store::{Param, StoreError, Tx};

/// A journal as a wallet knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JournalRow {
    pub journal: String,
    /// How far it has been compared, in bytes.
    pub position: i64,
    /// Whether the wallet was matched with it at hand.
    pub is_known: bool,
}

impl JournalRow {
    /// A journal of which nothing has been compared.
    pub(crate) fn unread(journal: &str) -> JournalRow {
        JournalRow { journal: journal.to_owned(), position: 0, is_known: false }
    }

    /// The same, compared up to `position`.
    pub(crate) fn at(&self, position: u64) -> JournalRow {
        JournalRow { position: i64::try_from(position).unwrap_or(i64::MAX), ..self.clone() }
    }
}

/// The journals of a wallet.
pub(crate) fn of_wallet(tx: &mut Tx<'_>, wallet: &KeyId) -> Result<Vec<JournalRow>, StoreError> {
    let sql = "SELECT journal, position, is_known FROM payout_journal WHERE wallet = $1 ORDER BY journal";
    tx.query(sql, &[wallet.as_str().into()], |row| {
        Ok(JournalRow { journal: row.get(0)?, position: row.get(1)?, is_known: row.get(2)? })
    })
}

/// Stores how a journal stands to a wallet.
pub(crate) fn put(tx: &mut Tx<'_>, wallet: &KeyId, row: &JournalRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO payout_journal (wallet, journal, position, is_known) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (wallet, journal) DO UPDATE SET position = excluded.position, is_known = excluded.is_known";
    let params = [
        Param::Text(wallet.as_str()),
        Param::Text(&row.journal),
        Param::Int(row.position),
        Param::Bool(row.is_known),
    ];
    tx.execute(sql, &params).map(|_| ())
}

/// Forgets the journals of a wallet.
pub(crate) fn forget(tx: &mut Tx<'_>, wallet: &KeyId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM payout_journal WHERE wallet = $1", &[wallet.as_str().into()]).map(|_| ())
}
