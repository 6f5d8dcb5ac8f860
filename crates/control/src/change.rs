//! Recorded changes of switches and settings, and folding each into the audit log exactly once.

use bursar_store::{StoreError, Timestamp, Tx};

/// One change, as the trigger recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub id: i64,
    /// Desk, or `platform`.
    pub desk: String,
    /// Which switch or setting.
    pub key: String,
    /// What it was.
    pub old: Option<String>,
    /// What it is; `None` = the row was deleted.
    pub new: Option<String>,
    /// `operator`, `environment`, `default`, or `sql` for a hand-typed statement.
    pub source: Option<String>,
    /// Who, when known.
    pub actor: Option<String>,
    /// Why, when said.
    pub reason: Option<String>,
    /// The database role, on PostgreSQL.
    pub db_role: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Up to `limit` changes that are not in the audit log yet, oldest first. Call it in the transaction that folds them.
pub fn unfolded_changes(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Change>, StoreError> {
    let sql = "SELECT id, desk, key, old, new, source, actor, reason, db_role, at FROM control_changes \
               WHERE folded_event IS NULL ORDER BY id LIMIT $1";
    tx.query(sql, &[limit.into()], |row| {
        Ok(Change {
            id: row.get(0)?,
            desk: row.get(1)?,
            key: row.get(2)?,
            old: row.get(3)?,
            new: row.get(4)?,
            source: row.get(5)?,
            actor: row.get(6)?,
            reason: row.get(7)?,
            db_role: row.get(8)?,
            at: row.get(9)?,
        })
    })
}

/// Marks changes as folded into the audit events of the same places of `events`.
pub fn fold_changes(tx: &mut Tx<'_>, changes: &[Change], events: &[i64]) -> Result<(), StoreError> {
    if changes.len() != events.len() {
        let text = format!("{} changes folded into {} events", changes.len(), events.len());
        return Err(StoreError::Statement(text));
    }
    for (change, event) in changes.iter().zip(events) {
        let sql = "UPDATE control_changes SET folded_event = $2 WHERE id = $1 AND folded_event IS NULL";
        if tx.execute(sql, &[change.id.into(), (*event).into()])? != 1 {
            return Err(StoreError::Conflict(format!("change {} was folded by another process", change.id)));
        }
    }
    Ok(())
}
