//! What hands may do to the tables: nothing but erase payloads.

use bursar_store::{EngineKind, StoreError};
use bursar_test_stores::TestStore;

use crate::log::{fill, on_each_engine, verified};

fn typed(store: &TestStore, sql: &str) -> Result<(), StoreError> {
    store.store().transact("test.typed", |tx| tx.batch_execute(sql))
}

#[test]
fn hand_typed_changes_of_events_and_links_are_refused() {
    on_each_engine(|store| {
        fill(store);
        let mut statements = vec![
            "DELETE FROM audit_events",
            "DELETE FROM audit_events WHERE id = 1",
            "UPDATE audit_events SET actor = 'x' WHERE id = 1",
            "UPDATE audit_events SET payload = '{}' WHERE id = 1",
            "UPDATE audit_events SET payload = NULL WHERE id = 1",
            "UPDATE audit_events SET salt = NULL WHERE id = 1",
            "UPDATE audit_events SET payload = NULL, salt = NULL, level = 2 WHERE id = 1",
            "DELETE FROM audit_links",
            "UPDATE audit_links SET number = number + 10",
        ];
        if store.kind() == EngineKind::Postgres {
            statements.extend([
                "TRUNCATE audit_events",
                "TRUNCATE audit_links",
                "TRUNCATE audit_events, audit_links",
            ]);
        }
        for sql in statements {
            let refused = typed(store, sql);
            assert!(matches!(refused, Err(StoreError::Statement(_))), "{sql}: {refused:?}");
        }
        assert!(verified(store, None).is_clean());
    });
}

#[test]
fn a_payload_may_be_blanked_and_verification_asks_why() {
    on_each_engine(|store| {
        fill(store);
        typed(store, "UPDATE audit_events SET payload = NULL, salt = NULL WHERE id = 1").unwrap();
        assert_eq!(verified(store, None).findings.len(), 1);
    });
}

#[test]
fn the_rounds_view_shows_the_desks_own_record() {
    on_each_engine(|store| {
        store.advance_ms(45);
        fill(store);
        let faucet = bursar_audit::Event { desk: "faucet", ..crate::log::event("payout.sent", 1) };
        let warned =
            bursar_audit::Event { level: bursar_audit::Level::Warn, ..crate::log::event("switch.set", 2) };
        let more = [faucet, warned];
        let record = |tx: &mut bursar_store::Tx<'_>| crate::log::recorder("a").record(tx, &more, store.now());
        store.store().transact("t", record).unwrap();
        let sql = "SELECT id, ts, level, event, CAST(payload AS TEXT) FROM rounds_audit_events \
                   WHERE id IN (1, 9, 10) ORDER BY id";
        type Shown = (i64, String, String, String, String);
        let shown: Vec<Shown> = store
            .store()
            .read("t", |tx| {
                tx.query(sql, &[], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                })
            })
            .unwrap();
        let own = |id, ts: &str, level: &str, event: &str, n: i64| {
            let payload = format!("{{\"entry\":{n},\"note\":\"ein Wort für {n}\"}}");
            (id, ts.to_owned(), level.to_owned(), event.to_owned(), payload)
        };
        assert_eq!(
            shown,
            [
                own(1, "2023-11-14T22:13:20.045Z", "INFO", "join.accepted", 1),
                own(10, "2023-11-14T22:13:21.545Z", "WARN", "switch.set", 2),
            ]
        );
    });
}

#[test]
fn nothing_is_written_through_the_view() {
    on_each_engine(|store| {
        fill(store);
        for sql in [
            "DELETE FROM rounds_audit_events",
            "UPDATE rounds_audit_events SET event = 'x'",
            "INSERT INTO rounds_audit_events (id, event) VALUES (99, 'x')",
        ] {
            let refused = typed(store, sql);
            assert!(matches!(refused, Err(StoreError::Statement(_))), "{sql}: {refused:?}");
        }
        assert!(verified(store, None).is_clean());
    });
}

#[test]
fn the_guards_may_be_put_on_twice() {
    on_each_engine(|store| {
        typed(store, &bursar_audit::guards(store.kind()).sql_for(store.kind())).unwrap();
    });
}
