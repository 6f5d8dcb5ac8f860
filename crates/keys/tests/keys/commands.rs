//! What `bursar keys list|add|rotate|retire|verify` answer, and what they leave in the audit log.

use bursar_access::Draft;
use bursar_audit::{EventFilter, Recorder, SaltKey, events};
use bursar_keys::{KeyCommands, KeyFault, Keystore, Origin};
use bursar_store::Store;

use crate::scene::{PUBLIC, SECRET, Scene, id, kek, keystore, new_key, on_each_engine, policy, secret};

/// Runs verbs as root with this ring.
fn with<T>(scene: &Scene, keystore: &Keystore, run: impl FnOnce(&KeyCommands<'_>) -> T) -> T {
    drafting(scene, keystore, None, run)
}

/// The same, with a draft if there is one.
fn drafting<T>(
    scene: &Scene,
    keystore: &Keystore,
    draft: Option<&Draft>,
    run: impl FnOnce(&KeyCommands<'_>) -> T,
) -> T {
    let recorder = Recorder::new(format!("test/{}", keystore.ring().current_id()), SaltKey::new([7; 32]));
    let store: &Store = &scene.store();
    run(&KeyCommands { keystore, store, recorder: &recorder, actor: &scene.root, approval: None, draft })
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, KeyFault>) -> &'static str {
    match outcome.unwrap_err() {
        KeyFault::Key(error) => error.code(),
        KeyFault::Store(error) => panic!("{error}"),
    }
}

fn recorded(scene: &Scene) -> Vec<String> {
    let events = scene.read(|tx| events(tx, &EventFilter::default()));
    events.into_iter().map(|event| event.event).collect()
}

#[test]
fn a_key_is_added_listed_limited_stopped_and_retired_and_each_change_is_recorded_once() {
    on_each_engine(|scene| {
        let keystore = keystore("1");
        with(scene, &keystore, |keys| {
            let added = keys.add(&new_key("hot-1", Origin::Import(secret(SECRET)))).unwrap();
            assert_eq!((added.public_key.as_str(), added.state, added.policy), (PUBLIC, "active", None));
            let limited = keys.set_policy(&id("hot-1"), &policy()).unwrap();
            assert_eq!(
                limited.policy.unwrap(),
                "asset=BAN payment_max=100 listed_only=false hold_ms=0 approval=none caps=86400000ms:150"
            );
            let stopped = keys.stop(&id("hot-1"), "drill").unwrap();
            assert_eq!((stopped.state, stopped.reason.as_deref()), ("stopped", Some("drill")));
            assert_eq!(keys.resume(&id("hot-1"), "drill over").unwrap().state, "active");
            let ann = bursar_chain::Address::from_canonical("ann".into());
            keys.list_destination(&id("hot-1"), &ann, true).unwrap();
            let (retired, unopened) = keys.retire(&id("hot-1"), "replaced").unwrap();
            assert_eq!(unopened, None);
            assert_eq!((retired.state, retired.reason.as_deref()), ("retired", Some("replaced")));
            let again = keys.retire(&id("hot-1"), "replaced").unwrap_err();
            assert!(matches!(again, KeyFault::Key(error) if error.code() == "nothing_to_change"));
            let list = keys.list().unwrap();
            assert_eq!((list.keys.len(), list.keks.len(), list.rotation), (1, 1, None));
        });
        let expected = ["added", "policy_set", "stopped", "resumed", "destination_listed", "retired"];
        assert_eq!(recorded(scene), expected.map(|name| format!("keys.{name}")));
    });
}

#[test]
fn a_rotation_moves_everything_in_chunks_and_is_recorded_once() {
    on_each_engine(|scene| {
        let old = keystore("1");
        for number in 0..40 {
            scene.add(&new_key(&format!("hot-{number}"), Origin::Generate)).unwrap();
        }
        let both = keystore("21");
        let rotated = with(scene, &both, |keys| keys.rotate()).unwrap();
        assert_eq!((&rotated.kek, rotated.is_resumed, rotated.moved), (kek('2').id(), false, 40));
        assert_eq!((rotated.stuck.len(), rotated.keks.len(), rotated.keks[0].secrets), (0, 1, 40));
        let verified = with(scene, &both, |keys| keys.verify()).unwrap();
        assert!(verified.is_sound && verified.keys.len() == 40);
        let unopened = with(scene, &old, |keys| keys.verify()).unwrap();
        assert!(!unopened.is_sound && unopened.keys.iter().all(|(_, word)| *word == "kek_missing"));
        assert_eq!(recorded(scene), ["keys.rotation_begun"]);
    });
}

#[test]
fn a_rotation_that_cannot_open_a_secret_says_whose_and_is_resumed_later() {
    on_each_engine(|scene| {
        for name in ["hot-1", "hot-2"] {
            scene.add(&new_key(name, Origin::Generate)).unwrap();
        }
        // This process lacks the key that everything is sealed with.
        let lacking = keystore("2");
        let rotated = with(scene, &lacking, |keys| keys.rotate()).unwrap();
        let stuck: Vec<&str> = rotated.stuck.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!((stuck, rotated.moved), (vec!["hot-1", "hot-2"], 0));
        let list = with(scene, &lacking, |keys| keys.list()).unwrap();
        assert_eq!(list.rotation.unwrap().kek, *kek('2').id());
        let both = keystore("21");
        let resumed = with(scene, &both, |keys| keys.rotate()).unwrap();
        assert_eq!((resumed.is_resumed, resumed.moved, resumed.stuck.len()), (true, 2, 0));
    });
}

#[test]
fn what_is_only_drafted_is_not_done_whichever_verb_it_is() {
    on_each_engine(|scene| {
        for name in ["hot-1", "hot-2"] {
            scene.add(&new_key(name, Origin::Generate)).unwrap();
        }
        let (both, draft) = (keystore("21"), Draft::default());
        let drafted = || draft.take().map(|drafted| drafted.act.action);
        drafting(scene, &both, Some(&draft), |keys| {
            assert_eq!(refused(keys.rotate()), "approval_needed");
            assert_eq!(drafted().as_deref(), Some("keys.rotate"));
            assert_eq!(refused(keys.retire(&id("hot-1"), "old")), "approval_needed");
            assert_eq!(drafted().as_deref(), Some("keys.retire"));
            assert_eq!(refused(keys.stop(&id("hot-1"), "leak")), "approval_not_needed");
        });
        // One that is under way asks nobody any more, and goes on for whoever means it.
        scene.write(|tx, now| both.begin_rotation(tx, &bursar_access::By::new(&scene.root, now))).unwrap();
        drafting(scene, &both, Some(&draft), |keys| {
            assert_eq!(refused(keys.rotate()), "approval_not_needed");
        });
        assert_eq!((drafted(), recorded(scene)), (None, vec![]));
        let list = with(scene, &both, |keys| keys.list()).unwrap();
        assert_eq!((list.rotation.unwrap().moved, list.keys[0].state), (0, "active"));
        assert_eq!(with(scene, &both, |keys| keys.rotate()).unwrap().moved, 2);
    });
}
