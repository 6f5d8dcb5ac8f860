//! Every way of changing a log by hand is found, and named for what it is.

use bursar_audit::{Finding, verify};
use bursar_store::{EngineKind, Param, Tx};
use bursar_test_stores::TestStore;

use crate::log::{
    LAST_EVENT, LINKS, anchor, bytes, empty, fill, found_after, later, on_each_engine, record, unguarded,
    verified,
};

fn assert_found(store: &TestStore, sql: &str) {
    assert!(!found_after(store, None, sql).is_clean(), "not found: {sql}");
}

/// What verification finds after `sql`, with the anchor of the untouched log.
fn findings(store: &TestStore, sql: &str) -> Vec<Finding> {
    found_after(store, Some(&anchor(store)), sql).findings
}

#[test]
fn an_edit_of_any_column_of_any_event_is_found() {
    on_each_engine(|store| {
        fill(store);
        let zeros = bytes(store.kind(), &"00".repeat(32));
        let mut edits: Vec<(&str, String)> = vec![
            ("id", "id + 1000".into()),
            ("id", "-id".into()),
            ("at", later(store.kind()).into()),
            ("level", "(level + 1) % 3".into()),
            ("level", "level + 7".into()),
            ("salt", zeros.clone()),
            ("payload_digest", zeros),
        ];
        for column in ["desk", "event", "actor_kind", "actor", "target_type", "target_id", "payload"] {
            edits.push((column, format!("{column} || 'x'")));
            edits.push((column, "''".into()));
        }
        for column in ["request_id", "correlation_id"] {
            edits.push((column, format!("CASE WHEN {column} IS NULL THEN '' ELSE NULL END")));
            edits.push((column, format!("COALESCE({column}, '') || 'x'")));
        }
        for column in ["payload", "salt"] {
            edits.push((column, "NULL".into()));
        }
        for (column, value) in &edits {
            for id in 1..=LAST_EVENT {
                assert_found(store, &format!("UPDATE audit_events SET {column} = {value} WHERE id = {id}"));
            }
        }
    });
}

#[test]
fn an_edit_of_any_column_of_any_link_is_found() {
    on_each_engine(|store| {
        fill(store);
        let zeros = bytes(store.kind(), &"00".repeat(32));
        let edits = [
            ("chain", "chain || 'x'"),
            ("number", "number + 100"),
            ("number", "-number"),
            ("first_event", "first_event + 1"),
            ("first_event", "first_event - 1"),
            ("last_event", "last_event + 1"),
            ("last_event", "last_event - 1"),
            ("last_event", "9223372036854775807"),
            ("previous", zeros.as_str()),
            ("hash", zeros.as_str()),
            ("at", later(store.kind())),
        ];
        for (column, value) in edits {
            for (chain, number) in LINKS {
                let sql = format!("UPDATE audit_links SET {column} = {value}");
                assert_found(store, &format!("{sql} WHERE chain = '{chain}' AND number = {number}"));
            }
        }
    });
}

#[test]
fn an_edited_payload_is_named_by_its_event() {
    on_each_engine(|store| {
        fill(store);
        let sql = "UPDATE audit_events SET payload = '{}' WHERE id = 5";
        assert_eq!(findings(store, sql), [Finding::PayloadEdited { event: 5 }]);
        // With a digest made to fit, the link does not.
        let sql = "UPDATE audit_events SET payload_digest = salt WHERE id = 5";
        let link = Finding::LinkMismatch { chain: "a".into(), number: 2, first_event: 5, last_event: 6 };
        assert_eq!(findings(store, sql), [Finding::PayloadEdited { event: 5 }, link]);
    });
}

#[test]
fn payloads_that_were_blanked_by_hand_are_named() {
    on_each_engine(|store| {
        fill(store);
        let sql = "UPDATE audit_events SET payload = NULL, salt = NULL WHERE id IN (2, 3, 4, 7)";
        let blank = |first, last| Finding::PayloadsBlank { first, last };
        assert_eq!(findings(store, sql), [blank(2, 4), blank(7, 7)]);
    });
}

#[test]
fn deleted_events_are_named_with_their_link() {
    on_each_engine(|store| {
        fill(store);
        let gone = |number, first, last| {
            let chain = "a".to_owned();
            vec![Finding::EventsMissing { chain, number, first, last }]
        };
        assert_eq!(findings(store, "DELETE FROM audit_events WHERE id = 1"), gone(1, 1, 1));
        assert_eq!(findings(store, "DELETE FROM audit_events WHERE id = 2"), gone(1, 2, 2));
        assert_eq!(findings(store, "DELETE FROM audit_events WHERE id IN (2, 3)"), gone(1, 2, 3));
        assert_eq!(findings(store, "DELETE FROM audit_events WHERE id = 8"), gone(3, 8, 8));
    });
}

#[test]
fn events_that_were_slipped_in_are_named() {
    on_each_engine(|store| {
        fill(store);
        let columns = "at, level, desk, event, actor_kind, actor, target_type, target_id, payload, salt, \
                       payload_digest";
        let copies =
            format!("INSERT INTO audit_events (id, {columns}) SELECT id + 8, {columns} FROM audit_events");
        let outside = |first, last| vec![Finding::EventsOutsideLinks { first, last }];
        assert_eq!(findings(store, &copies), outside(9, 16));
        assert_eq!(findings(store, &copies.replace("id + 8", "id - 8")), outside(-7, 0));
    });
}

#[test]
fn a_deleted_link_leaves_its_events_outside_and_a_hole_in_its_chain() {
    on_each_engine(|store| {
        fill(store);
        let delete = |number: i64| format!("DELETE FROM audit_links WHERE chain = 'a' AND number = {number}");
        let place = Finding::LinkOutOfPlace { chain: "a".into(), number: 3, expected: 2 };
        let outside = |first, last| Finding::EventsOutsideLinks { first, last };
        assert_eq!(findings(store, &delete(2)), [outside(5, 6), place]);
        assert_eq!(found_after(store, None, &delete(3)).findings, [outside(8, 8)]);
    });
}

#[test]
fn links_that_changed_places_are_found() {
    on_each_engine(|store| {
        fill(store);
        let exchanged = "UPDATE audit_links SET number = 50 WHERE chain = 'a' AND number = 1; \
                         UPDATE audit_links SET number = 1 WHERE chain = 'a' AND number = 2; \
                         UPDATE audit_links SET number = 2 WHERE chain = 'a' AND number = 50";
        let found = findings(store, exchanged);
        let place = Finding::LinkOutOfPlace { chain: "a".into(), number: 2, expected: 1 };
        assert_eq!(found.first(), Some(&place));
        assert_found(store, "UPDATE audit_links SET number = number + 10 WHERE chain = 'b'");
        assert_found(store, "UPDATE audit_links SET chain = 'c' WHERE chain = 'b'");
    });
}

#[test]
fn events_that_changed_places_are_found() {
    on_each_engine(|store| {
        fill(store);
        for (one, other) in [(1, 2), (2, 3), (3, 4), (5, 6), (4, 7)] {
            let swap = format!(
                "UPDATE audit_events SET id = -1 WHERE id = {one}; \
                 UPDATE audit_events SET id = {one} WHERE id = {other}; \
                 UPDATE audit_events SET id = {other} WHERE id = -1"
            );
            assert_found(store, &swap);
        }
    });
}

#[test]
fn a_link_that_claims_events_of_another_is_found() {
    on_each_engine(|store| {
        fill(store);
        let sql = "UPDATE audit_links SET first_event = 5, last_event = 6 WHERE chain = 'b' AND number = 2";
        let overlap = Finding::LinksOverlap { chain: "b".into(), number: 2 };
        assert!(findings(store, sql).contains(&overlap));
    });
}

#[test]
fn an_event_that_was_edited_together_with_the_hash_of_its_link_breaks_the_next_link() {
    on_each_engine(|store| {
        fill(store);
        let forged = empty(store.kind());
        record(&forged, "a", &["join.accepted", "join.accepted", "join.accepted"]);
        let hash: String = anchor(&forged).heads[0].hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = bytes(store.kind(), &hash);
        let sql = format!(
            "UPDATE audit_events SET event = 'join.accepted' WHERE id = 3; \
             UPDATE audit_links SET hash = {hash} WHERE chain = 'a' AND number = 1"
        );
        assert_eq!(findings(store, &sql), [Finding::PreviousBroken { chain: "a".into(), number: 2 }]);
    });
}

#[test]
fn a_cut_tail_shows_against_an_anchor_and_only_there() {
    on_each_engine(|store| {
        fill(store);
        let cut = "DELETE FROM audit_events WHERE id = 8; \
                   DELETE FROM audit_links WHERE chain = 'a' AND number = 3";
        assert!(found_after(store, None, cut).is_clean());
        let tail = Finding::TailMissing { chain: "a".into(), number: 2, anchored: 3 };
        assert_eq!(findings(store, cut), [tail]);
        let vanished =
            "DELETE FROM audit_events WHERE id IN (4, 7); DELETE FROM audit_links WHERE chain = 'b'";
        assert!(found_after(store, None, vanished).is_clean());
        assert_eq!(findings(store, vanished), [Finding::ChainVanished { chain: "b".into(), anchored: 2 }]);
    });
}

#[test]
fn a_chain_that_was_written_anew_shows_against_an_anchor() {
    on_each_engine(|store| {
        record(store, "a", &["settle.started", "settle_error"]);
        let anchor = anchor(store);
        let forged = empty(store.kind());
        record(&forged, "a", &["settle.started", "settle.finished"]);
        record(&forged, "a", &["join.accepted"]);
        assert!(verified(&forged, None).is_clean());
        let mismatch = Finding::AnchorMismatch { chain: "a".into(), number: 1 };
        assert_eq!(verified(&forged, Some(&anchor)).findings, [mismatch]);
    });
}

#[test]
fn a_log_that_grew_after_the_anchor_is_clean() {
    on_each_engine(|store| {
        fill(store);
        let anchor = anchor(store);
        record(store, "a", &["x"]);
        record(store, "c", &["x"]);
        assert!(verified(store, Some(&anchor)).is_clean());
    });
}

#[test]
fn tampering_on_both_sides_of_a_page_is_found() {
    on_each_engine(|store| {
        store
            .store()
            .transact("test.fill", |tx| {
                let many: Vec<_> = (0..1_100).map(|n| crate::log::event("x", n)).collect();
                let recorder = crate::log::recorder("a");
                recorder.record(tx, &many, store.now())?;
                for one in many.chunks(1) {
                    recorder.record(tx, one, store.now())?;
                }
                Ok(())
            })
            .unwrap();
        let result = verified(store, None);
        assert_eq!((result.links, result.events, result.findings.as_slice()), (1_101, 2_200, &[][..]));
        for id in [1, 499, 500, 501, 1_000, 1_001, 1_100, 1_101, 2_100, 2_200] {
            assert_found(store, &format!("DELETE FROM audit_events WHERE id = {id}"));
            assert_found(store, &format!("UPDATE audit_events SET actor = 'x' WHERE id = {id}"));
        }
        for number in [2, 999, 1_000, 1_001, 1_101] {
            assert_found(store, &format!("DELETE FROM audit_links WHERE number = {number}"));
        }
        let torn = found_after(store, None, "DELETE FROM audit_events WHERE id > 1100");
        assert_eq!((torn.findings.len(), torn.findings_left_off), (1_000, 100));
    });
}

#[test]
fn every_flipped_bit_of_an_embedded_log_is_found() {
    let store = empty(EngineKind::Sqlite);
    fill(&store);
    unguarded(&store, |tx| {
        for id in 1..=LAST_EVENT {
            let event: EventBytes = tx
                .query_first(
                    "SELECT CAST(payload AS BLOB), salt, payload_digest FROM audit_events WHERE id = $1",
                    &[id.into()],
                    |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]),
                )
                .unwrap()
                .unwrap();
            let sqls = [
                "UPDATE audit_events SET payload = CAST($1 AS TEXT) WHERE id = $2",
                "UPDATE audit_events SET salt = $1 WHERE id = $2",
                "UPDATE audit_events SET payload_digest = $1 WHERE id = $2",
            ];
            for (sql, value) in sqls.into_iter().zip(event) {
                flip_each_bit(tx, sql, value, &[id.into()]);
            }
        }
        for (chain, number) in LINKS {
            let key = [Param::Text(chain), number.into()];
            let link: [Vec<u8>; 2] = tx
                .query_first(
                    "SELECT previous, hash FROM audit_links WHERE chain = $1 AND number = $2",
                    &key,
                    |row| Ok([row.get(0)?, row.get(1)?]),
                )
                .unwrap()
                .unwrap();
            let sqls = [
                "UPDATE audit_links SET previous = $1 WHERE chain = $2 AND number = $3",
                "UPDATE audit_links SET hash = $1 WHERE chain = $2 AND number = $3",
            ];
            for (sql, value) in sqls.into_iter().zip(link) {
                flip_each_bit(tx, sql, value, &key);
            }
        }
        assert!(verify(tx, None).unwrap().is_clean());
    });
}

type EventBytes = [Vec<u8>; 3];

/// Sets `value` with each of its bits turned, one at a time, and puts it back.
fn flip_each_bit(tx: &mut Tx<'_>, sql: &'static str, value: Vec<u8>, key: &[Param<'_>]) {
    let set = |tx: &mut Tx<'_>, value: &[u8]| {
        let params = [&[Param::Bytes(value)], key].concat();
        assert_eq!(tx.execute(sql, &params).unwrap(), 1);
    };
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        set(tx, &flipped);
        assert!(!verify(tx, None).unwrap().is_clean(), "{sql}: bit {bit} of {key:?}");
    }
    set(tx, &value);
}

#[test]
fn values_of_a_wrong_type_are_findings_not_failures() {
    let store = empty(EngineKind::Sqlite);
    fill(&store);
    for (column, value) in [
        ("at", "X'FF'"),
        ("level", "X'FF'"),
        ("desk", "X'FF'"),
        ("request_id", "X'FF'"),
        ("payload", "CAST(payload AS BLOB)"),
        ("salt", "'text'"),
        ("payload_digest", "'text'"),
    ] {
        let found = findings(&store, &format!("UPDATE audit_events SET {column} = {value} WHERE id = 4"));
        assert!(matches!(found[..], [Finding::EventUnreadable { event: 4, .. }]), "{column}: {found:?}");
    }
    for column in ["chain", "number", "first_event", "last_event", "previous", "hash", "at"] {
        let value = if column == "hash" || column == "previous" { "'text'" } else { "X'FF'" };
        let sql = format!("UPDATE audit_links SET {column} = {value} WHERE chain = 'b' AND number = 1");
        let found = findings(&store, &sql);
        assert!(found.iter().any(|found| matches!(found, Finding::LinkUnreadable { .. })), "{column}");
    }
}

#[test]
fn every_finding_says_where_and_what_to_do() {
    on_each_engine(|store| {
        fill(store);
        let found = findings(store, "DELETE FROM audit_events WHERE id = 2");
        let text = found[0].to_string();
        assert_eq!(
            text,
            "events 2 to 2 under link 1 of a were deleted; find them in a backup or in what the webhook received, \
             and ask who may write to the database"
        );
    });
}
