//! Rows of payouts as their witness reads them.

use rusqlite::Row;

/// A row of `payout_intent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub id: i64,
    pub key: String,
    pub wallet: String,
    pub to: String,
    pub amount: u128,
    pub state: i64,
    /// Without one it came back from the journal: it is paid by what was signed, or fails.
    pub has_hold: bool,
}

/// A row of `payout_attempt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub id: i64,
    pub intent: Option<i64>,
    pub kind: i64,
    pub transaction: String,
    pub state: i64,
    /// It came from the journal.
    pub is_imported: bool,
}

/// Reads an intent.
pub fn intent(row: &Row<'_>) -> rusqlite::Result<Intent> {
    Ok(Intent {
        id: row.get(0)?,
        key: row.get(1)?,
        wallet: row.get(2)?,
        to: row.get(3)?,
        amount: amount(row, 4)?,
        state: row.get(5)?,
        has_hold: row.get(6)?,
    })
}

/// Reads an attempt with its bytes.
pub fn attempt(row: &Row<'_>) -> rusqlite::Result<(Signed, Vec<u8>)> {
    let signed = Signed {
        id: row.get(0)?,
        intent: row.get(1)?,
        kind: row.get(2)?,
        transaction: row.get(3)?,
        state: row.get(4)?,
        is_imported: row.get(6)?,
    };
    Ok((signed, row.get(5)?))
}

/// Reads an amount.
pub fn amount(row: &Row<'_>, at: usize) -> rusqlite::Result<u128> {
    row.get(at).map(u128::from_be_bytes)
}
