//! Which backups were proven: known from rows of their own, however long the audit log is.

use bursar_ops::backup::{Work, note_failure, note_success, proven_backups};
use bursar_test_stores::for_each_engine;

const FIRST: &str = "bursar-1";
const SECOND: &str = "bursar-2";
const THIRD: &str = "bursar-3";

#[test]
fn every_backup_that_was_proven_is_known_and_no_other() {
    for_each_engine(&bursar_ops::MIGRATIONS, |test| {
        let (store, now) = (test.store(), test.now());
        let note = |work: Work, backup: &str| {
            store.transact("test.note", |tx| note_success(tx, work, backup, 1, 1, now)).unwrap();
        };
        let proven = |limit| store.read("test.proven", |tx| proven_backups(tx, limit)).unwrap();
        assert_eq!(proven(10), [""; 0]);
        note(Work::Create, THIRD);
        store.transact("test.note", |tx| note_failure(tx, Work::Verify, "damaged", now)).unwrap();
        assert_eq!(proven(10), [""; 0], "one that was made, and one that failed");
        note(Work::Verify, SECOND);
        note(Work::Verify, FIRST);
        note(Work::Verify, FIRST);
        assert_eq!(proven(10), [SECOND, FIRST], "the newest backup first, whenever it was proven");
        assert_eq!(proven(1), [SECOND, FIRST], "and the last proof in any case");
    });
}

#[test]
fn a_proof_from_before_proofs_had_rows_is_known_too() {
    for_each_engine(&bursar_ops::MIGRATIONS, |test| {
        let store = test.store();
        let sql = "INSERT INTO ops_backup (work, backup, failures) VALUES ('verify', 'bursar-1', 0)";
        store.transact("test.older", |tx| tx.batch_execute(sql)).unwrap();
        let proven = store.read("test.proven", |tx| proven_backups(tx, 10)).unwrap();
        assert_eq!(proven, [FIRST]);
    });
}
