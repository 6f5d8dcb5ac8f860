//! Payloads can be erased without breaking the chain, and never silently.

use bursar_audit::{
    Actor, Event, EventFilter, Finding, Level, RedactionRefusal, StoredEvent, Target, events, redact,
};
use bursar_test_stores::TestStore;

use crate::log::{LAST_EVENT, anchor, event, fill, found_after, on_each_engine, recorder, verified};

fn redacted(store: &TestStore, ids: &[i64], reason: &str) -> Result<i64, RedactionRefusal> {
    let actor = Actor { kind: "operator", id: "alice".into() };
    let work = |tx: &mut bursar_store::Tx<'_>| redact(tx, &recorder("c"), ids, reason, &actor, store.now());
    store.store().transact("test.redact", work).unwrap()
}

fn all(store: &TestStore) -> Vec<StoredEvent> {
    store.store().read("test.read", |tx| events(tx, &EventFilter::default())).unwrap()
}

#[test]
fn a_redaction_blanks_payload_and_salt_names_the_events_and_keeps_the_log_clean() {
    on_each_engine(|store| {
        fill(store);
        let anchor = anchor(store);
        assert_eq!(redacted(store, &[6, 2, 3, 2], "erasure request 12"), Ok(9));
        let all = all(store);
        for event in &all {
            let is_blank = [2, 3, 6].contains(&event.id);
            assert_eq!((event.payload.is_none(), event.salt.is_none()), (is_blank, is_blank), "{}", event.id);
        }
        let trace = all.last().unwrap();
        assert_eq!((trace.event.as_str(), trace.level), ("audit.redacted", Level::Warn));
        assert_eq!((trace.target_type.as_str(), trace.target_id.as_str()), ("audit_events", "2-3,6"));
        assert_eq!((trace.actor_kind.as_str(), trace.actor.as_str()), ("operator", "alice"));
        assert_eq!(trace.payload.as_deref(), Some("{\"reason\":\"erasure request 12\"}"));
        assert_eq!(verified(store, Some(&anchor)).findings, []);
    });
}

#[test]
fn the_reason_may_be_erased_too_and_the_first_redaction_still_counts() {
    on_each_engine(|store| {
        fill(store);
        assert_eq!(redacted(store, &[2], "Jane Doe asked"), Ok(9));
        assert_eq!(redacted(store, &[9], "named a person"), Ok(10));
        assert_eq!(redacted(store, &[2], "again"), Ok(11));
        assert_eq!(verified(store, None).findings, []);
    });
}

#[test]
fn an_unknown_event_or_a_missing_reason_changes_nothing() {
    on_each_engine(|store| {
        fill(store);
        let before = all(store);
        assert_eq!(redacted(store, &[2, 99], "x"), Err(RedactionRefusal::Unknown(99)));
        assert_eq!(redacted(store, &[2], "  "), Err(RedactionRefusal::NoReason));
        assert_eq!(redacted(store, &[], "x"), Err(RedactionRefusal::NoEvents));
        assert_eq!(all(store), before);
    });
}

#[test]
fn deleting_the_trace_of_a_redaction_shows() {
    on_each_engine(|store| {
        fill(store);
        redacted(store, &[2, 3], "x").unwrap();
        let sql = "DELETE FROM audit_events WHERE id = 9; DELETE FROM audit_links WHERE chain = 'c'";
        let blank = Finding::PayloadsBlank { first: 2, last: 3 };
        assert_eq!(found_after(store, None, sql).findings, [blank]);
    });
}

#[test]
fn a_redaction_does_not_cover_events_that_came_after_it() {
    on_each_engine(|store| {
        let early =
            Event { target: Target { kind: "audit_events", id: "1-9".into() }, ..event("audit.redacted", 1) };
        let record = |tx: &mut bursar_store::Tx<'_>| {
            recorder("c").record(tx, std::slice::from_ref(&early), store.now())
        };
        store.store().transact("t", record).unwrap();
        fill(store);
        let sql = "UPDATE audit_events SET payload = NULL, salt = NULL WHERE id = 4";
        let blank = Finding::PayloadsBlank { first: 4, last: 4 };
        assert_eq!(found_after(store, None, sql).findings, [blank]);
    });
}

#[test]
fn half_a_redaction_is_an_edit() {
    on_each_engine(|store| {
        fill(store);
        redacted(store, &[LAST_EVENT], "x").unwrap();
        let sql = "UPDATE audit_events SET payload = '{}' WHERE id = 8";
        assert_eq!(found_after(store, None, sql).findings, [Finding::PayloadEdited { event: 8 }]);
    });
}
