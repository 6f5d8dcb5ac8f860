//! Limits: no read runs away, no connection is waited for too long, no second server shares an embedded file.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use bursar_store::{DatabaseUrl, EngineKind, OpenMode, Store, StoreError, StoreOptions, Tx};
use bursar_test_stores::{TestStore, for_each_engine_with};

use crate::schema::{TABLES, count_up, counter};

const RUNAWAY: &str = "WITH RECURSIVE endless AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM endless) \
                       SELECT count(*) FROM endless";

#[test]
fn a_read_that_runs_away_is_stopped_and_its_connection_works_on() {
    let briefly = |options: &mut StoreOptions| {
        options.patience = Duration::from_millis(100);
        options.sqlite_readers = 1;
        options.postgres_connections = 1;
    };
    for_each_engine_with(&TABLES, briefly, |test| {
        let store = test.store();
        for _ in 0..2 {
            let stopped = store.read("test.endless", |tx| tx.query(RUNAWAY, &[], |row| row.get::<i64>(0)));
            assert!(matches!(stopped, Err(StoreError::Unavailable(_))), "{stopped:?}");
            assert_eq!(counter(&store, "a"), 0);
        }
    });
}

#[test]
fn a_read_finds_no_connection_when_all_are_busy_and_says_so() {
    let one_reader = |options: &mut StoreOptions| {
        options.patience = Duration::from_millis(50);
        options.sqlite_readers = 1;
        options.postgres_connections = 1;
    };
    for_each_engine_with(&TABLES, one_reader, |test| {
        let store = test.store();
        let (begun, has_begun) = channel();
        let (end, may_end) = channel();
        thread::scope(|scope| {
            let long = scope.spawn(|| {
                store.read("test.long", move |_| {
                    begun.send(()).unwrap();
                    may_end.recv().unwrap();
                    Ok(())
                })
            });
            has_begun.recv().unwrap();
            let refused = store.read("test.second", |tx| tx.reading());
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
            end.send(()).unwrap();
            long.join().unwrap().unwrap();
        });
        assert!(store.read("test.third", |tx| tx.reading()).is_ok());
    });
}

#[test]
fn a_second_server_on_one_embedded_file_is_refused_and_a_tool_is_not() {
    let test = TestStore::with(EngineKind::Sqlite, &TABLES, |_| {});
    let open = |mode| Store::open(&test.url(), StoreOptions::new(mode));
    let refused = open(OpenMode::Server).map(|_| ());
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(text)) if text.contains("another server")),
        "{refused:?}"
    );
    let tool = open(OpenMode::Tool).unwrap();
    tool.transact("test.count", |tx| count_up(tx, "a")).unwrap();
    assert_eq!(counter(&test.store(), "a"), 1);
    test.reopen();
}

#[test]
fn the_log_of_an_embedded_database_is_copied_into_it_and_starts_over() {
    let test = TestStore::with(EngineKind::Sqlite, &TABLES, |_| {});
    let file = test.folder().unwrap().join("test.db");
    let size = |path: &std::path::Path| std::fs::metadata(path).unwrap().len();
    for round in 0..10 {
        let before = size(&file);
        let fill = "INSERT INTO note (text) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n \
                    WHERE i < 80000) SELECT printf('%400d', i) FROM n";
        assert_eq!(test.store().transact("test.fill", |tx| tx.execute(fill, &[])).unwrap(), 80_000);
        let patience = Instant::now() + Duration::from_secs(20);
        while size(&file) == before {
            assert!(Instant::now() < patience, "nobody copied the log of round {round}");
            // The writer's next transaction does its part of the copying.
            let one = "INSERT INTO note (text) VALUES ('x')";
            test.store().transact("test.one", |tx| tx.execute(one, &[])).unwrap();
        }
    }
    let patience = Instant::now() + Duration::from_secs(60);
    let log = || size(&file.with_extension("db-wal"));
    while log() >= 240_000_000 {
        assert!(Instant::now() < patience, "320 MB were written, and the log keeps {} bytes of them", log());
        let one = "INSERT INTO note (text) VALUES ('x')";
        test.store().transact("test.one", |tx| tx.execute(one, &[])).unwrap();
    }
}

#[test]
fn whoever_stands_still_within_a_transaction_loses_it_and_its_locks() {
    let test = TestStore::with(EngineKind::Postgres, &TABLES, |_| {});
    let store = test.store();
    counter(&store, "a");
    let allowed = "SELECT current_setting('idle_in_transaction_session_timeout')";
    let read = |tx: &mut Tx<'_>| tx.query_first(allowed, &[], |row| row.get::<String>(0));
    assert_eq!(store.read("test.limit", read).unwrap().as_deref(), Some("1min"));
    let second = test.another(|_| {});
    thread::scope(|scope| {
        let (locked, is_locked) = channel();
        let still = scope.spawn(move || {
            store.transact("test.still", |tx| {
                tx.batch_execute("SET LOCAL idle_in_transaction_session_timeout = 1500")?;
                count_up(tx, "a")?;
                // Run once: what is unavailable is not tried again.
                locked.send(()).unwrap();
                thread::sleep(Duration::from_secs(3));
                count_up(tx, "a")
            })
        });
        is_locked.recv().unwrap();
        second.transact("test.count", |tx| count_up(tx, "a")).unwrap();
        let ended = still.join().unwrap();
        assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{ended:?}");
    });
    assert_eq!(counter(&second, "a"), 1);
}

#[test]
fn a_server_that_would_forget_what_it_said_was_committed_is_refused() {
    let test = TestStore::with(EngineKind::Postgres, &TABLES, |_| {});
    let DatabaseUrl::Postgres(url) = test.url() else { panic!("not PostgreSQL") };
    let joint = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{joint}options=-c%20synchronous_commit%3Doff");
    let store = Store::open(&url.parse().unwrap(), StoreOptions::new(OpenMode::Tool)).unwrap();
    let refused = store.read("test.read", |tx| tx.reading());
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(text)) if text.contains("synchronous_commit")),
        "{refused:?}"
    );
}

#[test]
fn any_number_of_servers_share_one_postgresql() {
    let test = TestStore::with(EngineKind::Postgres, &TABLES, |_| {});
    let second = test.another(|options| options.mode = OpenMode::Server);
    second.transact("test.count", |tx| count_up(tx, "a")).unwrap();
    assert_eq!(counter(&test.store(), "a"), 1);
}

#[test]
fn a_database_that_cannot_be_reached_is_unavailable() {
    for url in ["postgres://nobody@127.0.0.1:1/nothing", "sqlite:/nowhere/at/all.db"] {
        let tried = Store::open(&url.parse().unwrap(), StoreOptions::new(OpenMode::Tool))
            .and_then(|store| store.read("test.read", |tx| tx.reading()));
        assert!(matches!(tried, Err(StoreError::Unavailable(_))), "{tried:?}");
    }
}
