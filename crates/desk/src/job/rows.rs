//! The rows that say how each job is doing.

use bursar_store::{EngineKind, Param, StoreError, Timestamp, Tx};

/// How a job is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// `desk.job`.
    pub name: String,
    /// The process that ran it last.
    pub holder: Option<String>,
    /// When a living process last followed it.
    pub checked_at: Option<Timestamp>,
    /// The instant that its last run served.
    pub served_at: Option<Timestamp>,
    /// When it last began.
    pub started_at: Option<Timestamp>,
    /// When it last succeeded.
    pub succeeded_at: Option<Timestamp>,
    /// When it last failed.
    pub failed_at: Option<Timestamp>,
    /// Why.
    pub last_error: Option<String>,
    /// When it is to run next.
    pub next_at: Option<Timestamp>,
    /// How late its last run began, in milliseconds.
    pub lag_ms: i64,
    /// Runs so far.
    pub runs: i64,
    /// Of them failed.
    pub failures: i64,
    /// The process that runs it now, by its lease; `None` = nobody does.
    pub leased_by: Option<String>,
}

/// Every job that ever ran, by name.
pub fn job_rows(tx: &mut Tx<'_>) -> Result<Vec<JobRow>, StoreError> {
    let sql = match tx.engine() {
        // Embedded servers renew no lease, since nobody could take it over: it lasts until it is given back.
        EngineKind::Sqlite => {
            "SELECT r.name, r.holder, checked_at, served_at, started_at, succeeded_at, failed_at, last_error, next_at, \
             lag_ms, runs, failures, l.holder FROM job_runs r \
             LEFT JOIN store_leases l ON l.name = 'job:' || r.name AND l.until > 0 ORDER BY r.name"
        }
        EngineKind::Postgres => {
            "SELECT r.name, r.holder, checked_at, served_at, started_at, succeeded_at, failed_at, last_error, next_at, \
             lag_ms, runs, failures, l.holder FROM job_runs r \
             LEFT JOIN store_leases l ON l.name = 'job:' || r.name AND l.until > clock_timestamp() ORDER BY r.name"
        }
    };
    tx.query(sql, &[], |row| {
        Ok(JobRow {
            name: row.get(0)?,
            holder: row.get(1)?,
            checked_at: row.get(2)?,
            served_at: row.get(3)?,
            started_at: row.get(4)?,
            succeeded_at: row.get(5)?,
            failed_at: row.get(6)?,
            last_error: row.get(7)?,
            next_at: row.get(8)?,
            lag_ms: row.get(9)?,
            runs: row.get(10)?,
            failures: row.get(11)?,
            leased_by: row.get(12)?,
        })
    })
}

/// Makes a row for a job that has none; either way it is followed from `now` on.
pub(super) fn follow(tx: &mut Tx<'_>, name: &str, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO job_runs (name, checked_at, lag_ms, runs, failures) VALUES ($1, $2, 0, 0, 0) \
               ON CONFLICT (name) DO UPDATE SET checked_at = excluded.checked_at";
    tx.execute(sql, &[name.into(), now.into()]).map(|_| ())
}

/// The instant that a job's last run served.
pub(super) fn served_at(tx: &mut Tx<'_>, name: &str) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT served_at FROM job_runs WHERE name = $1";
    Ok(tx.query_first(sql, &[name.into()], |row| row.get::<Option<Timestamp>>(0))?.flatten())
}

/// Notes that a run begins.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    name: &str,
    holder: &str,
    instant: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE job_runs SET holder = $2, started_at = $3, checked_at = $3, lag_ms = $4, runs = runs + 1 \
               WHERE name = $1";
    let lag = now.ms().saturating_sub(instant.ms()).max(0);
    tx.execute(sql, &[name.into(), holder.into(), now.into(), lag.into()]).map(|_| ())
}

/// Notes how a run ended; `failure` says why it failed.
pub(super) fn end(
    tx: &mut Tx<'_>,
    name: &str,
    served: Timestamp,
    failure: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let params: [Param<'_>; 3] = [name.into(), served.into(), now.into()];
    match failure {
        None => {
            let sql =
                "UPDATE job_runs SET served_at = $2, succeeded_at = $3, last_error = NULL WHERE name = $1";
            tx.execute(sql, &params)
        }
        Some(why) => {
            let sql = "UPDATE job_runs SET served_at = $2, failed_at = $3, last_error = $4, \
                       failures = failures + 1 WHERE name = $1";
            tx.execute(sql, &[&params[..], &[why.into()]].concat())
        }
    }
    .map(|_| ())
}

/// Notes that the job is followed, and when it is to run next.
pub(super) fn heartbeat(
    tx: &mut Tx<'_>,
    name: &str,
    next: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE job_runs SET checked_at = $2, next_at = $3 WHERE name = $1";
    tx.execute(sql, &[name.into(), now.into(), next.into()]).map(|_| ())
}
