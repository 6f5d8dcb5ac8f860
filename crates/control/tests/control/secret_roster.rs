//! Requests to read secrets anew, and the processes that follow them.

use bursar_control::secret_roster::{
    Holder, fingerprint_salt, holders, latest_request, leave, note_alive, report, request_reload,
};
use bursar_store::{EngineKind, StoreError, Tx};
use bursar_test_stores::TestStore;

use crate::stage::on_each_engine;

fn transact<T>(store: &TestStore, work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> T {
    store.store().transact("test.roster", work).unwrap()
}

fn holder(process: &str) -> Holder {
    Holder {
        process: process.to_owned(),
        place: "host:1".to_owned(),
        answered: 0,
        secrets: "[]".to_owned(),
        outcome: "{}".to_owned(),
    }
}

fn living(store: &TestStore) -> Vec<String> {
    transact(store, holders).into_iter().map(|holder| holder.process).collect()
}

#[test]
fn v8_requests_count_up_and_the_newest_says_who_and_why() {
    on_each_engine(|store| {
        assert_eq!(transact(store, latest_request).number, 0);
        for number in 1..=2 {
            assert_eq!(transact(store, |tx| request_reload(tx, "cli:ann", "drill", [1; 32])), number);
        }
        let newest = transact(store, latest_request);
        assert_eq!((newest.number, newest.actor.as_str(), newest.reason.as_str()), (2, "cli:ann", "drill"));
    });
}

#[test]
fn v8_all_processes_key_their_fingerprints_with_the_first_salt() {
    on_each_engine(|store| {
        assert_eq!(transact(store, |tx| fingerprint_salt(tx, [1; 32])), [1; 32]);
        assert_eq!(transact(store, |tx| fingerprint_salt(tx, [2; 32])), [1; 32]);
        transact(store, |tx| request_reload(tx, "cli:ann", "drill", [3; 32]));
        assert_eq!(transact(store, |tx| fingerprint_salt(tx, [4; 32])), [1; 32]);
    });
}

#[test]
fn v8_a_process_is_listed_while_it_is_seen() {
    on_each_engine(|store| {
        transact(store, |tx| report(tx, &holder("a")));
        assert_eq!(living(store), ["a"]);
        let answered = Holder { answered: 7, outcome: "{\"ok\": true}".to_owned(), ..holder("a") };
        transact(store, |tx| report(tx, &answered));
        assert_eq!(transact(store, holders)[0].answered, 7);
        let age = |seconds: i64| {
            transact(store, |tx| {
                let then = tx.real_time()?.after_ms(-seconds * 1_000);
                tx.execute("UPDATE control_secret_holders SET seen_at = $1", &[then.into()])
            })
        };
        age(14);
        assert_eq!(living(store), ["a"]);
        age(16);
        assert_eq!(living(store), Vec::<String>::new());
        assert!(transact(store, |tx| note_alive(tx, "a")));
        assert_eq!(living(store), ["a"]);
        transact(store, |tx| leave(tx, "a"));
        assert!(!transact(store, |tx| note_alive(tx, "a")));
        assert_eq!(living(store), Vec::<String>::new());
    });
}

#[test]
fn v8_the_embedded_engine_has_one_server_and_postgresql_any_number() {
    on_each_engine(|store| {
        transact(store, |tx| report(tx, &holder("a")));
        transact(store, |tx| report(tx, &holder("b")));
        let expected = match store.kind() {
            EngineKind::Sqlite => vec!["b"],
            EngineKind::Postgres => vec!["a", "b"],
        };
        assert_eq!(living(store), expected);
    });
}
