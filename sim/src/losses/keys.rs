//! Retries that paid twice.

use bursar_store::fault::{Injected, Step};

use super::scene::{Scene, answers};
use crate::machine::{Armed, Blow};

/// Something at a step of the next transaction.
fn at(step: Step, blow: Blow) -> Armed {
    Armed { step, skip: 0, blow, dies_looking_up: false }
}

#[test]
fn an_idempotency_key_that_expires_after_a_day_is_still_known_on_day_two() {
    let scene = Scene::new(1);
    let wish = scene.wish("day one", 1);
    assert_eq!(answers(scene.join(0, std::slice::from_ref(&wish))), ["created"]);
    scene.sleep(30 * 3_600_000);
    assert_eq!(answers(scene.join(0, &[wish])), ["known"]);
    scene.ends_well();
}

#[test]
fn a_commit_whose_answer_was_lost_is_looked_up_and_not_repeated() {
    let scene = Scene::new(1);
    scene.arm(0, at(Step::Committed, Blow::Fault(Injected::AnswerLost)));
    assert_eq!(answers(scene.join(0, &[scene.wish("lost", 1)])), ["created"]);
    scene.ends_well();
}

#[test]
fn a_server_that_dies_after_its_commit_is_asked_again_and_enters_nothing_twice() {
    let scene = Scene::new(2);
    let wish = scene.wish("died", 1);
    scene.arm(0, at(Step::Committed, Blow::Death));
    assert_eq!(answers(scene.join(0, std::slice::from_ref(&wish))), ["no answer"]);
    assert_eq!(answers(scene.join(1, &[wish])), ["known"]);
    scene.ends_well();
}

#[test]
fn a_settlement_that_dies_at_any_step_pays_each_entry_once_when_it_goes_on() {
    for skip in 0..60 {
        let scene = Scene::new(1);
        let wishes: Vec<_> = (1..8).map(|player| scene.wish(&format!("entry {player}"), player)).collect();
        assert_eq!(answers(scene.join(0, &wishes)), ["created"; 7]);
        scene.arm(0, Armed { step: Step::Statement, skip, blow: Blow::Death, dies_looking_up: false });
        scene.pass(7 * 60_000);
        scene.ends_well();
    }
}
