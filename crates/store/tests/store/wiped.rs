//! What was deleted from an embedded database is in none of its files once its log is empty.

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
