//! Rotation of the key-encryption key: whatever goes wrong between any two steps, every secret opens, and it goes on.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use bursar_access::{By, SeededEntropy};
use bursar_audit::{Recorder, SaltKey};
use bursar_keys::{
    Change, Credential, Endpoint, KeyCommands, KeyId, KeySecret, Keystore, Origin, PublicKey, Rejection,
    Rings, Rotation, keys_beyond,
};
use bursar_store::fault::{Faults, Injected, Step};
use bursar_store::{DatabaseUrl, EngineKind, Store, StoreError};

use crate::scene::{
    Scene, granted, id, kek, keystore, new_key, on_each_engine, pay, policy, rejected, ring, schemes, stops,
};

/// Keys of a rotation, moved so many at a time: three steps and one that finds nothing.
pub const KEYS: usize = 7;
pub const AT_ONCE: i64 = 3;

/// Adds the keys, one of them retired.
pub fn add_keys(scene: &Scene) {
    for number in 0..KEYS {
        scene.add(&new_key(&format!("hot-{number}"), Origin::Generate)).unwrap();
    }
    scene.retire("hot-3").unwrap();
}

/// Begins or goes on, until nothing is left.
pub fn rotate(keystore: &Keystore, store: &Store) -> Result<(Rotation, u64), StoreError> {
    let root = bursar_access::Actor::cli("root");
    let (rotation, _) = store
        .transact("keys.rotate_begin", |tx| {
            let now = tx.reading()?;
            keystore.begin_rotation(tx, &By::new(&root, now))
        })?
        .expect("leave to rotate");
    let (mut moved, mut after): (u64, Option<KeyId>) = (0, None);
    loop {
        let step = store.transact("keys.rotate", |tx| {
            let now = tx.reading()?;
            keystore.continue_rotation(tx, after.as_ref(), AT_ONCE, now)
        })?;
        let step = match step {
            Ok(step) => step,
            Err(error) => {
                assert_eq!(error, Rejection::NothingToChange.into());
                break;
            }
        };
        assert_eq!(step.stuck, []);
        moved += step.moved;
        if step.last.is_none() {
            break;
        }
        after = step.last;
    }
    Ok((rotation, moved))
}

/// How many secrets each held key seals, by its digit.
pub fn sealed_with(scene: &Scene, digit: char) -> u64 {
    let uses = scene.read(|tx| scene.keystore.kek_uses(tx));
    uses.iter().find(|used| used.kek == *kek(digit).id()).map_or(0, |used| used.secrets)
}

#[test]
fn all_secrets_move_and_the_old_key_can_go() {
    on_each_engine(|scene| {
        add_keys(scene);
        let both = keystore("21");
        let (rotation, moved) = rotate(&both, &scene.store()).unwrap();
        assert_eq!((&rotation.kek, moved), (kek('2').id(), 7));
        assert_eq!((sealed_with(scene, '1'), sealed_with(scene, '2')), (0, 7));
        assert_eq!(scene.read(|tx| both.rotation(tx)), None);
        let new_alone = keystore("2");
        let checks = scene.read(|tx| new_alone.verify(tx));
        assert!(checks.iter().all(|check| check.finding.is_sound()), "{checks:?}");
        assert!(checks[3].is_retired);
    });
}

#[test]
fn a_rotation_with_nothing_to_do_ends_at_once_and_without_one_there_is_no_step() {
    on_each_engine(|scene| {
        let now = scene.test.now();
        let step = || {
            scene
                .store()
                .transact("test.step", |tx| scene.keystore.continue_rotation(tx, None, AT_ONCE, now))
                .unwrap()
        };
        assert_eq!(rejected(step()), Rejection::NothingToChange);
        add_keys(scene);
        let (_, moved) = rotate(&scene.keystore, &scene.store()).unwrap();
        assert_eq!((moved, scene.read(|tx| scene.keystore.rotation(tx))), (0, None));
        assert_eq!(rejected(step()), Rejection::NothingToChange);
    });
}

#[test]
fn a_key_signs_and_is_added_while_the_rotation_is_under_way() {
    on_each_engine(|scene| {
        add_keys(scene);
        scene.key_with("hot-9", &policy());
        let both = keystore("21");
        let now = scene.test.now();
        let begun = scene.write(|tx, now| both.begin_rotation(tx, &By::new(&scene.root, now))).unwrap();
        assert!(begun.1.is_some());
        scene.write(|tx, _| both.continue_rotation(tx, None, AT_ONCE, now)).unwrap();
        assert_eq!((sealed_with(scene, '1'), sealed_with(scene, '2')), (5, 3));
        let authorization = granted(scene.authorize(&pay("p1", "hot-9", "ann", 1)));
        assert!(both.signer_after_commit(&scene.store(), authorization).unwrap().is_ok());
        let late = new_key("cold-1", Origin::Generate);
        scene.write(|tx, now| both.add(tx, &By::new(&scene.root, now), &late)).unwrap();
        // Going on is no new rotation.
        let (rotation, moved) = rotate(&both, &scene.store()).unwrap();
        assert_eq!((rotation.moved, moved), (3, 5));
        assert_eq!((sealed_with(scene, '1'), sealed_with(scene, '2')), (0, 9));
    });
}

#[test]
fn a_secret_that_does_not_open_is_named_and_the_others_move() {
    on_each_engine(|scene| {
        add_keys(scene);
        scene.type_sql("UPDATE key_pair SET purpose = 'claims' WHERE id = 'hot-1'");
        let both = keystore("21");
        scene.write(|tx, now| both.begin_rotation(tx, &By::new(&scene.root, now))).unwrap();
        let now = scene.test.now();
        let mut after = None;
        let mut stuck = Vec::new();
        loop {
            let step = scene.write(|tx, _| both.continue_rotation(tx, after.as_ref(), AT_ONCE, now)).unwrap();
            stuck.extend(step.stuck.into_iter().map(|(key, _)| key));
            match step.last {
                None => break,
                last => after = last,
            }
        }
        assert_eq!((stuck, sealed_with(scene, '1')), (vec![id("hot-1")], 1));
        // It stays under way, so that nobody takes the old key away.
        assert!(scene.read(|tx| both.rotation(tx)).is_some());
    });
}

#[test]
fn a_key_that_was_retired_while_its_secret_did_not_open_holds_no_later_rotation_up() {
    on_each_engine(|scene| {
        add_keys(scene);
        let lacking = keystore("2");
        scene.act(|tx, by| lacking.retire(tx, by, &id("hot-1"), "lost")).unwrap();
        let (rotation, moved) = rotate(&keystore("21"), &scene.store()).unwrap();
        assert_eq!((&rotation.kek, moved), (kek('2').id(), 7));
        assert_eq!((sealed_with(scene, '1'), scene.read(|tx| lacking.rotation(tx))), (0, None));
        let findings = || -> Vec<&str> {
            scene.read(|tx| lacking.verify(tx)).iter().map(|check| check.finding.code()).collect()
        };
        let told = ["sound", "retired_unsealed", "sound", "sound", "sound", "sound", "sound"];
        assert_eq!(findings(), told, "a rotation retires nothing");
        let retire = || scene.act(|tx, by| lacking.retire(tx, by, &id("hot-1"), "for good"));
        assert!(matches!(retire().unwrap().change, Change::KeyRetired { unopened: None, .. }));
        assert_eq!(findings(), ["sound"; 7]);
        assert_eq!(rejected(retire()), Rejection::NothingToChange);
        // Undone by hand, it opens no more.
        scene.type_sql(
            "UPDATE key_pair SET retired_at = NULL, retired_by = NULL, retired_reason = NULL WHERE id = 'hot-1'",
        );
        assert_eq!(findings()[1], "altered");
    });
}

#[test]
fn a_rotation_to_a_third_key_takes_the_place_of_one_that_was_not_finished() {
    on_each_engine(|scene| {
        add_keys(scene);
        let to_second = keystore("21");
        scene.write(|tx, now| to_second.begin_rotation(tx, &By::new(&scene.root, now))).unwrap();
        let now = scene.test.now();
        scene.write(|tx, _| to_second.continue_rotation(tx, None, AT_ONCE, now)).unwrap();
        let to_third = keystore("321");
        let (_, moved) = rotate(&to_third, &scene.store()).unwrap();
        assert_eq!((moved, sealed_with(scene, '3')), (7, 7));
        let step = scene.write(|tx, _| to_second.continue_rotation(tx, None, AT_ONCE, now));
        assert_eq!(rejected(step), Rejection::NothingToChange);
    });
}

/// Puts a fault before the `n`th step of any unit of a rotation.
struct Countdown(AtomicI64, Injected);

impl Faults for Countdown {
    fn before(&self, unit: &'static str, _: Step) -> Option<Injected> {
        let is_due = unit.starts_with("keys.rotate") && self.0.fetch_sub(1, Ordering::SeqCst) == 1;
        is_due.then_some(self.1)
    }
}

/// Rotates to and fro, failing before one step after the other, until no step is left to fail before.
fn fail_before_each_step(scene: &Scene, fault: Injected) -> usize {
    add_keys(scene);
    let mut ring = "21";
    for nth in 1_usize.. {
        let countdown = Arc::new(Countdown(AtomicI64::new(i64::try_from(nth).unwrap()), fault));
        let both = keystore(ring);
        let failing = scene.test.another(|options| options.faults = Some(countdown.clone()));
        let ended = rotate(&both, &failing);
        let struck = countdown.0.load(Ordering::SeqCst) <= 0;
        let checks = scene.read(|tx| both.verify(tx));
        assert!(checks.iter().all(|check| check.finding.is_sound()), "step {nth}: {checks:?}");
        rotate(&both, &scene.store()).unwrap();
        let target = ring.chars().next().unwrap();
        assert_eq!(sealed_with(scene, target), 7, "step {nth}");
        if !struck {
            assert!(ended.is_ok());
            return nth - 1;
        }
        ring = if ring == "21" { "12" } else { "21" };
    }
    0
}

#[test]
fn a_fault_before_any_step_leaves_every_secret_open_and_the_rotation_goes_on() {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        for fault in [Injected::ConnectionLost, Injected::StatementFails] {
            let steps = fail_before_each_step(&Scene::on(kind), fault);
            assert!(steps > 30, "{steps} steps");
        }
    }
}

#[test]
fn an_answer_that_is_lost_at_any_step_is_looked_up_and_nothing_is_moved_twice() {
    on_each_engine(|scene| {
        let steps = fail_before_each_step(scene, Injected::AnswerLost);
        assert!(steps > 30, "{steps} steps");
    });
}

#[test]
fn a_process_follows_a_ring_that_is_replaced_and_knows_what_another_would_not_open() {
    on_each_engine(|scene| {
        let ring_now = Arc::new(Mutex::new(Arc::new(ring("1"))));
        let read = Arc::clone(&ring_now);
        let rings: Rings = Arc::new(move || Arc::clone(&read.lock().unwrap()));
        let following = Keystore::following(rings, schemes(), stops(), Arc::new(SeededEntropy::new(1)));
        scene.key_with("hot-1", &policy());
        scene.key_with("hot-2", &policy());
        scene.retire("hot-2").unwrap();
        let beyond = |digits: &str| scene.read(|tx| keys_beyond(tx, &ring(digits)));
        assert_eq!((beyond("2"), beyond("21")), (vec![id("hot-1")], vec![]));
        let sound = || scene.read(|tx| following.verify(tx)).iter().all(|check| check.finding.is_sound());
        for (digits, opens) in [("1", true), ("2", false), ("21", true)] {
            *ring_now.lock().unwrap() = Arc::new(ring(digits));
            assert_eq!(sound(), opens, "{digits}");
        }
        rotate(&following, &scene.store()).unwrap();
        *ring_now.lock().unwrap() = Arc::new(ring("2"));
        assert!(sound() && beyond("2").is_empty());
        assert_eq!(beyond("1"), [id("hot-1")]);
    });
}

/// The files of an embedded database, whole.
fn files(scene: &Scene) -> Vec<Vec<u8>> {
    let DatabaseUrl::Sqlite(path) = scene.test.url() else { panic!("not embedded") };
    let log = path.with_file_name(format!("{}-wal", path.file_name().unwrap().to_str().unwrap()));
    [path, log].iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn what_the_former_key_sealed_stands_in_no_file_of_an_embedded_database_after_a_rotation() {
    let scene = Scene::on(EngineKind::Sqlite);
    add_keys(&scene);
    let sealed = || -> Vec<Vec<u8>> {
        scene.read(|tx| tx.query("SELECT sealed FROM key_secret ORDER BY id", &[], |row| row.get(0)))
    };
    // One row longer than the others moves when it is sealed anew, and leaves its place free.
    let credential = Origin::Remote {
        endpoint: Endpoint::parse("https://signer.example/sign").unwrap(),
        credential: Credential::Hmac,
        secret: KeySecret::from_bytes(vec![7; 400].into()),
        public_key: PublicKey(vec![9; 32]),
    };
    scene.add(&new_key("far", credential)).unwrap();
    let former = sealed();
    let is_somewhere = |bytes: &[u8]| {
        files(&scene).iter().any(|file| file.windows(bytes.len()).any(|window| window == bytes))
    };
    assert!(former.iter().all(|bytes| is_somewhere(bytes)));
    let both = keystore("21");
    let recorder = Recorder::new("test/wipe", SaltKey::new([7; 32]));
    let store = scene.store();
    let keys = KeyCommands {
        keystore: &both,
        store: &store,
        recorder: &recorder,
        actor: &scene.root,
        approval: None,
        draft: None,
    };
    let rotated = keys.rotate().unwrap();
    assert_eq!((rotated.moved, rotated.is_wiped), (8, true));
    let now = sealed();
    assert!(former.iter().all(|bytes| !is_somewhere(bytes)), "a former secret is still there");
    assert!(now.iter().all(|bytes| is_somewhere(bytes)) && former.iter().all(|bytes| !now.contains(bytes)));
    // The retired state is sealed anew too.
    keys.retire(&id("hot-0"), "replaced").unwrap();
    assert!(keys.wipe_former().unwrap() && !is_somewhere(&now[0]));
}
