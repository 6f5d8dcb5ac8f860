//! Several processes authorise on the same keys at once: counters stay exact and caps are never passed.

use std::sync::Barrier;
use std::thread;

use bursar_keys::{Decision, Keystore, Policy, RollingCap};
use bursar_money::{Amount, U256};
use bursar_store::{EngineKind, Store};

use crate::scene::{DAY_MS, HALTED, Scene, id, keystore, on_each_engine, pay, policy};

const PROCESSES: usize = 4;

fn capped(max: u128) -> Policy {
    Policy { caps: vec![RollingCap { window_ms: DAY_MS, max: Amount::new(max) }], ..policy() }
}

/// Runs `work` in so many processes that set off together, each with a key store and connections of its own.
fn at_once<T: Send>(scene: &Scene, work: impl Fn(usize, &Keystore, &Store) -> T + Sync) -> Vec<T> {
    let gate = Barrier::new(PROCESSES);
    thread::scope(|threads| {
        let run = |process| {
            let (gate, work, store) = (&gate, &work, scene.test.another(|_| {}));
            threads.spawn(move || {
                let keystore = keystore("1");
                gate.wait();
                work(process, &keystore, &store)
            })
        };
        let running: Vec<_> = (0..PROCESSES).map(run).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn count(decisions: &[Decision]) -> usize {
    decisions.iter().filter(|decision| matches!(decision, Decision::Authorized(_))).count()
}

#[test]
fn a_cap_is_used_up_to_the_unit_and_never_passed() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &capped(50));
        let now = scene.test.now();
        let authorized = at_once(scene, |process, keystore, store| {
            let one = |number: usize| {
                let order = pay(&format!("p-{process}-{number}"), "hot-1", "ann", 1);
                let orders = [order];
                count(&store.transact("test.pay", |tx| keystore.authorize(tx, &orders, now)).unwrap())
            };
            (0..25).map(one).sum::<usize>()
        });
        assert_eq!(authorized.iter().sum::<usize>(), 50, "{authorized:?}");
        let sums = scene.read(|tx| {
            let sql = "SELECT number, charged FROM key_charge ORDER BY number";
            tx.query(sql, &[], |row| Ok((row.get::<i64>(0)?, row.get::<U256>(1)?)))
        });
        let expected: Vec<(i64, U256)> = (1..=50).map(|number| (number, U256::from(number))).collect();
        assert_eq!(sums, expected);
    });
}

#[test]
fn one_intent_brought_by_all_at_once_is_charged_once() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &capped(10));
        let now = scene.test.now();
        let authorized = at_once(scene, |_, keystore, store| {
            let orders = [pay("p1", "hot-1", "ann", 10)];
            count(&store.transact("test.pay", |tx| keystore.authorize(tx, &orders, now)).unwrap())
        });
        assert_eq!(authorized, [1; PROCESSES]);
    });
}

#[test]
fn batches_that_name_the_same_keys_in_any_order_do_not_stand_in_each_others_way() {
    on_each_engine(|scene| {
        let names = ["hot-a", "hot-b", "hot-c"];
        for name in names {
            scene.key_with(name, &capped(1_000));
        }
        let now = scene.test.now();
        let runs = at_once(scene, |process, keystore, store| {
            let mut runs = 0;
            for number in 0..10 {
                let mut orders: Vec<_> = names
                    .iter()
                    .map(|name| pay(&format!("{process}-{number}-{name}"), name, "ann", 1))
                    .collect();
                orders.rotate_left(process % 3);
                let work = |tx: &mut bursar_store::Tx<'_>| {
                    runs += 1;
                    keystore.authorize(tx, &orders, now)
                };
                assert_eq!(count(&store.transact("test.pay", work).unwrap()), 3);
            }
            runs
        });
        // The first sight of a destination may collide; a deadlock never occurs.
        assert!(runs.iter().sum::<i32>() <= 40 + 3, "{runs:?}");
    });
}

fn somebody_waits_for_a_lock(scene: &Scene) -> bool {
    let sql =
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    scene.read(|tx| tx.query_first(sql, &[], |_| Ok(()))).is_some()
}

#[test]
fn a_stop_waits_for_who_signs_and_binds_everybody_after_it() {
    let scene = Scene::on(EngineKind::Postgres);
    scene.key_with("hot-1", &capped(1_000));
    let (store, now) = (scene.store(), scene.test.now());
    let signing = Barrier::new(2);
    thread::scope(|threads| {
        let stopper = threads.spawn(|| {
            signing.wait();
            scene.set_switch(bursar_control::ConfigTable::FAUCET, HALTED, true);
        });
        let signed = store.transact("test.pay", |tx| {
            let decisions = scene.keystore.authorize(tx, &[pay("p1", "hot-1", "ann", 1)], now)?;
            signing.wait();
            while !somebody_waits_for_a_lock(&scene) {
                assert!(!stopper.is_finished(), "the stop did not wait");
            }
            Ok(count(&decisions))
        });
        assert_eq!(signed.unwrap(), 1);
        stopper.join().unwrap();
    });
    assert_eq!(scene.outcome(&pay("p2", "hot-1", "ann", 1)), "signing_stopped");
}

#[test]
fn a_key_that_is_being_retired_is_not_signed_with_by_others() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &capped(1_000));
        let now = scene.test.now();
        let outcomes = at_once(scene, |process, keystore, store| {
            if process == 0 {
                let root = bursar_access::Actor::cli("root");
                let by = bursar_access::By::new(&root, now);
                let retired =
                    store.transact("test.retire", |tx| keystore.retire(tx, &by, &id("hot-1"), "replaced"));
                retired.unwrap().unwrap();
                return 0;
            }
            let orders = [pay(&format!("p{process}"), "hot-1", "ann", 1)];
            store
                .transact("test.pay", |tx| {
                    let decisions = keystore.authorize(tx, &orders, now)?;
                    let granted = decisions.into_iter().find_map(|decision| match decision {
                        Decision::Authorized(authorization) => Some(authorization),
                        _ => None,
                    });
                    // Whoever was authorised can sign: the key cannot be retired in between.
                    Ok(match granted {
                        Some(granted) => {
                            assert!(keystore.signer(tx, granted, now)?.is_ok());
                            1
                        }
                        None => 0,
                    })
                })
                .unwrap()
        });
        assert_eq!(outcomes[0], 0);
        assert_eq!(scene.outcome(&pay("p9", "hot-1", "ann", 1)), "key_retired");
    });
}

#[test]
fn a_rotation_beside_retirements_and_signatures_leaves_every_secret_open() {
    on_each_engine(|scene| {
        let names: Vec<String> = (0..12).map(|number| format!("hot-{number}")).collect();
        for name in &names {
            scene.key_with(name, &capped(1_000));
        }
        let now = scene.test.now();
        at_once(scene, |process, _, store| {
            let both = keystore("21");
            let root = bursar_access::Actor::cli("root");
            let by = bursar_access::By::new(&root, now);
            match process {
                0 => drop(crate::rotation::rotate(&both, store).unwrap()),
                1 => names.iter().step_by(2).for_each(|name| {
                    let work = |tx: &mut bursar_store::Tx<'_>| both.retire(tx, &by, &id(name), "replaced");
                    store.transact("test.retire", work).unwrap().unwrap();
                }),
                _ => names.iter().skip(1).step_by(2).for_each(|name| {
                    let orders = [pay(&format!("p-{process}-{name}"), name, "ann", 1)];
                    let work = |tx: &mut bursar_store::Tx<'_>| {
                        let granted = both.authorize(tx, &orders, now)?.pop().map(crate::scene::granted);
                        both.signer(tx, granted.unwrap(), now).map(|signer| assert!(signer.is_ok()))
                    };
                    store.transact("test.sign", work).unwrap();
                }),
            }
        });
        let checks = scene.read(|tx| keystore("2").verify(tx));
        assert!(checks.iter().all(|check| check.finding.is_sound()), "{checks:?}");
        assert_eq!(checks.iter().filter(|check| check.is_retired).count(), 6);
    });
}
