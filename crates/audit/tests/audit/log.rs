//! A small log to look at and to tamper with.

use bursar_audit::{
    Actor, Anchor, Event, Level, Recorder, SaltKey, Target, Verification, take_anchor, verify,
};
use bursar_store::{EngineKind, Migration, StoreError, Tx};
use bursar_test_stores::TestStore;

pub const SALTS: [u8; 32] = [7; 32];

/// Runs `test` on an empty log on each engine.
pub fn on_each_engine(mut test: impl FnMut(&TestStore)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        test(&empty(kind));
    }
}

pub fn empty(kind: EngineKind) -> TestStore {
    let migrations: Vec<Migration> =
        bursar_audit::MIGRATIONS.into_iter().chain([bursar_audit::guards(kind)]).collect();
    TestStore::with(kind, &migrations, |_| {})
}

pub fn recorder(chain: &str) -> Recorder {
    Recorder::new(chain, SaltKey::new(SALTS))
}

/// An event of the rounds desk about entry `n`.
pub fn event(name: &'static str, n: i64) -> Event {
    Event {
        level: Level::Info,
        desk: "rounds",
        name,
        actor: Actor { kind: "player", id: format!("wallet-{n}") },
        target: Target { kind: "entry", id: format!("entry-{n}") },
        request_id: (n % 2 == 0).then(|| format!("request-{n}")),
        correlation_id: (n % 3 == 0).then(|| format!("correlation-{n}")),
        payload: format!("{{\"entry\":{n},\"note\":\"ein Wort für {n}\"}}"),
    }
}

/// Records events of these names under one link; the number of the first.
pub fn record(store: &TestStore, chain: &str, names: &[&'static str]) -> i64 {
    let events: Vec<Event> = (1..).zip(names).map(|(n, name)| event(name, n)).collect();
    let recorder = recorder(chain);
    store.store().transact("test.record", |tx| recorder.record(tx, &events, store.now())).unwrap()
}

/// Eight events of two writers that took turns: chain a has links over 1-3, 5-6 and 8, chain b over 4 and 7.
pub fn fill(store: &TestStore) {
    record(store, "a", &["join.accepted", "join.accepted", "join.rejected"]);
    record(store, "b", &["settle.started"]);
    store.advance_ms(1_500);
    record(store, "a", &["join.accepted", "settle_error"]);
    record(store, "b", &["settle.finished"]);
    record(store, "a", &["join.accepted"]);
}

/// The links of [`fill`].
pub const LINKS: [(&str, i64); 5] = [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3)];
/// The last event of [`fill`].
pub const LAST_EVENT: i64 = 8;

pub fn anchor(store: &TestStore) -> Anchor {
    store.store().read("test.anchor", take_anchor).unwrap()
}

pub fn verified(store: &TestStore, anchor: Option<&Anchor>) -> Verification {
    store.store().read("test.verify", |tx| verify(tx, anchor)).unwrap()
}

/// Runs `work` with the guards away, and undoes everything afterwards.
pub fn unguarded<T>(store: &TestStore, mut work: impl FnMut(&mut Tx<'_>) -> T) -> T {
    let mut done = None;
    let result = store.store().transact("test.tamper", |tx| {
        remove_guards(tx)?;
        done = Some(work(tx));
        Err::<(), _>(StoreError::Statement("undone on purpose".into()))
    });
    done.unwrap_or_else(|| panic!("the work did not run: {result:?}"))
}

/// What verification finds after the statements of `sql`, which are undone.
pub fn found_after(store: &TestStore, anchor: Option<&Anchor>, sql: &str) -> Verification {
    unguarded(store, |tx| {
        tx.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        verify(tx, anchor).unwrap_or_else(|error| panic!("verifying after {sql}: {error}"))
    })
}

pub fn remove_guards(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    match tx.engine() {
        EngineKind::Sqlite => tx.batch_execute(
            "DROP TRIGGER audit_events_unchanged; DROP TRIGGER audit_events_kept; \
             DROP TRIGGER audit_links_unchanged; DROP TRIGGER audit_links_kept",
        ),
        EngineKind::Postgres => tx.batch_execute(
            "DROP TRIGGER audit_events_kept ON audit_events; DROP TRIGGER audit_links_kept ON audit_links",
        ),
    }
}

/// A literal of bytes.
pub fn bytes(engine: EngineKind, hex: &str) -> String {
    match engine {
        EngineKind::Sqlite => format!("X'{hex}'"),
        EngineKind::Postgres => format!("'\\x{hex}'::bytea"),
    }
}

/// An expression for a time 1 ms after the column `at`.
pub fn later(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Sqlite => "at + 1",
        EngineKind::Postgres => "at + interval '1 millisecond'",
    }
}
