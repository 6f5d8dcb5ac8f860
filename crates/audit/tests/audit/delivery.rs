//! What leaves by webhook, when, and how often.

use bursar_audit::{
    Actor, Delivery, Event, Level, due_deliveries, mark_delivered, mark_failed, redact, sign,
};
use bursar_store::{EngineKind, StoreError, Timestamp, Tx};
use bursar_test_stores::{START_MS, TestStore};

use crate::log::{empty, event, on_each_engine, record, recorder, remove_guards};

fn transact<T>(store: &TestStore, work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> T {
    store.store().transact("test.deliver", work).unwrap()
}

fn due(store: &TestStore) -> Vec<Delivery> {
    transact(store, |tx| due_deliveries(tx, store.now(), 10))
}

fn numbers(deliveries: &[Delivery]) -> Vec<i64> {
    deliveries.iter().map(|delivery| delivery.event).collect()
}

fn record_one(store: &TestStore, event: &Event) -> i64 {
    transact(store, |tx| recorder("a").record(tx, std::slice::from_ref(event), store.now()))
}

#[test]
fn what_is_due_is_claimed_until_it_could_have_timed_out_and_gone_once_delivered() {
    on_each_engine(|store| {
        record(store, "a", &["a_error", "join.accepted", "b_denied"]);
        let first = due(store);
        assert_eq!(numbers(&first), [1, 3]);
        // Ten deliveries of at most 2.5 s, and 10 s to spare.
        store.advance_ms(34_999);
        assert_eq!(due(store), []);
        store.advance_ms(1);
        assert_eq!(due(store), first);
        transact(store, |tx| first.iter().try_for_each(|delivery| mark_delivered(tx, delivery)));
        store.advance_ms(1_000_000);
        assert_eq!(due(store), []);
    });
}

#[test]
fn the_oldest_go_first_and_no_more_than_asked_for() {
    on_each_engine(|store| {
        record(store, "a", &["a_error", "b_error", "c_error"]);
        let two = transact(store, |tx| due_deliveries(tx, store.now(), 2));
        assert_eq!(numbers(&two), [1, 2]);
        assert_eq!(numbers(&due(store)), [3]);
    });
}

#[test]
fn a_failed_delivery_waits_twice_as_long_each_time_and_at_most_an_hour() {
    on_each_engine(|store| {
        record(store, "a", &["a_error"]);
        let mut waits = Vec::new();
        for failures in 0..12 {
            let delivery = due(store).remove(0);
            assert_eq!(delivery.attempts, failures);
            transact(store, |tx| mark_failed(tx, &delivery, store.now()));
            let next = transact(store, |tx| {
                tx.query_first("SELECT next_at FROM audit_outbox", &[], |row| row.get::<Timestamp>(0))
            });
            let next = next.unwrap();
            waits.push((next.ms() - store.now().ms()) / 1_000);
            store.set_time(Timestamp::from_ms(next.ms() - 1));
            assert_eq!(due(store), []);
            store.set_time(next);
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
    });
}

#[test]
fn a_delivery_that_somebody_else_finished_stays_finished() {
    on_each_engine(|store| {
        record(store, "a", &["a_error"]);
        let delivery = due(store).remove(0);
        transact(store, |tx| mark_delivered(tx, &delivery));
        transact(store, |tx| mark_failed(tx, &delivery, store.now()));
        store.advance_ms(10_000_000);
        assert_eq!(due(store), []);
    });
}

#[test]
fn two_senders_at_once_never_get_the_same_event() {
    let store = empty(EngineKind::Postgres);
    let mut got = Vec::new();
    for _ in 0..10 {
        record(&store, "a", &["a_error"; 20]);
        let senders = [(); 4].map(|()| {
            let (store, now) = (store.store(), store.now());
            std::thread::spawn(move || store.transact("test.claim", |tx| due_deliveries(tx, now, 7)).unwrap())
        });
        senders.into_iter().for_each(|sender| got.extend(numbers(&sender.join().unwrap())));
    }
    // Whatever a sender was beaten to is still there for the next sweep.
    while let more @ [_, ..] = due(&store).as_slice() {
        got.extend(numbers(more));
    }
    got.sort_unstable();
    assert_eq!(got, (1..=200).collect::<Vec<i64>>());
}

#[test]
fn the_body_is_the_desks_own_record_with_number_desk_level_and_digest() {
    on_each_engine(|store| {
        store.set_time(Timestamp::from_ms(START_MS + 7));
        let rounds = Event {
            level: Level::Warn,
            payload: "{\"big\":340282366920938463463374607431768211455}".into(),
            ..event("switch.\"set\"", 1)
        };
        let commitments = Event { desk: "commitments", payload: "{ }".into(), ..event("admin_login", 2) };
        record_one(store, &rounds);
        record_one(store, &commitments);
        let due = due(store);
        let digest = |id: i64| {
            let sql = "SELECT payload_digest FROM audit_events WHERE id = $1";
            let read = |tx: &mut Tx<'_>| tx.query_first(sql, &[id.into()], |row| row.get::<Vec<u8>>(0));
            store
                .store()
                .read("t", read)
                .unwrap()
                .unwrap()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        assert_eq!(
            due[0].body,
            format!(
                "{{\"id\":1,\"ts\":\"2023-11-14T22:13:20.007Z\",\"level\":\"WARN\",\"desk\":\"rounds\",\
                 \"event\":\"switch.\\\"set\\\"\",\"payload\":{{\"big\":340282366920938463463374607431768211455}},\
                 \"digest\":\"{}\"}}",
                digest(1)
            )
        );
        assert_eq!(
            due[1].body,
            format!(
                "{{\"id\":2,\"ts\":\"2023-11-14T22:13:20.007Z\",\"ts_unix\":1700000000,\"level\":\"INFO\",\
                 \"desk\":\"commitments\",\"event\":\"admin_login\",\"fields\":{{ }},\"digest\":\"{}\"}}",
                digest(2)
            )
        );
    });
}

#[test]
fn a_payload_that_is_no_json_or_was_erased_still_makes_a_json_body() {
    on_each_engine(|store| {
        record_one(store, &Event { payload: "say \"hi\"\n".into(), ..event("a_error", 1) });
        record_one(store, &event("b_error", 2));
        let actor = Actor::system("test");
        transact(store, |tx| redact(tx, &recorder("a"), &[2], "asked for", &actor, store.now())).unwrap();
        let due = due(store);
        assert!(due[0].body.contains("\"payload\":\"say \\\"hi\\\"\\n\",\"digest\""), "{}", due[0].body);
        assert!(due[1].body.contains("\"payload\":null,\"digest\""), "{}", due[1].body);
    });
}

#[test]
fn the_headers_name_the_event_and_sign_the_body_when_there_is_a_secret() {
    let delivery = Delivery { event: 17, attempts: 0, body: "{\"id\":17}".into() };
    let now = Timestamp::from_ms(START_MS);
    let number = ("X-Bursar-Delivery", "17".to_owned());
    assert_eq!(delivery.headers(&[], now), std::slice::from_ref(&number));
    let signature = ("X-Bursar-Signature", sign(&[b"secret"], now, "{\"id\":17}"));
    assert_eq!(delivery.headers(&[b"secret"], now), [number, signature]);
}

#[test]
fn an_event_that_cannot_be_read_does_not_hold_up_the_others() {
    on_each_engine(|store| {
        record(store, "a", &["a_error", "b_error", "c_error"]);
        transact(store, |tx| {
            remove_guards(tx)?;
            tx.batch_execute(
                "UPDATE audit_events SET level = 9 WHERE id = 1; DELETE FROM audit_events WHERE id = 2",
            )
        });
        assert_eq!(numbers(&due(store)), [3]);
        let put_off = transact(store, |tx| {
            let sql = "SELECT event, attempts, next_at FROM audit_outbox WHERE attempts > 0 ORDER BY event";
            tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        });
        let later = store.now().after_ms(5_000);
        assert_eq!(put_off, [(1, 1, later), (2, 1, later)]);
    });
}
