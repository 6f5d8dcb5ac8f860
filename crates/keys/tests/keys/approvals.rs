//! Large payments take other people's approval, for exactly that payment, once.

use bursar_access::{
    Actor, ApprovalId, By, Draft, Drafted, Role, SeededEntropy, TokenOrder, add_operator, approve,
    authenticate_token, issue_token, request_approval,
};
use bursar_keys::{ApprovalRule, ApprovedDecision, KeyError, Order, Policy, Rejection};
use bursar_money::Amount;

use crate::scene::{HOUR_MS, Scene, code, granted, id, on_each_engine, pay, policy, rejected};

/// Adds an admin and signs in.
fn join(scene: &Scene, name: &str) -> Actor {
    let entropy = SeededEntropy::new(u64::from(name.as_bytes()[0]));
    scene.write(|tx, now| add_operator(tx, &By::new(&scene.root, now), name, Role::Admin)).unwrap();
    let order = TokenOrder { operator: name, label: "test", expires_at: None };
    let issued =
        scene.write(|tx, now| issue_token(tx, &By::new(&scene.root, now), &entropy, &order)).unwrap();
    let now = scene.test.now();
    scene.read(|tx| authenticate_token(tx, issued.secret.reveal(), now)).unwrap().actor
}

/// A key that asks two approvals above 10, and four admins.
fn set_out(scene: &Scene) -> [Actor; 4] {
    let rule = ApprovalRule { above: Amount::new(10), needed: 2 };
    scene.key_with("hot-1", &Policy { approval: Some(rule), ..policy() });
    ["ann", "bob", "cay", "dee"].map(|name| join(scene, name))
}

fn file(scene: &Scene, by: &Actor, order: &Order) -> ApprovalId {
    let act = scene.write(|tx, _| scene.keystore.approval_act(tx, order)).unwrap();
    scene.write(|tx, now| request_approval(tx, &By::new(by, now), &act, 24 * HOUR_MS)).unwrap().id
}

fn agree(scene: &Scene, by: &Actor, id: ApprovalId) {
    scene.write(|tx, now| approve(tx, &By::new(by, now), id)).unwrap();
}

fn bring(scene: &Scene, by: &Actor, id: ApprovalId, order: &Order) -> Result<ApprovedDecision, KeyError> {
    scene.write(|tx, now| scene.keystore.authorize_approved(tx, &By::new(by, now).with(id), order))
}

#[test]
fn a_large_payment_waits_for_two_other_people() {
    on_each_engine(|scene| {
        let [ann, bob, cay, _] = set_out(scene);
        let order = pay("p1", "hot-1", "zoe", 11);
        assert_eq!(scene.outcome(&order), "approval_needed");
        assert_eq!(scene.outcome(&pay("p0", "hot-1", "zoe", 10)), "authorized");
        let id = file(scene, &ann, &order);
        agree(scene, &bob, id);
        let early = bring(scene, &ann, id, &order).unwrap();
        assert_eq!((code(&early.decision), early.cleared), ("approval_needed", None));
        agree(scene, &cay, id);
        let approved = bring(scene, &ann, id, &order).unwrap();
        let authorization = granted(approved.decision);
        assert_eq!(approved.cleared.unwrap().approvers.len(), 2);
        assert!(scene.keystore.signer_after_commit(&scene.store(), authorization).unwrap().is_ok());
        // Once approved it needs nobody again: the payout machine goes on by itself.
        assert_eq!(scene.outcome(&order), "authorized");
    });
}

#[test]
fn an_approval_is_for_one_key_destination_amount_and_intent() {
    on_each_engine(|scene| {
        let [ann, bob, cay, _] = set_out(scene);
        scene.key_with("hot-2", &policy());
        let id = file(scene, &ann, &pay("p1", "hot-1", "zoe", 11));
        agree(scene, &bob, id);
        agree(scene, &cay, id);
        let others = [
            pay("p2", "hot-1", "zoe", 11),
            pay("p1", "hot-2", "zoe", 11),
            pay("p1", "hot-1", "yan", 11),
            pay("p1", "hot-1", "zoe", 12),
        ];
        for other in others {
            assert_eq!(rejected(bring(scene, &ann, id, &other)).code(), "approval_mismatch", "{other:?}");
        }
    });
}

#[test]
fn an_approval_is_its_requesters_and_used_up_by_the_payment() {
    on_each_engine(|scene| {
        let [ann, bob, cay, dee] = set_out(scene);
        let order = pay("p1", "hot-1", "zoe", 11);
        let id = file(scene, &ann, &order);
        agree(scene, &bob, id);
        agree(scene, &cay, id);
        assert_eq!(rejected(bring(scene, &dee, id, &order)).code(), "approval_mismatch");
        drop(granted(bring(scene, &ann, id, &order).unwrap().decision));
        assert_eq!(rejected(bring(scene, &ann, id, &order)).code(), "approval_ended");
    });
}

#[test]
fn an_approval_gets_nobody_past_a_cap_or_a_hold_and_stays_good_meanwhile() {
    on_each_engine(|scene| {
        let [ann, bob, cay, _] = set_out(scene);
        let rule = ApprovalRule { above: Amount::new(10), needed: 2 };
        let held = Policy { approval: Some(rule), first_use_hold_ms: HOUR_MS, ..policy() };
        scene.key_with("hot-3", &held);
        let order = pay("p1", "hot-3", "zoe", 100);
        let id = file(scene, &ann, &order);
        agree(scene, &bob, id);
        agree(scene, &cay, id);
        assert_eq!(code(&bring(scene, &ann, id, &order).unwrap().decision), "held");
        scene.test.advance_ms(HOUR_MS);
        drop(granted(bring(scene, &ann, id, &order).unwrap().decision));
        let second = pay("p2", "hot-3", "zoe", 51);
        let id = file(scene, &ann, &second);
        agree(scene, &bob, id);
        agree(scene, &cay, id);
        assert_eq!(code(&bring(scene, &ann, id, &second).unwrap().decision), "above_cap");
        scene.test.advance_ms(24 * HOUR_MS - 1);
        // The request still lives, and the first payment still counts.
        assert_eq!(code(&bring(scene, &ann, id, &second).unwrap().decision), "above_cap");
    });
}

#[test]
fn nobody_alone_takes_away_the_approval_that_large_payments_need() {
    on_each_engine(|scene| {
        let [ann, bob, cay, _] = set_out(scene);
        let set = |by: &Actor, approval: Option<ApprovalId>| {
            scene.write(|tx, now| {
                let by = By { approval, ..By::new(by, now) };
                scene.keystore.set_policy(tx, &by, &id("hot-1"), &policy())
            })
        };
        assert_eq!(rejected(set(&scene.root, None)).code(), "operator_needed");
        assert_eq!(rejected(set(&ann, None)).code(), "approval_needed");
        let draft = Draft::default();
        let drafted = scene.write(|tx, now| {
            let by = By::new(&ann, now).drafting(Some(&draft));
            scene.keystore.set_policy(tx, &by, &id("hot-1"), &policy())
        });
        assert_eq!(rejected(drafted).code(), "approval_needed");
        let Drafted { act, approvals_needed } = draft.take().unwrap();
        assert_eq!((act.action.as_str(), approvals_needed), ("keys.policy.set", 2));
        let request = scene.write(|tx, now| request_approval(tx, &By::new(&ann, now), &act, HOUR_MS));
        let number = request.unwrap().id;
        agree(scene, &bob, number);
        assert_eq!(rejected(set(&ann, Some(number))).code(), "approval_needed");
        agree(scene, &cay, number);
        assert_eq!(set(&ann, Some(number)).unwrap().cleared.approvers.len(), 2);
        assert_eq!(scene.outcome(&pay("p1", "hot-1", "zoe", 11)), "authorized");
    });
}

#[test]
fn without_an_approval_the_door_for_approved_payments_gives_no_more_than_the_other() {
    on_each_engine(|scene| {
        let [ann, ..] = set_out(scene);
        let order = pay("p1", "hot-1", "zoe", 11);
        let brought = scene
            .write(|tx, now| scene.keystore.authorize_approved(tx, &By::new(&ann, now), &order))
            .unwrap();
        let needed = Rejection::ApprovalNeeded { needed: 2, given: 0 };
        assert_eq!(brought.decision, bursar_keys::Decision::Refused(needed));
    });
}
