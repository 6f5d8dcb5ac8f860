//! Transactions larger than SQLite's page cache: pages go to the log before the commit and come back from it.

use bursar_store::{Store, StoreError};
use bursar_test_stores::for_each_engine;

use crate::schema::TABLES;

const ROWS: i64 = 4_000;

/// Writes rows of a kilobyte each and reads every one of them back in the same transaction.
fn fill(store: &Store, mark: &str, keep: bool) -> Result<(), StoreError> {
    let text = mark.repeat(1_000);
    store.transact("fill", |tx| {
        for key in 0..ROWS {
            let sql = "INSERT INTO everything (id, t) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET t = excluded.t";
            tx.execute(sql, &[key.into(), text.as_str().into()])?;
        }
        for key in (0..ROWS).rev() {
            let found = tx.query("SELECT t FROM everything WHERE id = $1", &[key.into()], |row| row.get::<String>(0))?;
            assert_eq!(found, std::slice::from_ref(&text), "row {key}");
        }
        if keep { Ok(()) } else { Err(StoreError::Statement("given up".into())) }
    })
}

fn stored(store: &Store) -> Vec<(String, i64)> {
    let sql = "SELECT t, count(*) FROM everything GROUP BY t ORDER BY t";
    let rows = store.read("count", |tx| tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?))));
    rows.expect("reads")
}

#[test]
fn a_transaction_larger_than_the_cache_reads_its_own_rows_and_is_whole_for_others_once_committed() {
    for_each_engine(&TABLES, |test_store| {
        let store = test_store.another(|options| options.sqlite_cache_kib = 64);
        let other = test_store.store();
        let all = |mark: &str| vec![(mark.repeat(1_000), ROWS)];
        fill(&store, "a", true).expect("committed");
        assert_eq!(stored(&other), all("a"));

        assert!(fill(&store, "b", false).is_err());
        assert_eq!((stored(&other), stored(&store)), (all("a"), all("a")));

        fill(&store, "c", true).expect("committed");
        store.checkpoint().expect("copies the log");
        fill(&store, "d", true).expect("committed");
        assert_eq!(stored(&other), all("d"));
        drop(store);
        assert_eq!(stored(&test_store.another(|_| ())), all("d"));
    });
}
