//! Rows that have served their purpose: old rate windows, finished batches, ended sessions.

use std::sync::Arc;

use bursar_access::purge_sessions;
use bursar_control::{ConfigTable, purge_windows};
use bursar_desk::Platform;
use bursar_desk::job::{Cadence, Job, JobFault, JobTurn, Progress};
use bursar_store::clock::machine_time;
use bursar_store::{Store, StoreError, Tx};
use uuid::Builder;

const HOUR_MS: i64 = 3_600_000;
/// A lost answer to a commit is looked up at once; a day is far more than that takes.
const BATCHES_KEPT_MS: i64 = 24 * HOUR_MS;
const SESSIONS_KEPT_MS: i64 = 7 * 24 * HOUR_MS;
/// Rows deleted in one transaction, so that lanes get their turn between two.
const CHUNK: i64 = 5_000;

/// `tables` hold the settings of every rate limit.
pub(super) fn job(platform: &Platform, tables: Vec<ConfigTable>) -> Job {
    let store = Arc::clone(&platform.store);
    Job::new("platform.purge", Cadence::every_ms(HOUR_MS), move |turn| purge(&store, &tables, turn))
}

fn purge(store: &Store, tables: &[ConfigTable], turn: &JobTurn) -> Result<Progress, JobFault> {
    store.transact("platform.purge", |tx| {
        let now = tx.reading()?;
        purge_windows(tx, tables, now)?;
        purge_sessions(tx, now.after_ms(-SESSIONS_KEPT_MS))
    })?;
    while !turn.is_stopping() {
        if store.transact("platform.purge_batches", purge_batches)? < u64::try_from(CHUNK)? {
            break;
        }
    }
    Ok(Progress::Done)
}

/// Batch ids begin with their real time, so the oldest are found by primary key.
fn purge_batches(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let before = machine_time().after_ms(-BATCHES_KEPT_MS);
    let first_kept = Builder::from_unix_timestamp_millis(u64::try_from(before.ms()).unwrap_or(0), &[0; 10]);
    let sql = "DELETE FROM store_batches WHERE id IN \
               (SELECT id FROM store_batches WHERE id < $1 ORDER BY id LIMIT $2)";
    tx.execute(sql, &[first_kept.into_uuid().into(), CHUNK.into()])
}
