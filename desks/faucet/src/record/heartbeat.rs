//! When each phase of the scheduler last ran, and what came of it.

use bursar_store::{Row, StoreError, Timestamp, Tx};

/// Longest error text that is kept, in characters.
const ERROR_MAX: usize = 500;

/// The newest run of a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The phase, such as `accrual`.
    pub job: String,
    /// When its newest run began.
    pub ran_at: Timestamp,
    /// When a run last ended well.
    pub last_ok_at: Option<Timestamp>,
    /// `started`, `ok`, `error` or `halted`.
    pub status: String,
    /// The process that ran it.
    pub process: String,
    /// What went wrong.
    pub error: Option<String>,
}

impl Heartbeat {
    /// Every phase that has run.
    pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Heartbeat>, StoreError> {
        let sql = "SELECT job, ran_at, last_ok_at, status, process, error FROM faucet_heartbeat ORDER BY job";
        tx.query(sql, &[], read)
    }

    /// The newest run of one phase.
    pub fn find(tx: &mut Tx<'_>, job: &str) -> Result<Option<Heartbeat>, StoreError> {
        let sql =
            "SELECT job, ran_at, last_ok_at, status, process, error FROM faucet_heartbeat WHERE job = $1";
        tx.query_first(sql, &[job.into()], read)
    }

    /// Notes a run; the time of the last success stays when it failed.
    pub fn save(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let error: Option<String> = self.error.as_ref().map(|error| error.chars().take(ERROR_MAX).collect());
        let sql = "INSERT INTO faucet_heartbeat (job, ran_at, last_ok_at, status, process, error) \
                   VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (job) DO UPDATE SET ran_at = excluded.ran_at, \
                     last_ok_at = COALESCE(excluded.last_ok_at, faucet_heartbeat.last_ok_at), \
                     status = excluded.status, process = excluded.process, error = excluded.error";
        let params = [
            self.job.as_str().into(),
            self.ran_at.into(),
            self.last_ok_at.into(),
            self.status.as_str().into(),
            self.process.as_str().into(),
            error.as_deref().into(),
        ];
        tx.execute(sql, &params).map(|_| ())
    }
}

fn read(row: &Row<'_>) -> Result<Heartbeat, StoreError> {
    Ok(Heartbeat {
        job: row.get(0)?,
        ran_at: row.get(1)?,
        last_ok_at: row.get(2)?,
        status: row.get(3)?,
        process: row.get(4)?,
        error: row.get(5)?,
    })
}
