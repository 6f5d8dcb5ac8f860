//! Whatever is done to a log that was anchored: if anything differs afterwards, verification says so.

use bursar_audit::{Anchor, verify};
use bursar_store::{EngineKind, Tx};
use bursar_test_stores::TestStore;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use crate::log::{LAST_EVENT, LINKS, anchor, fill, on_each_engine, unguarded};

const EVENT_COLUMNS: [&str; 14] = [
    "id",
    "at",
    "level",
    "desk",
    "event",
    "actor_kind",
    "actor",
    "request_id",
    "correlation_id",
    "target_type",
    "target_id",
    "payload",
    "salt",
    "payload_digest",
];
const LINK_COLUMNS: [&str; 7] = ["chain", "number", "first_event", "last_event", "previous", "hash", "at"];

/// A statement that may change something.
fn statement() -> impl Strategy<Value = String> {
    let event = || (1..=LAST_EVENT).prop_map(|id| format!("id = {id}"));
    let link =
        || select(&LINKS[..]).prop_map(|(chain, number)| format!("chain = '{chain}' AND number = {number}"));
    let events = (event(), event(), select(&EVENT_COLUMNS[..]));
    let links = (link(), link(), select(&LINK_COLUMNS[..]));
    prop_oneof![
        event().prop_map(|row| format!("DELETE FROM audit_events WHERE {row}")),
        link().prop_map(|row| format!("DELETE FROM audit_links WHERE {row}")),
        events.prop_map(|(to, from, column)| copy("audit_events", column, &from, &to)),
        links.prop_map(|(to, from, column)| copy("audit_links", column, &from, &to)),
        (event(), -3i64..20).prop_map(|(row, id)| format!("UPDATE audit_events SET id = {id} WHERE {row}")),
        (link(), -3i64..6).prop_map(|(row, n)| format!("UPDATE audit_links SET number = {n} WHERE {row}")),
        (link(), -1i64..12)
            .prop_map(|(row, n)| format!("UPDATE audit_links SET last_event = {n} WHERE {row}")),
        (link(), -1i64..12)
            .prop_map(|(row, n)| format!("UPDATE audit_links SET first_event = {n} WHERE {row}")),
        event().prop_map(|row| format!("UPDATE audit_events SET payload = NULL, salt = NULL WHERE {row}")),
    ]
}

fn copy(table: &str, column: &str, from: &str, to: &str) -> String {
    format!("UPDATE {table} SET {column} = (SELECT {column} FROM {table} WHERE {from}) WHERE {to}")
}

#[test]
fn whatever_differs_from_the_anchored_log_is_found() {
    on_each_engine(|store| {
        fill(store);
        let anchor = anchor(store);
        let cases = if store.kind() == EngineKind::Sqlite { 600 } else { 60 };
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let statements = proptest::collection::vec(statement(), 1..5);
        TestRunner::new(config).run(&statements, |sqls| tamper(store, &anchor, &sqls)).unwrap();
    });
}

fn tamper(store: &TestStore, anchor: &Anchor, sqls: &[String]) -> Result<(), TestCaseError> {
    let (is_same, found) = unguarded(store, |tx| {
        let before = contents(tx);
        for sql in sqls {
            // What a constraint refuses is no tampering.
            tx.batch_execute("SAVEPOINT attempt").unwrap();
            if tx.batch_execute(sql).is_err() {
                tx.batch_execute("ROLLBACK TO attempt").unwrap();
            }
        }
        (contents(tx) == before, verify(tx, Some(anchor)).unwrap())
    });
    prop_assert_eq!(is_same, found.is_clean(), "{:?}", found);
    Ok(())
}

/// Every value of the log, as text.
fn contents(tx: &mut Tx<'_>) -> Vec<String> {
    let (events, links) = match tx.engine() {
        EngineKind::Sqlite => (
            "SELECT id || '|' || at || '|' || level || '|' || desk || '|' || event || '|' || actor_kind || '|' \
             || actor || '|' || quote(request_id) || '|' || quote(correlation_id) || '|' || target_type || '|' \
             || target_id || '|' || quote(payload) || '|' || quote(salt) || '|' || quote(payload_digest) \
             FROM audit_events ORDER BY id",
            "SELECT chain || '|' || number || '|' || first_event || '|' || last_event || '|' || quote(previous) \
             || '|' || quote(hash) || '|' || at FROM audit_links ORDER BY chain, number",
        ),
        EngineKind::Postgres => (
            "SELECT CAST(e AS text) FROM audit_events e ORDER BY id",
            "SELECT CAST(l AS text) FROM audit_links l ORDER BY chain, number",
        ),
    };
    let mut rows = |sql| tx.query(sql, &[], |row| row.get::<String>(0)).unwrap();
    [rows(events), rows(links)].concat()
}
