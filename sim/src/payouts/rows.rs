//! Rows of payouts as witnesses read them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row};

use crate::watching::Snapshot;

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

impl Intent {
    /// Whether the other is of the same order.
    pub fn is_of_same_order(&self, other: &Intent) -> bool {
        (&self.key, &self.wallet, &self.to, self.amount)
            == (&other.key, &other.wallet, &other.to, other.amount)
    }

    /// Whether the other is this one, brought back by the journal: under its own key, unless that is another's by now.
    pub fn is_back_as(&self, other: &Intent) -> bool {
        let is_own = other.key == self.key || other.key.starts_with("recovered/");
        is_own && (&self.wallet, &self.to, self.amount) == (&other.wallet, &other.to, other.amount)
    }
}

impl Signed {
    /// Whether the other is of the same transaction.
    pub fn is_of_same_transaction(&self, other: &Signed) -> bool {
        Signed { state: self.state, ..other.clone() } == *self
    }
}

/// Everything of payouts in one snapshot.
pub struct Tables {
    pub intents: Vec<Intent>,
    pub attempts: Vec<(Signed, Vec<u8>)>,
    /// What all accounts hold.
    pub held: u128,
    /// What open intents are for, but for those without a hold.
    pub owed: u128,
}

impl Tables {
    /// Reads them.
    pub fn read(connection: &Connection) -> rusqlite::Result<Tables> {
        let snapshot = Snapshot::of(connection)?;
        let sql = format!("SELECT {INTENT} FROM payout_intent ORDER BY id");
        let intents: Vec<Intent> =
            snapshot.prepare_cached(&sql)?.query_map([], intent)?.collect::<Result<_, _>>()?;
        let sql = format!("SELECT {ATTEMPT} FROM payout_attempt ORDER BY id");
        let attempts = snapshot.prepare_cached(&sql)?.query_map([], attempt)?.collect::<Result<_, _>>()?;
        let sql = "SELECT held FROM ledger_account";
        let held =
            snapshot.prepare_cached(sql)?.query_map([], |row| amount(row, 0))?.sum::<Result<_, _>>()?;
        let open = intents.iter().filter(|intent| intent.state < super::FINAL && intent.has_hold);
        let owed = open.map(|intent| intent.amount).sum();
        Ok(Tables { intents, attempts, held, owed })
    }
}

const INTENT: &str = "id, idempotency_key, wallet, destination, amount, state, hold IS NOT NULL";
const ATTEMPT: &str = "id, intent, kind, transaction_id, state, bytes, imported";

/// Intents, and attempts with their bytes, that are new or were not over when they were last seen.
pub type Fresh = (Vec<Intent>, Vec<(Signed, Vec<u8>)>);

/// What is new beside what was seen, and what was not over then.
pub fn fresh(
    connection: &Connection,
    intents: &BTreeMap<i64, Intent>,
    attempts: &BTreeMap<i64, Signed>,
) -> rusqlite::Result<Fresh> {
    let snapshot = Snapshot::of(connection)?;
    let by_id = format!("SELECT {INTENT} FROM payout_intent WHERE id = ?1");
    let after = format!("SELECT {INTENT} FROM payout_intent WHERE id > ?1 ORDER BY id");
    let last = intents.keys().next_back().copied().unwrap_or(0);
    let mut new_intents = Vec::new();
    for open in intents.values().filter(|intent| intent.state < super::FINAL) {
        new_intents.extend(snapshot.prepare_cached(&by_id)?.query_row([open.id], intent).optional()?);
    }
    let mut new = snapshot.prepare_cached(&after)?;
    new_intents.extend(new.query_map([last], intent)?.collect::<Result<Vec<_>, _>>()?);
    let by_id = format!("SELECT {ATTEMPT} FROM payout_attempt WHERE id = ?1");
    let after = format!("SELECT {ATTEMPT} FROM payout_attempt WHERE id > ?1 ORDER BY id");
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
fn intent(row: &Row<'_>) -> rusqlite::Result<Intent> {
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
fn attempt(row: &Row<'_>) -> rusqlite::Result<(Signed, Vec<u8>)> {
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
