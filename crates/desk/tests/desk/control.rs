//! Changes of switches and settings reach the audit log once; stops in the control file become rows.

use bursar_audit::{Level, Recorder, SaltKey, StoredEvent, verify};
use bursar_control::{
    ConfigTable, ControlFile, RecordedStop, StopSource, SwitchChange, SwitchState, Switchboard,
};
use bursar_desk::control_fold::{adopt_recorded_stops, fold, is_pending};
use bursar_store::Store;
use serde_json::Value;

use crate::rooms::{STOP, audit, on_each_engine, write};

fn recorder(chain: &str) -> Recorder {
    Recorder::new(chain, SaltKey::new([1; 32]))
}

fn stop(actor: &'static str) -> SwitchChange<'static> {
    let table = ConfigTable::ROUNDS;
    SwitchChange { table, switch: STOP, stop: true, actor, reason: "drill", expires_at: None }
}

fn fold_now(store: &Store, chain: &str) -> usize {
    store
        .transact("test.fold", |tx| {
            let now = tx.reading()?;
            fold(tx, &recorder(chain), now)
        })
        .unwrap()
}

fn payload(event: &StoredEvent) -> Value {
    serde_json::from_str(event.payload.as_deref().unwrap()).unwrap()
}

#[test]
fn a_change_is_folded_once_with_who_why_and_what_it_was() {
    on_each_engine(|test| {
        let store = test.store();
        write(&store, |tx, now| Switchboard::set(tx, &[stop("ann")], now));
        assert!(store.read("test.pending", is_pending).unwrap());
        assert_eq!((fold_now(&store, "one"), fold_now(&store, "two")), (1, 0));
        let events = audit(&store);
        assert_eq!(events.len(), 1);
        let event = &events[0];
        assert_eq!(
            (event.level, event.desk.as_str(), event.event.as_str()),
            (Level::Warn, "rounds", "control.switch_changed")
        );
        assert_eq!(
            (event.target_id.as_str(), event.actor_kind.as_str(), event.actor.as_str()),
            ("rounds/stop", "operator", "")
        );
        let told = payload(event);
        let field = |name: &str| told[name].as_str();
        assert_eq!(
            [field("old"), field("new"), field("actor"), field("reason")],
            [Some("off"), Some("on"), Some("ann"), Some("drill")]
        );
    });
}

#[test]
fn an_actor_that_is_an_id_stands_outside_the_payload() {
    on_each_engine(|test| {
        let store = test.store();
        write(&store, |tx, now| Switchboard::set(tx, &[stop("cli:root")], now));
        fold_now(&store, "one");
        assert_eq!(audit(&store)[0].actor, "cli:root");
    });
}

#[test]
fn a_hand_typed_change_is_folded_like_any_other() {
    on_each_engine(|test| {
        let store = test.store();
        write(&store, |tx, _| tx.batch_execute("UPDATE rounds_config SET value = '7' WHERE key = 'limit'"));
        assert_eq!(fold_now(&store, "one"), 1);
        let event = &audit(&store)[0];
        assert_eq!((event.event.as_str(), event.actor_kind.as_str()), ("control.setting_changed", "sql"));
        assert_eq!((&payload(event)["old"], &payload(event)["new"]), (&"3".into(), &"7".into()));
    });
}

#[test]
fn folded_events_are_under_the_chain() {
    on_each_engine(|test| {
        let store = test.store();
        for actor in ["ann", "bob"] {
            write(&store, |tx, now| {
                let stop = SwitchChange { stop: actor == "ann", ..stop(actor) };
                Switchboard::set(tx, &[stop], now)?;
                fold(tx, &recorder("one"), now).map(|_| ())
            });
        }
        let verified = store.read("test.verify", |tx| verify(tx, None)).unwrap();
        assert_eq!((verified.events, verified.links, verified.is_clean()), (2, 2, true));
    });
}

#[test]
fn a_stop_in_the_control_file_becomes_a_row_and_leaves_the_file() {
    on_each_engine(|test| {
        let Some(folder) = test.folder() else { return };
        let store = test.store();
        let file = ControlFile::beside(&folder.join("test.db"));
        let board = Switchboard::new([], Some(file.clone()));
        board.guard(&store);
        let recorded = |key: &str| {
            let [desk, key, actor, reason] = ["rounds", key, "cli:root", "fire"].map(str::to_owned);
            RecordedStop { desk, key, actor, reason, at_ms: 1, expires_at_ms: None }
        };
        file.record(&[recorded("stop"), recorded("unknown")]).unwrap();
        let known = [(ConfigTable::ROUNDS, STOP)];
        let adopt = || adopt_recorded_stops(&store, &board, &recorder("one"), &known).unwrap();
        assert_eq!((adopt(), adopt()), (1, 0));
        let state = store.read("test.state", |tx| {
            let now = tx.reading()?;
            board.peek(tx, ConfigTable::ROUNDS, &[STOP], now)
        });
        assert_eq!(state.unwrap(), [SwitchState::Stopped(StopSource::Row)]);
        // What no switch here is called stays recorded: somebody else may know it.
        assert_eq!(file.stops().unwrap(), [recorded("unknown")]);
        let events = audit(&store);
        assert_eq!((events.len(), events[0].actor.as_str()), (1, "cli:root"));
        assert_eq!(payload(&events[0])["reason"], "fire");
    });
}
