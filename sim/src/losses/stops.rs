//! Stops that did not bind, and limits that raced.

use std::sync::Arc;

use bursar_rounds::settings::JOINS_BY_WALLET;

use super::scene::{Scene, answers};
use crate::event::Class;
use crate::rounds::Act;

#[test]
fn a_pause_at_the_front_door_only_lets_nothing_through_that_waits_behind_it() {
    let scene = Scene::new(1);
    let waiting = [scene.wish("one", 1), scene.wish("two", 2)];
    scene.stop_joins();
    assert_eq!(answers(scene.join(0, &waiting)), ["joins_paused", "joins_paused"]);
    scene.ends_well();
}

#[test]
fn a_switch_that_one_replica_has_not_heard_of_binds_it_all_the_same() {
    let scene = Scene::new(3);
    assert_eq!(answers(scene.join(2, &[scene.wish("before", 1)])), ["created"]);
    scene.stop_joins();
    for node in 0..3 {
        assert_eq!(answers(scene.join(node, &[scene.wish("after", 2)])), ["joins_paused"]);
    }
    scene.ends_well();
}

#[test]
fn a_limit_that_two_replicas_check_at_once_is_not_passed_twice() {
    let scene = Scene::new(3);
    scene.act(Act::Set(JOINS_BY_WALLET.limit, 3));
    let codes: Vec<_> = (0..6)
        .flat_map(|number| {
            let wishes = [2 * number, 2 * number + 1].map(|id| scene.wish(&id.to_string(), 1));
            answers(scene.join(number % 3, &wishes))
        })
        .collect();
    assert_eq!(codes.iter().filter(|code| **code == "created").count(), 3, "{codes:?}");
    scene.ends_well();
}

#[test]
fn a_stop_that_overtakes_a_batch_before_its_transaction_binds_it() {
    let scene = Scene::new(2);
    let rounds = Arc::clone(&scene.rounds);
    scene.world.plan_in(0, Class::Work, move |world| {
        rounds.act(world, Act::Stop(crate::rounds::Stoppable::Joins, None));
    });
    scene.pass(1);
    assert_eq!(answers(scene.join(1, &[scene.wish("late", 1)])), ["joins_paused"]);
    scene.ends_well();
}
