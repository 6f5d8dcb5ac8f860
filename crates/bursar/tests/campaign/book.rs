//! A second handle on the database of a campaign's servers.

use std::time::Duration;

use bursar_audit::verify;
use bursar_ledger::trial_balance;
use bursar_store::{DatabaseUrl, OpenMode, Row, Store, StoreError, StoreOptions, Tx};

use super::Snapshot;
use crate::harness::Place;

/// The database, as another process sees it.
pub struct Book {
    store: Store,
}

impl Book {
    /// The book of this place. A server must have made its tables.
    pub fn of(place: &Place) -> Book {
        let mut options = StoreOptions::new(OpenMode::Tool);
        (options.postgres_connections, options.sqlite_readers) = (1, 1);
        options.patience = Duration::from_secs(120);
        let url = if place.is_embedded() { place.url() } else { format!("{}?sslmode=disable", place.url()) };
        let url: DatabaseUrl = url.parse().unwrap();
        Book { store: Store::open(&url, options).expect("the database of the servers") }
    }

    /// The database itself, for statements that a person types.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The number of the newest entry; entries are numbered in the order of their commits.
    pub fn newest_entry(&self) -> i64 {
        self.store.read("test.newest", newest_entry).unwrap()
    }

    /// How many transactions with accepted joins came after entry `sequence`.
    pub fn batches_after(&self, sequence: i64) -> usize {
        let sql = "SELECT DISTINCT l.chain, l.number FROM audit_links l \
                   JOIN audit_events e ON e.id BETWEEN l.first_event AND l.last_event \
                   WHERE CASE WHEN e.event = 'join.accepted' THEN CAST(e.target_id AS BIGINT) END > $1";
        let read = |row: &Row<'_>| row.get::<String>(0);
        self.store.read("test.batches", |tx| tx.query(sql, &[sequence.into()], read)).unwrap().len()
    }

    /// How many joins were accepted, by the audit log, later than the newest change of a switch by a command.
    pub fn accepted_after_command(&self) -> usize {
        let sql = "SELECT id FROM audit_events WHERE event = 'join.accepted' AND id > \
                   (SELECT MAX(id) FROM audit_events WHERE event = 'control.switch_changed')";
        let read = |row: &Row<'_>| row.get::<i64>(0);
        self.store.read("test.order", |tx| tx.query(sql, &[], read)).unwrap().len()
    }

    /// What the row of the joins switch says.
    pub fn joins_switch(&self) -> String {
        let sql = "SELECT value FROM rounds_config WHERE key = 'pause_joins'";
        let read = |row: &Row<'_>| row.get(0);
        self.store.read("test.switch", |tx| tx.query_first(sql, &[], read)).unwrap().expect("a row")
    }

    /// How many rounds there are in each state: unsealed, settling, settled.
    pub fn rounds_by_state(&self) -> [usize; 3] {
        let read = |row: &Row<'_>| row.get::<i64>(0);
        let states = self
            .store
            .read("test.states", |tx| tx.query("SELECT state FROM rounds_pool", &[], read))
            .unwrap();
        [0, 1, 2].map(|state| states.iter().filter(|stored| **stored == state).count())
    }

    /// How many payouts and refunds were made.
    pub fn payouts(&self) -> usize {
        let sql = "SELECT id FROM ledger_transfer WHERE kind IN (101, 102)";
        let read = |row: &Row<'_>| row.get::<i64>(0);
        self.store.read("test.payouts", |tx| tx.query(sql, &[], read)).unwrap().len()
    }

    /// All accounts add up to nothing, and the audit log is as it was recorded.
    #[track_caller]
    pub fn check_sums_and_audit(&self) {
        let (sums, log) =
            self.store.read("test.sums", |tx| Ok((trial_balance(tx)?, verify(tx, None)?))).unwrap();
        for total in sums {
            assert!(total.sum.is_zero(), "{total:?}");
        }
        assert!(log.is_clean(), "{log:?}");
    }

    /// Everything at one moment.
    pub fn snapshot(&self) -> Snapshot {
        self.store.read("test.snapshot", Snapshot::load).unwrap()
    }
}

/// The number of the newest entry that this transaction sees; 0 while there is none.
pub fn newest_entry(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let sql = "SELECT COALESCE(MAX(sequence), 0) FROM rounds_entry";
    Ok(tx.query_first(sql, &[], |row| row.get(0))?.unwrap_or(0))
}
