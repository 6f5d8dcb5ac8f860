//! What is held by hand waits, what is cancelled is free again, and only while nothing is signed.

use bursar_access::By;
use bursar_audit::Actor;
use bursar_payouts::{IntentId, IntentState, Rejection};

use crate::scene::{Scene, on_each_engine, payee, recorder};

fn cancel(scene: &Scene, id: IntentId) -> Result<IntentState, Rejection> {
    scene.write(|tx, now| {
        scene.payouts.cancel(tx, id, &Actor::system("faucet"), "abuse", &recorder("test.desk"), now)
    })
}

#[test]
fn a_cancelled_intent_gives_its_money_back_and_stays_cancelled() {
    on_each_engine(|scene| {
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        assert_eq!(cancel(scene, id), Ok(IntentState::Cancelled));
        assert_eq!(scene.account("faucet/treasury").1, 0);
        assert_eq!(cancel(scene, id), Err(Rejection::TooLate(IntentState::Cancelled)));
        assert_eq!(cancel(scene, IntentId(99)), Err(Rejection::Unknown));
        assert_eq!(scene.order("a", &payee(1), 100).unwrap().state, IntentState::Cancelled);
        assert_eq!(scene.heard(), ["accepted>cancelled"]);
        assert_eq!(scene.events(), ["payout.accepted", "payout.cancelled"]);
    });
}

#[test]
fn what_a_desk_sets_aside_goes_on_for_the_same_reason_alone() {
    on_each_engine(|scene| {
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        let desk = Actor::system("faucet");
        let aside = |why: &str| {
            let recorder = recorder("test.desk");
            scene.write(|tx, now| scene.payouts.set_aside(tx, id, why, &desk, &recorder, now))
        };
        let resume = |why: &str| {
            let recorder = recorder("test.desk");
            scene.write(|tx, now| scene.payouts.resume(tx, id, why, &desk, &recorder, now))
        };
        assert!(!resume("margin"), "it is not held");
        assert!(aside("margin") && !aside("margin"));
        assert!(!resume("a person") && scene.states() == [1]);
        assert!(resume("margin") && scene.states() == [0]);
        assert_eq!(scene.events(), ["payout.accepted", "payout.held", "payout.released"]);
    });
}

#[test]
fn an_operator_holds_and_releases_what_waits() {
    on_each_engine(|scene| {
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        let act = |hold: bool| {
            scene.write(|tx, now| {
                let (by, recorder) = (By::new(&scene.root, now), recorder("test.operator"));
                match hold {
                    true => scene.payouts.hold(tx, &by, id, "looks odd", &recorder),
                    false => scene.payouts.release(tx, &by, id, "looked at it", &recorder),
                }
            })
        };
        assert_eq!(act(true), Ok(IntentState::Held));
        assert_eq!(act(true), Err(Rejection::TooLate(IntentState::Held)));
        assert_eq!(act(false), Ok(IntentState::Accepted));
        assert_eq!(act(false), Err(Rejection::TooLate(IntentState::Accepted)));
        act(true).unwrap();
        assert_eq!(cancel(scene, id), Ok(IntentState::Cancelled));
        assert_eq!(scene.account("faucet/treasury").1, 0);
        assert_eq!(scene.heard(), ["accepted>held", "held>accepted", "accepted>held", "held>cancelled"]);
    });
}
