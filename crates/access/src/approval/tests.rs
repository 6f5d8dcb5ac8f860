//! The rules of four-eyes as tables.

use super::*;
use crate::actor::{ServicePrincipal, Via};
use crate::secret::CredentialId;

const NOW: Timestamp = Timestamp::from_ms(1_000_000);

fn operator(number: i64, name: &str, role: Role) -> Actor {
    let token = CredentialId::parse("0000000000000001").unwrap();
    Actor { name: name.into(), role, via: Via::Token { operator: OperatorId(number), token } }
}

fn ann() -> Actor {
    operator(1, "ann", Role::Admin)
}

fn act() -> Act {
    Act {
        action: "payout.resolve".into(),
        desk: "rounds".into(),
        subject: "payout-7".into(),
        payload: "give up".into(),
        permission: Permission::ResolvePayout,
    }
}

fn policy(approvals_needed: u32) -> Policy {
    Policy { approvals_needed, ..Policy::open("payout.resolve") }
}

fn vote(number: i64, name: &str) -> Vote {
    Vote { operator: OperatorId(number), name: name.into(), role: Role::Admin, enabled: true, at: NOW }
}

fn request(requester: &Actor, votes: Vec<Vote>) -> ApprovalRequest {
    let Act { action, desk, subject, payload, permission } = act();
    ApprovalRequest {
        id: ApprovalId(1),
        action,
        desk,
        subject,
        payload,
        digest: act().digest().to_vec(),
        permission,
        requested_by: requester.audit_id(),
        requester_name: requester.name.clone(),
        requested_at: NOW,
        expires_at: NOW.after_ms(1),
        state: ApprovalState::Open,
        votes,
    }
}

fn clearance(needed: u32, votes: Vec<Vote>) -> Result<(), Rejection> {
    decide_clearance(&policy(needed), &ann(), &act(), Some(&request(&ann(), votes)), NOW)
}

#[test]
fn without_a_policy_everybody_acts_alone() {
    assert_eq!(decide_clearance(&policy(0), &ann(), &act(), None, NOW), Ok(()));
}

#[test]
fn an_act_is_cleared_by_as_many_others_as_the_policy_says() {
    let needed = |needed, given| Err(Rejection::ApprovalNeeded { needed, given });
    assert_eq!(decide_clearance(&policy(1), &ann(), &act(), None, NOW), needed(1, 0));
    assert_eq!(clearance(1, vec![]), needed(1, 0));
    assert_eq!(clearance(1, vec![vote(2, "bob")]), Ok(()));
    assert_eq!(clearance(2, vec![vote(2, "bob")]), needed(2, 1));
    assert_eq!(clearance(2, vec![vote(2, "bob"), vote(3, "cay")]), Ok(()));
}

#[test]
fn the_vote_of_the_requester_or_somebody_who_lost_the_right_does_not_count() {
    let lost = [
        vote(1, "ann"),
        vote(9, "ann"),
        Vote { enabled: false, ..vote(2, "bob") },
        Vote { role: Role::Operator, ..vote(2, "bob") },
    ];
    for vote in lost {
        let refused = Err(Rejection::ApprovalNeeded { needed: 1, given: 0 });
        assert_eq!(clearance(1, vec![vote.clone()]), refused, "{vote:?}");
    }
}

#[test]
fn an_approval_is_good_for_one_requester_and_one_act() {
    let given = request(&ann(), vec![vote(2, "bob")]);
    let decide = |actor: &Actor, act: &Act| decide_clearance(&policy(1), actor, act, Some(&given), NOW);
    let other_payload = Act { payload: "pay again".into(), ..act() };
    let other_subject = Act { subject: "payout-8".into(), ..act() };
    assert_eq!(decide(&operator(3, "cay", Role::Admin), &act()), Err(Rejection::ApprovalMismatch));
    assert_eq!(decide(&ann(), &other_payload), Err(Rejection::ApprovalMismatch));
    assert_eq!(decide(&ann(), &other_subject), Err(Rejection::ApprovalMismatch));
    assert_eq!(decide(&ann(), &act()), Ok(()));
}

#[test]
fn an_ended_request_clears_nothing_and_takes_no_vote() {
    let bob = operator(2, "bob", Role::Admin);
    let spent = ApprovalState::Spent;
    for state in [spent, ApprovalState::Declined, ApprovalState::Withdrawn] {
        let ended = ApprovalRequest { state, ..request(&ann(), vec![vote(2, "bob")]) };
        let refused = decide_clearance(&policy(1), &ann(), &act(), Some(&ended), NOW).unwrap_err();
        assert_eq!(refused.code(), "approval_ended");
        assert_eq!(decide_vote(&ended, &bob, NOW).unwrap_err().code(), "approval_ended");
    }
    let run_out = request(&ann(), vec![vote(2, "bob")]);
    let end = run_out.expires_at;
    let refused = decide_clearance(&policy(1), &ann(), &act(), Some(&run_out), end).unwrap_err();
    assert_eq!(refused, Rejection::ApprovalEnded { how: "left until it ran out" });
    assert_eq!(decide_vote(&run_out, &bob, end).unwrap_err().code(), "approval_ended");
}

#[test]
fn others_with_the_same_right_may_approve_and_nobody_else() {
    let asked = request(&ann(), vec![]);
    let decide = |voter: &Actor| decide_vote(&asked, voter, NOW).map_err(|refused| refused.code());
    assert_eq!(decide(&operator(2, "bob", Role::Admin)), Ok(OperatorId(2)));
    assert_eq!(decide(&ann()), Err("own_request"));
    assert_eq!(decide(&operator(2, "bob", Role::Operator)), Err("forbidden"));
    assert_eq!(decide(&Actor::cli("root")), Err("operator_needed"));
    assert_eq!(decide(&ServicePrincipal::new("rounds", "ops-key").into()), Err("operator_needed"));
}

#[test]
fn a_person_at_the_command_line_is_the_operator_of_the_same_name() {
    let asked = request(&Actor::cli("ann"), vec![]);
    assert_eq!(decide_vote(&asked, &ann(), NOW), Err(Rejection::OwnRequest));
    assert_eq!(decide_vote(&asked, &operator(2, "bob", Role::Admin), NOW), Ok(OperatorId(2)));
}

#[test]
fn names_of_states_read_back() {
    for state in ApprovalState::ALL {
        assert_eq!(ApprovalState::from_name(state.name()), Some(state));
    }
}

#[test]
fn a_name_at_the_command_line_is_cleared_by_nobodys_approval() {
    let (root, needed) = (Actor::cli("ann"), Err(Rejection::NotAnOperator));
    let brought = request(&root, vec![vote(2, "bob")]);
    assert_eq!(decide_clearance(&policy(1), &root, &act(), None, NOW), needed);
    assert_eq!(decide_clearance(&policy(1), &root, &act(), Some(&brought), NOW), needed);
    assert_eq!(decide_clearance(&policy(0), &root, &act(), Some(&brought), NOW), needed);
    assert_eq!(decide_clearance(&policy(0), &root, &act(), None, NOW), Ok(()));
}
