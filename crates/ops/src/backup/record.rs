//! What the database remembers of backups and restores, so that every process shows it.

use bursar_store::{Param, Row, StoreError, Timestamp, Tx};

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Making backups.
    Create,
    /// Proving that they restore.
    Verify,
}

impl Work {
    /// All kinds.
    pub const ALL: [Work; 2] = [Work::Create, Work::Verify];

    /// Its stored name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Work::Create => "create",
            Work::Verify => "verify",
        }
    }
}

/// How one kind of work is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkRow {
    /// The kind.
    pub work: Work,
    /// The backup that it last succeeded with.
    pub backup: Option<String>,
    /// When it last succeeded.
    pub succeeded_at: Option<Timestamp>,
    /// Size of that backup, in bytes.
    pub bytes: Option<i64>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<i64>,
    /// How often it failed.
    pub failures: i64,
    /// When it last failed.
    pub failed_at: Option<Timestamp>,
    /// Why.
    pub last_error: Option<String>,
}

/// Every kind of work that was ever done.
///
/// # Errors
/// The store's.
pub fn work_rows(tx: &mut Tx<'_>) -> Result<Vec<WorkRow>, StoreError> {
    let sql = "SELECT work, backup, succeeded_at, bytes, took_ms, failures, failed_at, last_error FROM ops_backup \
               ORDER BY work";
    tx.query(sql, &[], read_row)
}

fn read_row(row: &Row<'_>) -> Result<WorkRow, StoreError> {
    let name: String = row.get(0)?;
    let work = Work::ALL.into_iter().find(|work| work.name() == name);
    Ok(WorkRow {
        work: work.ok_or_else(|| StoreError::Decode(format!("kind of work {name:?}")))?,
        backup: row.get(1)?,
        succeeded_at: row.get(2)?,
        bytes: row.get(3)?,
        took_ms: row.get(4)?,
        failures: row.get(5)?,
        failed_at: row.get(6)?,
        last_error: row.get(7)?,
    })
}

/// The backups that were proven to restore, newest first and at most `limit`, with the one that was proven last whichever
/// that is. Backups of every target are among them.
///
/// # Errors
/// The store's.
pub fn proven_backups(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT backup FROM ops_backup_proof ORDER BY backup DESC LIMIT $1";
    let mut proven: Vec<String> = tx.query(sql, &[limit.into()], |row| row.get(0))?;
    // The one that was proven before proofs had rows of their own.
    let sql = "SELECT backup FROM ops_backup WHERE work = 'verify' AND backup IS NOT NULL";
    let last: Option<String> = tx.query_first(sql, &[], |row| row.get(0))?;
    proven.extend(last);
    proven.sort_unstable_by(|one, other| other.cmp(one));
    proven.dedup();
    Ok(proven)
}

/// Notes that `work` succeeded with `backup` of so many `bytes`.
///
/// # Errors
/// The store's.
pub fn note_success(
    tx: &mut Tx<'_>,
    work: Work,
    backup: &str,
    bytes: u64,
    took_ms: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    let sql = "INSERT INTO ops_backup (work, backup, succeeded_at, bytes, took_ms, failures) \
               VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (work) DO UPDATE SET backup = excluded.backup, \
               succeeded_at = excluded.succeeded_at, bytes = excluded.bytes, took_ms = excluded.took_ms";
    let params = [work.name().into(), backup.into(), now.into(), bytes.into(), took_ms.into()];
    tx.execute(sql, &params)?;
    match work {
        Work::Create => Ok(()),
        Work::Verify => {
            let sql = "INSERT INTO ops_backup_proof (backup, proven_at) VALUES ($1, $2) \
                       ON CONFLICT (backup) DO UPDATE SET proven_at = excluded.proven_at";
            tx.execute(sql, &[backup.into(), now.into()]).map(|_| ())
        }
    }
}

/// Notes that `work` failed.
///
/// # Errors
/// The store's.
pub fn note_failure(tx: &mut Tx<'_>, work: Work, why: &str, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO ops_backup (work, failures, failed_at, last_error) VALUES ($1, 1, $2, $3) \
               ON CONFLICT (work) DO UPDATE SET failures = ops_backup.failures + 1, \
               failed_at = excluded.failed_at, last_error = excluded.last_error";
    tx.execute(sql, &[work.name().into(), now.into(), why.into()]).map(|_| ())
}

/// One restore that this database has been through. What happened between `taken_at` and `restored_at` is missing from
/// it, although it may have happened outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// 1 for the first restore in the life of the data.
    pub generation: i64,
    /// The backup.
    pub backup: String,
    /// BLAKE3 of its manifest, 32 bytes.
    pub manifest: Vec<u8>,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The last transfer that it held; 0 = none.
    pub last_transfer: i64,
    /// When it was restored.
    pub restored_at: Timestamp,
    /// By whom.
    pub restored_by: String,
    /// Why.
    pub reason: String,
}

/// Every restore, oldest first. Whoever pays outside stands still until it has matched the newest one.
///
/// # Errors
/// The store's.
pub fn generations(tx: &mut Tx<'_>) -> Result<Vec<Generation>, StoreError> {
    let sql = "SELECT generation, backup, manifest, taken_at, last_transfer, restored_at, restored_by, reason \
               FROM ops_restore ORDER BY generation";
    tx.query(sql, &[], |row| {
        Ok(Generation {
            generation: row.get(0)?,
            backup: row.get(1)?,
            manifest: row.get(2)?,
            taken_at: row.get(3)?,
            last_transfer: row.get(4)?,
            restored_at: row.get(5)?,
            restored_by: row.get(6)?,
            reason: row.get(7)?,
        })
    })
}

/// Writes the next generation and returns its number.
pub(super) fn add_generation(
    tx: &mut Tx<'_>,
    backup: &str,
    manifest: &blake3::Hash,
    times: [Timestamp; 2],
    by: [&str; 2],
) -> Result<i64, StoreError> {
    let one = |found: Option<Option<i64>>| found.flatten().unwrap_or(0);
    let newest = tx.query_first("SELECT MAX(generation) FROM ops_restore", &[], |row| row.get(0))?;
    let last = tx.query_first("SELECT MAX(id) FROM ledger_transfer", &[], |row| row.get(0))?;
    let generation = one(newest).saturating_add(1);
    let sql = "INSERT INTO ops_restore \
               (generation, backup, manifest, taken_at, last_transfer, restored_at, restored_by, reason) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let ([taken_at, restored_at], [restored_by, reason]) = (times, by);
    let params = [
        Param::Int(generation),
        backup.into(),
        Param::Bytes(manifest.as_bytes()),
        taken_at.into(),
        one(last).into(),
        restored_at.into(),
        restored_by.into(),
        reason.into(),
    ];
    tx.execute(sql, &params)?;
    Ok(generation)
}
