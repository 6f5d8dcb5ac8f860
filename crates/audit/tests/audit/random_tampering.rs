//! Whatever is done to a log that was anchored: if anything differs afterwards, verification says so.

use bursar_audit::{Anchor, verify};
use bursar_store::{EngineKind, Tx};
use bursar_test_stores::TestStore;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use crate::log::{LAST_EVENT, anchor, fill, on_each_engine, unguarded};

const EVENT_COLUMNS: [&str; 13] = [
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
const LINK_COLUMNS: [&str; 5] = ["first_event", "last_event", "previous", "hash", "at"];

/// A statement that may change something and breaks no constraint, which would end the transaction.
fn statement() -> impl Strategy<Value = String> {
    let event = || (1..=LAST_EVENT).prop_map(|id| format!("id = {id}"));
    let link = || (select(&["a", "b", "c"][..]), -1i64..5);
    let row = |(chain, number): (&str, i64)| format!("chain = '{chain}' AND number = {number}");
    let events = (event(), event(), select(&EVENT_COLUMNS[..]));
    let links = (link(), link(), select(&LINK_COLUMNS[..]));
    let ends = (link(), select(&["first_event", "last_event"][..]), -1i64..12);
    prop_oneof![
        event().prop_map(|event| format!("DELETE FROM audit_events WHERE {event}")),
        link().prop_map(move |link| format!("DELETE FROM audit_links WHERE {}", row(link))),
        events.prop_map(|(to, from, column)| copy("audit_events", column, &from, &to)),
        links.prop_map(move |(to, from, column)| copy("audit_links", column, &row(from), &row(to))),
        (event(), -3i64..20).prop_map(|(from, id)| {
            let to = format!("id = {id}");
            place("audit_events", &to, &from, &to)
        }),
        (link(), link()).prop_map(move |(from, to)| {
            let set = format!("chain = '{}', number = {}", to.0, to.1);
            place("audit_links", &set, &row(from), &row(to))
        }),
        ends.prop_map(move |(link, column, event)| {
            format!("UPDATE audit_links SET {column} = {event} WHERE {}", row(link))
        }),
        event()
            .prop_map(|event| format!("UPDATE audit_events SET payload = NULL, salt = NULL WHERE {event}")),
    ]
}

fn copy(table: &str, column: &str, from: &str, to: &str) -> String {
    let is_there = format!("EXISTS (SELECT 1 FROM {table} WHERE {from})");
    format!(
        "UPDATE {table} SET {column} = (SELECT {column} FROM {table} WHERE {from}) WHERE {to} AND {is_there}"
    )
}

fn place(table: &str, set: &str, from: &str, to: &str) -> String {
    format!("UPDATE {table} SET {set} WHERE {from} AND NOT EXISTS (SELECT 1 FROM {table} WHERE {to})")
}

#[test]
fn whatever_differs_from_the_anchored_log_is_found() {
    on_each_engine(|store| {
        fill(store);
        let anchor = anchor(store);
        let cases = if store.kind() == EngineKind::Sqlite { 3_000 } else { 100 };
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let statements = proptest::collection::vec(statement(), 1..5);
        TestRunner::new(config).run(&statements, |sqls| tamper(store, &anchor, &sqls)).unwrap();
    });
}

fn tamper(store: &TestStore, anchor: &Anchor, sqls: &[String]) -> Result<(), TestCaseError> {
    let (is_same, found) = unguarded(store, |tx| {
        let before = contents(tx);
        sqls.iter().for_each(|sql| tx.batch_execute(sql).unwrap());
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
