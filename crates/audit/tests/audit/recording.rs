//! What recording leaves behind, and what it does not.

use bursar_audit::{EventFilter, events};
use bursar_store::StoreError;

use crate::log::{event, fill, on_each_engine, record, recorder, verified};

#[test]
fn an_untouched_log_of_two_writers_taking_turns_is_clean() {
    on_each_engine(|store| {
        fill(store);
        let result = verified(store, None);
        assert_eq!((result.findings.as_slice(), result.findings_left_off), (&[][..], 0));
        assert_eq!((result.links, result.events, result.chains), (5, 8, 2));
    });
}

#[test]
fn an_empty_log_is_clean() {
    on_each_engine(|store| assert!(verified(store, None).is_clean()));
}

#[test]
fn recording_in_a_transaction_that_is_rolled_back_leaves_nothing_and_uses_no_number() {
    on_each_engine(|store| {
        let undone = store.store().transact("test.undone", |tx| {
            recorder("a").record(tx, &[event("a_error", 1), event("x", 2)], store.now())?;
            Err::<(), _>(StoreError::Statement("undone on purpose".into()))
        });
        assert!(undone.is_err());
        let left = |tx: &mut bursar_store::Tx<'_>| {
            let sql = "SELECT (SELECT COUNT(*) FROM audit_events) + (SELECT COUNT(*) FROM audit_links) \
                       + (SELECT COUNT(*) FROM audit_outbox)";
            tx.query_first(sql, &[], |row| row.get::<i64>(0))
        };
        assert_eq!(store.store().read("test.left", left).unwrap(), Some(0));
        assert_eq!(record(store, "a", &["x"]), 1);
        assert!(verified(store, None).is_clean());
    });
}

#[test]
fn a_chain_goes_on_after_a_restart_of_its_writer() {
    on_each_engine(|store| {
        record(store, "a", &["x"]);
        store.reopen();
        record(store, "a", &["y"]);
        let result = verified(store, None);
        assert_eq!((result.links, result.chains, result.is_clean()), (2, 1, true));
    });
}

#[test]
fn writers_that_record_at_the_same_time_leave_a_clean_log() {
    on_each_engine(|store| {
        let writers: Vec<_> = ["a", "b", "b"]
            .map(|chain| {
                let (store, now) = (store.store(), store.now());
                std::thread::spawn(move || {
                    let recorder = recorder(chain);
                    for n in 0..20 {
                        let events = [event("x", n), event("y", n)];
                        store.transact("test.record", |tx| recorder.record(tx, &events, now)).unwrap();
                    }
                })
            })
            .into();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        let result = verified(store, None);
        assert_eq!(result.findings, []);
        assert_eq!((result.links, result.events, result.chains), (60, 120, 2));
    });
}

#[test]
fn an_event_is_stored_as_it_was_given() {
    on_each_engine(|store| {
        let given = event("join.accepted", 6);
        let events_given = std::slice::from_ref(&given);
        store.store().transact("t", |tx| recorder("a").record(tx, events_given, store.now())).unwrap();
        let stored = store.store().read("t", |tx| events(tx, &EventFilter::default())).unwrap().remove(0);
        assert_eq!((stored.id, stored.at, stored.level), (1, store.now(), given.level));
        assert_eq!((stored.desk.as_str(), stored.event.as_str()), ("rounds", "join.accepted"));
        assert_eq!((stored.actor_kind.as_str(), stored.actor.as_str()), ("player", "wallet-6"));
        assert_eq!((stored.target_type.as_str(), stored.target_id.as_str()), ("entry", "entry-6"));
        assert_eq!(stored.request_id.as_deref(), Some("request-6"));
        assert_eq!(stored.correlation_id.as_deref(), Some("correlation-6"));
        assert_eq!(stored.payload, Some(given.payload));
        assert_eq!(stored.salt.map(|salt| salt.len()), Some(16));
    });
}
