//! Rows of notices that wait to be delivered.

use std::sync::LazyLock;

use bursar_store::Column::{Int, Text, Time, Uuid as UuidColumn};
use bursar_store::{Bulk, Param, Sequence, StoreError, Timestamp, Tx};
use uuid::Uuid;

use crate::IntentId;
use crate::webhook::Notice;

/// Their numbers.
pub(crate) const NOTICES: Sequence = Sequence("payout_webhook");

static INSERT: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("public_id", UuidColumn),
        ("intent", Int),
        ("body", Text),
        ("attempts", Int),
        ("next_at", Time),
    ];
    Bulk::insert("payout_webhook", &columns)
});

/// A notice to be stored.
pub(crate) struct NewNotice {
    pub number: i64,
    pub id: Uuid,
    pub intent: IntentId,
    pub body: String,
}

/// Adds notices that are due now.
pub(crate) fn insert(tx: &mut Tx<'_>, notices: &[NewNotice], now: Timestamp) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(notices.len() * 6);
    for NewNotice { number, id, intent, body } in notices {
        rows.extend([Param::Int(*number), Param::Uuid(*id), Param::Int(intent.0)]);
        rows.extend([Param::Text(body), Param::Int(0), Param::Time(now)]);
    }
    tx.execute_many(&INSERT, &rows).map(|_| ())
}

/// Those that are due, each the oldest of its payout, put off until `until`; in the order of their numbers.
pub(crate) fn claim(
    tx: &mut Tx<'_>,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Notice>, StoreError> {
    // The outer condition is checked again on a row that another claim has just moved.
    let sql = "UPDATE payout_webhook SET next_at = $2 WHERE next_at <= $1 AND id IN \
               (SELECT due.id FROM payout_webhook due WHERE due.next_at <= $1 AND NOT EXISTS \
               (SELECT 1 FROM payout_webhook older WHERE older.intent = due.intent AND older.id < due.id) \
               ORDER BY due.next_at, due.id LIMIT $3) RETURNING id, intent, public_id, attempts, body";
    let mut notices = tx.query(sql, &[now.into(), until.into(), limit.into()], |row| {
        Ok(Notice {
            number: row.get(0)?,
            intent: IntentId(row.get(1)?),
            id: row.get(2)?,
            attempts: row.get(3)?,
            body: row.get(4)?,
        })
    })?;
    notices.sort_by_key(|notice| notice.number);
    Ok(notices)
}

/// When the next of those falls due that nothing older stands before.
pub(crate) fn next_at(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT due.next_at FROM payout_webhook due WHERE NOT EXISTS \
               (SELECT 1 FROM payout_webhook older WHERE older.intent = due.intent AND older.id < due.id) \
               ORDER BY due.next_at LIMIT 1";
    tx.query_first(sql, &[], |row| row.get(0))
}

/// Takes one out.
pub(crate) fn delete(tx: &mut Tx<'_>, number: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM payout_webhook WHERE id = $1", &[number.into()]).map(|_| ())
}

/// Counts a failure and sets when it is tried again.
pub(crate) fn put_off(tx: &mut Tx<'_>, notice: &Notice, next_at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE payout_webhook SET attempts = $2, next_at = $3 WHERE id = $1";
    tx.execute(sql, &[notice.number.into(), notice.attempts.saturating_add(1).into(), next_at.into()])
        .map(|_| ())
}

/// Takes out what was due before then.
pub(crate) fn delete_before(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM payout_webhook WHERE next_at < $1", &[before.into()])
}
