//! Rows of payouts as witnesses read them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row};

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

/// Intents, and attempts with their bytes, that are new or were not over when they were last seen.
pub type Fresh = (Vec<Intent>, Vec<(Signed, Vec<u8>)>);

/// What is new beside what was seen, and what was not over then.
pub fn fresh(
    connection: &Connection,
    intents: &BTreeMap<i64, Intent>,
    attempts: &BTreeMap<i64, Signed>,
) -> rusqlite::Result<Fresh> {
    let snapshot = connection.unchecked_transaction()?;
    let columns = "id, idempotency_key, wallet, destination, amount, state, hold IS NOT NULL";
    let by_id = format!("SELECT {columns} FROM payout_intent WHERE id = ?1");
    let after = format!("SELECT {columns} FROM payout_intent WHERE id > ?1 ORDER BY id");
    let last = intents.keys().next_back().copied().unwrap_or(0);
    let mut new_intents = Vec::new();
    for open in intents.values().filter(|intent| intent.state < super::FINAL) {
        new_intents.extend(snapshot.prepare_cached(&by_id)?.query_row([open.id], intent).optional()?);
    }
    let mut new = snapshot.prepare_cached(&after)?;
    new_intents.extend(new.query_map([last], intent)?.collect::<Result<Vec<_>, _>>()?);
    let columns = "id, intent, kind, transaction_id, state, bytes, imported";
    let by_id = format!("SELECT {columns} FROM payout_attempt WHERE id = ?1");
    let after = format!("SELECT {columns} FROM payout_attempt WHERE id > ?1 ORDER BY id");
    let last = attempts.keys().next_back().copied().unwrap_or(0);
    let mut new_attempts = Vec::new();
    for open in attempts.values().filter(|attempt| attempt.state < 2) {
        new_attempts.extend(snapshot.prepare_cached(&by_id)?.query_row([open.id], attempt).optional()?);
    }
    let mut new = snapshot.prepare_cached(&after)?;
    new_attempts.extend(new.query_map([last], attempt)?.collect::<Result<Vec<_>, _>>()?);
    Ok((new_intents, new_attempts))
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
