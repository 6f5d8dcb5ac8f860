//! Limits in the store: windows, holds and lists hold over transactions, restarts and clocks.

use bursar_chain::Address;
use bursar_keys::{Decision, Policy, Rejection, RollingCap};
use bursar_money::{Amount, Asset};
use bursar_store::{StoreError, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::scene::{
    DAY_MS, HOUR_MS, Scene, authorize_one, id, on_each_engine, pay, policy, rejected, upkeep,
};

#[test]
fn a_key_without_a_policy_signs_nothing() {
    on_each_engine(|scene| {
        scene.add(&crate::scene::new_key("hot-1", bursar_keys::Origin::Generate)).unwrap();
        assert_eq!(scene.outcome(&pay("p1", "hot-1", "ann", 1)), "key_without_policy");
        assert_eq!(scene.outcome(&upkeep("u1", "hot-1")), "key_without_policy");
    });
}

#[test]
fn a_policy_is_read_back_as_it_was_set() {
    on_each_engine(|scene| {
        let caps = [(HOUR_MS, 10), (DAY_MS, Amount::MAX.units())];
        let set = Policy {
            asset: Asset::Ether,
            payment_max: Amount::MAX,
            is_listed_only: true,
            first_use_hold_ms: 5,
            approval: Some(bursar_keys::ApprovalRule { above: Amount::new(7), needed: 3 }),
            caps: caps.map(|(window_ms, max)| RollingCap { window_ms, max: Amount::new(max) }).to_vec(),
        };
        scene.key_with("hot-1", &policy());
        scene.act(|tx, by| scene.keystore.set_policy(tx, by, &id("hot-1"), &set)).unwrap();
        let same = scene.act(|tx, by| scene.keystore.set_policy(tx, by, &id("hot-1"), &set));
        assert_eq!(rejected(same).code(), "operator_needed", "three people are asked by now");
        let record = scene.read(|tx| scene.keystore.key(tx, &id("hot-1"))).unwrap();
        assert_eq!(record.policy, Some(set));
    });
}

#[test]
fn the_policy_that_holds_already_is_nothing_to_change_and_anything_else_is_a_change() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        let set =
            |policy: &Policy| scene.act(|tx, by| scene.keystore.set_policy(tx, by, &id("hot-1"), policy));
        assert_eq!(rejected(set(&policy())), Rejection::NothingToChange);
        let others = [
            Policy { payment_max: Amount::new(99), ..policy() },
            Policy { caps: vec![RollingCap { window_ms: DAY_MS, max: Amount::new(149) }], ..policy() },
            Policy { caps: vec![], ..policy() },
            Policy { is_listed_only: true, ..policy() },
            Policy { first_use_hold_ms: 1, ..policy() },
        ];
        for other in others {
            assert!(set(&other).is_ok(), "{other:?}");
            assert_eq!(rejected(set(&other)), Rejection::NothingToChange);
        }
    });
}

#[test]
fn a_charge_counts_until_its_window_has_passed_to_the_millisecond() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        assert_eq!(scene.outcome(&pay("p1", "hot-1", "ann", 100)), "authorized");
        scene.test.advance_ms(HOUR_MS);
        assert_eq!(scene.outcome(&pay("p2", "hot-1", "ann", 50)), "authorized");
        scene.test.advance_ms(DAY_MS - HOUR_MS);
        assert_eq!(scene.outcome(&pay("p3", "hot-1", "ann", 1)), "above_cap");
        scene.test.advance_ms(1);
        let [max, left] = [150, 100].map(Amount::new);
        let above = Rejection::AboveCap { window_ms: DAY_MS, max, left };
        scene
            .act(|tx, by| {
                let larger = Policy { payment_max: Amount::new(101), ..policy() };
                scene.keystore.set_policy(tx, by, &id("hot-1"), &larger)
            })
            .unwrap();
        assert_eq!(scene.authorize(&pay("p3", "hot-1", "ann", 101)), Decision::Refused(above));
        assert_eq!(scene.outcome(&pay("p3b", "hot-1", "ann", 100)), "authorized");
    });
}

#[test]
fn charges_survive_a_restart_and_a_clock_that_goes_back() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        for intent in ["p1", "p2"] {
            assert_eq!(scene.outcome(&pay(intent, "hot-1", "ann", 75)), "authorized");
        }
        scene.test.reopen();
        let now = scene.test.now();
        for jump_ms in [-10 * DAY_MS, -1, 0, DAY_MS] {
            scene.test.set_time(now.after_ms(jump_ms));
            assert_eq!(scene.outcome(&pay("p3", "hot-1", "ann", 1)), "above_cap", "{jump_ms}");
        }
    });
}

#[test]
fn a_charge_stands_or_falls_with_the_callers_transaction() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        let order = pay("p1", "hot-1", "ann", 100);
        let now = scene.test.now();
        for _ in 0..3 {
            let undone = scene.store().transact("test.undone", |tx| {
                let decision = authorize_one(&scene.keystore, tx, &order, now)?;
                assert!(matches!(decision, Decision::Authorized(_)));
                Err::<(), _>(StoreError::Decode("the intent cannot be stored".into()))
            });
            assert!(undone.is_err());
        }
        assert_eq!(scene.outcome(&order), "authorized");
        assert_eq!(scene.outcome(&pay("p2", "hot-1", "ann", 51)), "above_cap");
    });
}

#[test]
fn an_intent_is_charged_once_however_often_it_comes_and_in_one_batch_too() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        let order = pay("p1", "hot-1", "ann", 75);
        for _ in 0..3 {
            assert_eq!(scene.outcome(&order), "authorized");
        }
        let orders = [order.clone(), pay("p2", "hot-1", "ann", 75), order, pay("p2", "hot-1", "ann", 75)];
        let decisions = scene.write(|tx, now| scene.keystore.authorize(tx, &orders, now));
        assert!(decisions.iter().all(|decision| matches!(decision, Decision::Authorized(_))));
        assert_eq!(scene.outcome(&pay("p3", "hot-1", "ann", 1)), "above_cap");
    });
}

#[test]
fn an_intent_belongs_to_one_key() {
    on_each_engine(|scene| {
        for name in ["hot-1", "hot-2"] {
            scene.key_with(name, &policy());
        }
        assert_eq!(scene.outcome(&pay("p1", "hot-1", "ann", 1)), "authorized");
        assert_eq!(scene.outcome(&pay("p1", "hot-2", "ann", 1)), "intent_reused");
    });
}

#[test]
fn a_batch_over_several_keys_is_decided_order_by_order() {
    on_each_engine(|scene| {
        for name in ["hot-2", "hot-1"] {
            scene.key_with(name, &policy());
        }
        let orders = [
            pay("p1", "hot-2", "ann", 100),
            pay("p2", "hot-1", "ann", 100),
            pay("p3", "hot-2", "bob", 51),
            pay("p4", "hot-2", "bob", 50),
            pay("p5", "hot-9", "bob", 1),
            pay("p6\0", "hot-1", "a\0", 1),
            upkeep("u1", "hot-1"),
        ];
        let decisions = scene.write(|tx, now| scene.keystore.authorize(tx, &orders, now));
        let codes: Vec<&str> = decisions.iter().map(crate::scene::code).collect();
        let expected =
            ["authorized", "authorized", "above_cap", "authorized", "key_not_found", "invalid_body"];
        assert_eq!(codes, [&expected[..], &["authorized"]].concat());
    });
}

#[test]
fn a_new_destination_waits_out_its_hold_once_for_each_key() {
    on_each_engine(|scene| {
        let held = Policy { first_use_hold_ms: HOUR_MS, ..policy() };
        for name in ["hot-1", "hot-2"] {
            scene.key_with(name, &held);
        }
        let until = scene.test.now().after_ms(HOUR_MS);
        assert_eq!(scene.authorize(&pay("p1", "hot-1", "ann", 1)), Decision::Held { until });
        scene.test.advance_ms(HOUR_MS - 1);
        assert_eq!(scene.authorize(&pay("p2", "hot-1", "ann", 2)), Decision::Held { until });
        scene.test.advance_ms(1);
        assert_eq!(scene.outcome(&pay("p2", "hot-1", "ann", 2)), "authorized");
        assert_eq!(scene.outcome(&pay("p3", "hot-2", "ann", 1)), "held");
    });
}

#[test]
fn a_listed_only_key_pays_who_is_listed_after_the_hold_and_nobody_after_unlisting() {
    on_each_engine(|scene| {
        let key =
            scene.key_with("hot-1", &Policy { is_listed_only: true, first_use_hold_ms: 10, ..policy() });
        let ann = Address::from_canonical("ann".into());
        let list =
            |is_listed| scene.act(|tx, by| scene.keystore.list_destination(tx, by, &key, &ann, is_listed));
        let order = pay("p1", "hot-1", "ann", 1);
        assert_eq!(scene.outcome(&order), "destination_not_listed");
        list(true).unwrap();
        assert_eq!(rejected(list(true)), Rejection::NothingToChange);
        assert_eq!(scene.outcome(&order), "held");
        scene.test.advance_ms(10);
        assert_eq!(scene.outcome(&order), "authorized");
        let listed = scene.read(|tx| scene.keystore.listed_destinations(tx, &key, "", 10));
        assert_eq!(listed, [(ann.clone(), scene.test.now().after_ms(-10))]);
        list(false).unwrap();
        assert_eq!(scene.outcome(&order), "destination_not_listed");
        list(true).unwrap();
        assert_eq!(scene.outcome(&order), "authorized");
    });
}

/// One payment after a move of the clock.
type Step = (i64, u128);

/// What the cap allows, summed one by one.
fn fits(charges: &[(i64, u128)], cap: &RollingCap, now_ms: i64, amount: u128) -> bool {
    let inside = charges.iter().filter(|(at_ms, _)| *at_ms >= now_ms - cap.window_ms);
    inside.map(|(_, amount)| amount).sum::<u128>() + amount <= cap.max.units()
}

fn play(scene: &Scene, number: usize, steps: &[Step], caps: &[RollingCap]) -> Result<(), TestCaseError> {
    let name = format!("hot-{number}");
    let added_ms = 1_700_000_000_000;
    scene.test.set_time(Timestamp::from_ms(added_ms));
    scene.key_with(&name, &Policy { caps: caps.to_vec(), ..policy() });
    let (mut charges, mut clock_ms): (Vec<(i64, u128)>, i64) = (Vec::new(), added_ms);
    for (place, (jump_ms, amount)) in steps.iter().enumerate() {
        clock_ms += jump_ms;
        scene.test.set_time(Timestamp::from_ms(clock_ms));
        // The key's time begins when it is added, and never falls below its last charge.
        let now_ms = clock_ms.max(charges.last().map_or(added_ms, |(last_ms, _)| *last_ms));
        let expected = caps.iter().all(|cap| fits(&charges, cap, now_ms, *amount));
        let decision = scene.authorize(&pay(&format!("{name}-{place}"), &name, "ann", *amount));
        prop_assert_eq!(matches!(decision, Decision::Authorized(_)), expected, "{} {:?}", place, decision);
        if expected {
            charges.push((now_ms, *amount));
        }
    }
    Ok(())
}

#[test]
fn the_store_decides_random_histories_as_a_sum_over_each_window_does() {
    let jump = prop_oneof![4 => 0_i64..5_000, 1 => -20_000_i64..0, 1 => 0_i64..100_000, 1 => Just(0)];
    let steps = proptest::collection::vec((jump, 1_u128..60), 1..25);
    let cap = (1_000_i64..50_000, 0_u128..300)
        .prop_map(|(window_ms, max)| RollingCap { window_ms, max: Amount::new(max) });
    let caps =
        proptest::collection::btree_map(0_u8..3, cap, 1..3).prop_filter_map("windows differ", |caps| {
            let mut caps: Vec<RollingCap> = caps.into_values().collect();
            caps.sort_by_key(|cap| cap.window_ms);
            caps.windows(2).all(|pair| pair[0].window_ms != pair[1].window_ms).then_some(caps)
        });
    on_each_engine(|scene| {
        let number = std::cell::Cell::new(0);
        let mut runner =
            TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
        let ran = runner.run(&(steps.clone(), caps.clone()), |(steps, caps)| {
            number.set(number.get() + 1);
            play(scene, number.get(), &steps, &caps)
        });
        ran.unwrap();
    });
}
