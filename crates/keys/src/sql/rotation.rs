//! SQL of rotations of the key-encryption key.

use bursar_store::{Param, Sequence, StoreError, Timestamp, Tx};

use crate::{KekId, KeyId};

const ROTATIONS: Sequence = Sequence("key_rotation");

/// A rotation under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RotationRow {
    pub id: i64,
    pub kek: KekId,
    pub begun_by: String,
    pub begun_at: Timestamp,
    pub moved: i64,
}

/// The rotation that has not ended.
pub(crate) fn under_way(tx: &mut Tx<'_>) -> Result<Option<RotationRow>, StoreError> {
    let sql = "SELECT id, kek, begun_by, begun_at, moved FROM key_rotation WHERE ended_at IS NULL \
               ORDER BY id DESC LIMIT 1";
    tx.query_first(sql, &[], |row| {
        let (id, kek) = (row.get(0)?, KekId::stored(row.get(1)?));
        Ok(RotationRow { id, kek, begun_by: row.get(2)?, begun_at: row.get(3)?, moved: row.get(4)? })
    })
}

/// Begins a rotation in place of any other.
pub(crate) fn begin(
    tx: &mut Tx<'_>,
    kek: &KekId,
    by: &str,
    now: Timestamp,
) -> Result<RotationRow, StoreError> {
    let id = tx.allocate(ROTATIONS, 1)?;
    tx.execute("UPDATE key_rotation SET ended_at = $1 WHERE ended_at IS NULL", &[now.into()])?;
    let sql = "INSERT INTO key_rotation (id, kek, begun_by, begun_at, moved) VALUES ($1, $2, $3, $4, 0)";
    tx.execute(sql, &[id.into(), kek.as_str().into(), by.into(), now.into()])?;
    Ok(RotationRow { id, kek: kek.clone(), begun_by: by.to_owned(), begun_at: now, moved: 0 })
}

/// Counts what a step moved, and ends the rotation when nothing is left.
pub(crate) fn advance(
    tx: &mut Tx<'_>,
    id: i64,
    moved: i64,
    ended_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let sql = "UPDATE key_rotation SET moved = moved + $2, ended_at = $3 WHERE id = $1 AND ended_at IS NULL";
    tx.execute(sql, &[Param::Int(id), Param::Int(moved), ended_at.into()]).map(|_| ())
}

/// Up to `limit` keys whose secrets are not sealed with `kek`, in the order of names, after `after`.
pub(crate) fn keys_elsewhere(
    tx: &mut Tx<'_>,
    kek: &KekId,
    after: &str,
    limit: i64,
) -> Result<Vec<KeyId>, StoreError> {
    let sql = "SELECT key_id FROM key_secret WHERE kek <> $1 AND key_id > $2 ORDER BY key_id LIMIT $3";
    tx.query(sql, &[kek.as_str().into(), after.into(), limit.into()], |row| row.get(0).map(KeyId::stored))
}

/// Each key that is not retired, with the key-encryption key of its secret, in the order of names.
pub(crate) fn sealed_keys(tx: &mut Tx<'_>) -> Result<Vec<(KeyId, KekId)>, StoreError> {
    let sql = "SELECT s.key_id, s.kek FROM key_secret s JOIN key_pair p ON p.id = s.key_id \
               WHERE p.retired_at IS NULL ORDER BY s.key_id";
    tx.query(sql, &[], |row| Ok((KeyId::stored(row.get(0)?), KekId::stored(row.get(1)?))))
}

/// How many secrets each key-encryption key seals.
pub(crate) fn uses(tx: &mut Tx<'_>) -> Result<Vec<(KekId, i64)>, StoreError> {
    let sql = "SELECT kek, COUNT(*) FROM key_secret GROUP BY kek ORDER BY kek";
    tx.query(sql, &[], |row| Ok((KekId::stored(row.get(0)?), row.get(1)?)))
}
