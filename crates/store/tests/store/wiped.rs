//! What was deleted from an embedded database is in none of its files once its log is empty.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bursar_store::{DatabaseUrl, EngineKind};
use bursar_test_stores::TestStore;

const MARK: &str = "a secret that was deleted again";

fn files_hold_the_mark(test: &TestStore) -> bool {
    let DatabaseUrl::Sqlite(path) = test.url() else { panic!("not embedded") };
    let log = path.with_file_name(format!("{}-wal", path.file_name().unwrap().to_str().unwrap()));
    let holds =
        |path| std::fs::read(path).unwrap().windows(MARK.len()).any(|window| window == MARK.as_bytes());
    [path.clone(), log].iter().any(holds)
}

#[test]
fn what_was_deleted_or_overwritten_is_gone_with_the_log() {
    let test = TestStore::with(EngineKind::Sqlite, &[], |_| {});
    let store = test.store();
    let run = |sql: &str| store.transact("test.wipe", |tx| tx.batch_execute(sql)).unwrap();
    run("CREATE TABLE kept (id INTEGER PRIMARY KEY, text TEXT)");
    run(&format!("INSERT INTO kept VALUES (1, '{MARK}'), (2, 'x'), (3, '{MARK}')"));
    assert!(store.empty_log().unwrap() && files_hold_the_mark(&test));
    run("DELETE FROM kept WHERE id = 1");
    run("UPDATE kept SET text = 'shorter' WHERE id = 3");
    assert!(files_hold_the_mark(&test), "the former page is still in the file");
    assert!(store.empty_log().unwrap());
    assert!(!files_hold_the_mark(&test));
}

/// One long read of another process holds what the log still has to give up, as a backup does.
#[test]
fn a_log_that_somebody_reads_is_left_at_once_and_other_processes_write_meanwhile() {
    let test = TestStore::with(EngineKind::Sqlite, &[], |_| {});
    let (server, tool) = (
        test.another(|options| options.patience = Duration::from_millis(500)),
        test.another(|options| options.patience = Duration::from_secs(30)),
    );
    let write = |sql: &str| server.transact("test.write", |tx| tx.batch_execute(sql));
    write("CREATE TABLE kept (id INTEGER PRIMARY KEY); INSERT INTO kept VALUES (1)").unwrap();
    let (is_over, tries) = (AtomicBool::new(false), AtomicU32::new(0));
    server
        .read("test.long", |tx| {
            let count = |tx: &mut bursar_store::Tx<'_>| {
                tx.query_first("SELECT COUNT(*) FROM kept", &[], |row| row.get::<i64>(0))
            };
            assert_eq!(count(tx)?, Some(1));
            write("INSERT INTO kept VALUES (2)").unwrap();
            thread::scope(|scope| {
                let wiping = scope.spawn(|| {
                    while !is_over.load(Ordering::SeqCst) {
                        let begun = Instant::now();
                        assert!(!tool.empty_log().unwrap(), "the reader still needs the log");
                        assert!(begun.elapsed() < Duration::from_secs(20), "it waited for the reader");
                        tries.fetch_add(1, Ordering::SeqCst);
                    }
                });
                let written: Vec<bool> =
                    (10..30).map(|id| write(&format!("INSERT INTO kept VALUES ({id})")).is_ok()).collect();
                while tries.load(Ordering::SeqCst) == 0 && !wiping.is_finished() {
                    thread::yield_now();
                }
                is_over.store(true, Ordering::SeqCst);
                assert_eq!(written, [true; 20], "writers wait for no reader");
                wiping.join().unwrap();
            });
            // The read still sees its own moment.
            assert_eq!(count(tx)?, Some(1));
            Ok(())
        })
        .unwrap();
    assert!(tool.empty_log().unwrap());
    // The patience with other writers is what it was.
    assert_eq!(tool.transact("test.last", |tx| tx.batch_execute("DELETE FROM kept")).ok(), Some(()));
}
