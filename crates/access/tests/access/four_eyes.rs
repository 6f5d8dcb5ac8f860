//! Four-eyes: other people's approval, for one act, by one requester, once.

use bursar_access::{
    Act, Actor, ApprovalState, By, Change, Draft, Drafted, Permission, Policy, Rejection, Role,
    ServicePrincipal, TokenOrder, actions, add_operator, approval, blank_ended_approvals, decline_approval,
    issue_token, open_approvals, operator_by_name, policies, request_approval, set_policy, set_role,
    tokens_of, transact_unless_drafting, withdraw_approval,
};

use crate::scene::{Scene, on_each_engine, perform};

const HOUR_MS: i64 = 3_600_000;

fn give_up(payout: &str) -> Act {
    Act {
        action: "payout.give_up".into(),
        desk: "rounds".into(),
        subject: payout.into(),
        payload: format!("payout={payout} reason=dead"),
        permission: Permission::ResolvePayout,
    }
}

fn put_policy(scene: &Scene<'_>, action: &str, approvals_needed: u32) -> Result<Change, Rejection> {
    let policy = Policy { approvals_needed, ..Policy::open(action) };
    scene.write(|tx, now| set_policy(tx, &By::new(&scene.root, now), &policy)).map(|done| done.change)
}

/// Four admins, and a policy that asks for so many approvals.
fn admins(scene: &Scene<'_>, approvals_needed: u32) -> [Actor; 4] {
    if approvals_needed > 0 {
        put_policy(scene, "payout.give_up", approvals_needed).unwrap();
    }
    ["ann", "bob", "cay", "dee"].map(|name| scene.join(name, Role::Admin).actor)
}

fn needs(needed: u32, given: u32) -> Rejection {
    Rejection::ApprovalNeeded { needed, given }
}

#[test]
fn without_a_policy_no_approval_is_asked_for() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Admin).actor;
        let cleared = scene.perform(&ann, &give_up("p1"), None).unwrap();
        assert_eq!((cleared.actor, cleared.approval, cleared.approvers), (ann, None, vec![]));
    });
}

#[test]
fn an_act_waits_for_as_many_other_people_as_the_policy_says() {
    on_each_engine(|scene| {
        let [ann, bob, cay, _] = admins(scene, 2);
        let act = give_up("p1");
        assert_eq!(scene.perform(&ann, &act, None).unwrap_err(), needs(2, 0));
        let id = scene.ask(&ann, &act).unwrap();
        assert_eq!(scene.approve(&bob, id).unwrap().change, Change::Approved { approval: id, approvals: 1 });
        assert_eq!(scene.perform(&ann, &act, Some(id)).unwrap_err(), needs(2, 1));
        scene.approve(&cay, id).unwrap();
        let cleared = scene.perform(&ann, &act, Some(id)).unwrap();
        assert_eq!(cleared.approval, Some(id));
        assert_eq!(cleared.approvers, [bob.operator().unwrap(), cay.operator().unwrap()]);
    });
}

#[test]
fn two_approvals_by_the_same_person_count_once() {
    on_each_engine(|scene| {
        let [ann, bob, _, _] = admins(scene, 2);
        let id = scene.ask(&ann, &give_up("p1")).unwrap();
        scene.approve(&bob, id).unwrap();
        assert_eq!(scene.approve(&bob, id), Err(Rejection::NothingToChange));
        let second_token = scene.token_for(&scene.root, "bob", None).unwrap();
        let bob_again = scene.person(second_token.secret.reveal()).actor;
        assert_eq!(scene.approve(&bob_again, id), Err(Rejection::NothingToChange));
        assert_eq!(scene.perform(&ann, &give_up("p1"), Some(id)).unwrap_err(), needs(2, 1));
    });
}

#[test]
fn nobody_approves_their_own_request() {
    on_each_engine(|scene| {
        let [ann, ..] = admins(scene, 1);
        let id = scene.ask(&ann, &give_up("p1")).unwrap();
        assert_eq!(scene.approve(&ann, id), Err(Rejection::OwnRequest));
        assert_eq!(scene.approve(&scene.root, id), Err(Rejection::NotAnOperator));
    });
}

#[test]
fn a_name_at_the_command_line_asks_for_no_approval_brings_none_and_acts_under_no_policy() {
    on_each_engine(|scene| {
        let [ann, bob, _, _] = admins(scene, 1);
        // Ann, who calls herself bob in order to approve as ann.
        let as_bob = Actor::cli("bob");
        assert_eq!(scene.ask(&as_bob, &give_up("p1")), Err(Rejection::NotAnOperator));
        assert_eq!(scene.perform(&as_bob, &give_up("p1"), None), Err(Rejection::NotAnOperator));
        let id = scene.ask(&bob, &give_up("p1")).unwrap();
        scene.approve(&ann, id).unwrap();
        assert_eq!(scene.perform(&as_bob, &give_up("p1"), Some(id)), Err(Rejection::NotAnOperator));
        // Without a policy a name is enough, as ever.
        let free = Act { action: "payout.hold".into(), ..give_up("p1") };
        assert!(scene.perform(&as_bob, &free, None).is_ok());
        assert_eq!(scene.perform(&as_bob, &free, Some(id)), Err(Rejection::NotAnOperator));
    });
}

#[test]
fn a_draft_says_what_would_be_admitted_and_admits_nothing() {
    on_each_engine(|scene| {
        let [ann, ..] = admins(scene, 2);
        let ola = scene.join("ola", Role::Operator).actor;
        let drafted = |by: &Actor, act: &Act| {
            let draft = Draft::default();
            let refused = scene.write(|tx, now| perform(tx, &By::new(by, now).drafting(Some(&draft)), act));
            (refused.unwrap_err().code(), draft.take())
        };
        let free = Act { action: "payout.hold".into(), ..give_up("p1") };
        for (act, approvals_needed) in [(give_up("p1"), 2), (free, 0)] {
            let wanted = Drafted { act: act.clone(), approvals_needed };
            assert_eq!(drafted(&ann, &act), ("approval_needed", Some(wanted)));
        }
        assert_eq!(drafted(&ola, &give_up("p1")), ("forbidden", None));
    });
}

#[test]
fn what_takes_nobodys_leave_cannot_be_drafted_and_a_draft_commits_nothing() {
    on_each_engine(|scene| {
        let [ann, ..] = admins(scene, 0);
        let draft = Draft::default();
        let own = TokenOrder { operator: "ann", label: "mine", expires_at: None };
        let issued = scene.write(|tx, now| {
            issue_token(tx, &By::new(&ann, now).drafting(Some(&draft)), &scene.entropy, &own)
        });
        assert_eq!(issued.unwrap_err(), Rejection::ApprovalNotNeeded);
        let write = |draft: Option<&Draft>| {
            transact_unless_drafting(&scene.test.store(), "test.draft", draft, |tx| {
                tx.batch_execute("UPDATE access_operator SET created_by = 'drafted'")?;
                Ok::<_, bursar_store::StoreError>(Ok::<_, Rejection>(()))
            })
            .unwrap()
        };
        assert_eq!(write(Some(&draft)), Err(Rejection::ApprovalNotNeeded));
        let created_by =
            || scene.read(|tx, _| Ok(operator_by_name(tx, "ann")?.ok_or(Rejection::OperatorUnknown)));
        assert_ne!(created_by().unwrap().created_by, "drafted");
        assert_eq!((write(None), draft.take()), (Ok(()), None));
        assert_eq!(created_by().unwrap().created_by, "drafted");
        let operator = ann.operator().unwrap();
        let tokens = scene.read(|tx, _| Ok(Ok(tokens_of(tx, operator, 9)?))).unwrap();
        assert_eq!(tokens.len(), 1, "the one that ann signed in with");
    });
}

#[test]
fn a_token_for_somebody_else_is_approved_with_its_label_and_how_long_it_is_accepted() {
    on_each_engine(|scene| {
        let [ann, bob, ..] = admins(scene, 0);
        scene.add("vic", Role::Viewer).unwrap();
        put_policy(scene, actions::ISSUE_TOKEN, 1).unwrap();
        let draft = Draft::default();
        let issue = |label: &'static str, lifetime_ms: Option<i64>, approval, draft| {
            scene
                .write(|tx, now| {
                    let by = By { approval, ..By::new(&ann, now).drafting(draft) };
                    let expires_at = lifetime_ms.map(|ms| now.after_ms(ms));
                    issue_token(tx, &by, &scene.entropy, &TokenOrder { operator: "vic", label, expires_at })
                })
                .map_err(|rejection| rejection.code())
        };
        assert_eq!(issue("drill", Some(HOUR_MS), None, Some(&draft)).unwrap_err(), "approval_needed");
        let act = draft.take().unwrap().act;
        assert_eq!((act.subject.as_str(), act.payload.as_str()), ("vic", "expires_in=3600000ms label=drill"));
        assert_eq!(issue("a\nb", None, None, Some(&draft)).unwrap_err(), "invalid_body");
        assert_eq!(draft.take(), None, "nobody is asked for what cannot be");
        let id = scene.ask(&ann, &act).unwrap();
        scene.approve(&bob, id).unwrap();
        scene.test.advance_ms(60_000);
        for (label, lifetime_ms) in
            [("drill", None), ("drill", Some(HOUR_MS + 1)), ("", Some(HOUR_MS)), ("other", Some(HOUR_MS))]
        {
            let refused = issue(label, lifetime_ms, Some(id), None).unwrap_err();
            assert_eq!(refused, "approval_mismatch", "{label} {lifetime_ms:?}");
        }
        let issued = issue("drill", Some(HOUR_MS), Some(id), None).unwrap();
        let Change::TokenIssued { expires_at_ms, .. } = issued.done.change else { panic!("{issued:?}") };
        assert_eq!(expires_at_ms, Some(scene.test.now().ms() + HOUR_MS));
        assert_eq!(Act::issue_token("vic", "a", None).payload, "expires_in=never label=a");
    });
}

#[test]
fn an_approval_is_consumed_exactly_once() {
    on_each_engine(|scene| {
        let [ann, bob, _, _] = admins(scene, 1);
        let id = scene.ask(&ann, &give_up("p1")).unwrap();
        scene.approve(&bob, id).unwrap();
        let outcomes = scene.at_once(|_, tx, now| perform(tx, &By::new(&ann, now).with(id), &give_up("p1")));
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        let again = scene.perform(&ann, &give_up("p1"), Some(id)).unwrap_err();
        assert_eq!(again, Rejection::ApprovalEnded { how: "used" });
        let stored = scene.read(|tx, _| Ok(Ok(approval(tx, id)?))).unwrap().unwrap();
        assert_eq!(stored.state, ApprovalState::Spent);
    });
}

#[test]
fn an_approval_is_good_for_its_requester_and_its_act_only() {
    on_each_engine(|scene| {
        let [ann, bob, cay, _] = admins(scene, 1);
        let id = scene.ask(&ann, &give_up("p1")).unwrap();
        scene.approve(&bob, id).unwrap();
        let other_words = Act { payload: "payout=p1 reason=other".into(), ..give_up("p1") };
        for (actor, act) in [(&cay, give_up("p1")), (&ann, give_up("p2")), (&ann, other_words)] {
            assert_eq!(scene.perform(actor, &act, Some(id)), Err(Rejection::ApprovalMismatch));
        }
        assert!(scene.perform(&ann, &give_up("p1"), Some(id)).is_ok());
        let unknown = bursar_access::ApprovalId(999_999);
        assert_eq!(scene.perform(&ann, &give_up("p1"), Some(unknown)), Err(Rejection::ApprovalUnknown));
    });
}

#[test]
fn an_approval_request_runs_out() {
    on_each_engine(|scene| {
        let [ann, bob, cay, _] = admins(scene, 1);
        let id = scene.ask(&ann, &give_up("p1")).unwrap();
        scene.approve(&bob, id).unwrap();
        scene.test.advance_ms(HOUR_MS);
        let ended = Rejection::ApprovalEnded { how: "left until it ran out" };
        assert_eq!(scene.perform(&ann, &give_up("p1"), Some(id)), Err(ended.clone()));
        assert_eq!(scene.approve(&cay, id), Err(ended));
        assert_eq!(scene.read(|tx, now| Ok(Ok(open_approvals(tx, now, None, 5)?))).unwrap(), []);
    });
}

#[test]
fn a_request_lives_7_days_at_most() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Admin).actor;
        let file = |lifetime_ms| {
            scene.write(|tx, now| request_approval(tx, &By::new(&ann, now), &give_up("p1"), lifetime_ms))
        };
        assert!(file(604_800_000).is_ok());
        for lifetime_ms in [604_800_001, 0, -1] {
            assert_eq!(file(lifetime_ms).unwrap_err().code(), "invalid_body");
        }
    });
}

#[test]
fn the_approval_of_somebody_disabled_or_demoted_since_does_not_count() {
    on_each_engine(|scene| {
        let [ann, bob, cay, dee] = admins(scene, 1);
        let id = scene.ask(&ann, &give_up("p1")).unwrap();
        scene.approve(&bob, id).unwrap();
        scene.approve(&cay, id).unwrap();
        scene.disable("bob").unwrap();
        scene.write(|tx, now| set_role(tx, &By::new(&scene.root, now), "cay", Role::Operator)).unwrap();
        assert_eq!(scene.perform(&ann, &give_up("p1"), Some(id)).unwrap_err(), needs(1, 0));
        scene.approve(&dee, id).unwrap();
        let cleared = scene.perform(&ann, &give_up("p1"), Some(id)).unwrap();
        assert_eq!(cleared.approvers, [dee.operator().unwrap()]);
    });
}

#[test]
fn asking_and_approving_take_the_right_that_the_act_takes() {
    on_each_engine(|scene| {
        let [ann, _, _, _] = admins(scene, 1);
        let ola = scene.join("ola", Role::Operator).actor;
        assert_eq!(scene.ask(&ola, &give_up("p1")).unwrap_err().code(), "forbidden");
        let id = scene.ask(&ann, &give_up("p1")).unwrap();
        assert_eq!(scene.approve(&ola, id).unwrap_err().code(), "forbidden");
    });
}

#[test]
fn a_declined_or_withdrawn_request_has_ended_for_good() {
    on_each_engine(|scene| {
        let [ann, bob, cay, _] = admins(scene, 1);
        let decline = |by: &Actor, id| scene.write(|tx, now| decline_approval(tx, &By::new(by, now), id));
        let withdraw = |by: &Actor, id| scene.write(|tx, now| withdraw_approval(tx, &By::new(by, now), id));
        let ask = || {
            let id = scene.ask(&ann, &give_up("p1")).unwrap();
            scene.approve(&bob, id).unwrap();
            id
        };
        let declined = ask();
        assert_eq!(decline(&ann, declined), Err(Rejection::OwnRequest));
        decline(&cay, declined).unwrap();
        let withdrawn = ask();
        assert_eq!(withdraw(&bob, withdrawn), Err(Rejection::ApprovalMismatch));
        withdraw(&ann, withdrawn).unwrap();
        for (id, how) in [(declined, "declined"), (withdrawn, "withdrawn")] {
            let ended = Rejection::ApprovalEnded { how };
            assert_eq!(scene.perform(&ann, &give_up("p1"), Some(id)), Err(ended.clone()));
            assert_eq!(decline(&cay, id), Err(ended.clone()));
            assert_eq!(withdraw(&ann, id), Err(ended));
        }
    });
}

#[test]
fn an_act_that_is_refused_after_all_leaves_its_approval_unspent() {
    on_each_engine(|scene| {
        let [ann, bob, _, _] = admins(scene, 1);
        put_policy(scene, actions::ADD_OPERATOR, 1).unwrap();
        let id = scene.ask(&ann, &Act::add_operator("bob", Role::Viewer)).unwrap();
        scene.approve(&bob, id).unwrap();
        let add =
            |name| scene.write(|tx, now| add_operator(tx, &By::new(&ann, now).with(id), name, Role::Viewer));
        assert_eq!(add("bob"), Err(Rejection::OperatorExists));
        let stored = scene.read(|tx, _| Ok(Ok(approval(tx, id)?))).unwrap().unwrap();
        assert_eq!((stored.state, stored.approvals()), (ApprovalState::Open, 1));
    });
}

#[test]
fn an_admin_alone_cannot_get_round_four_eyes_with_accounts_of_their_own() {
    on_each_engine(|scene| {
        let [ann, bob, _, _] = admins(scene, 1);
        // Even before a policy says who may set policies, nobody alone loosens the one that is set.
        let open = Policy::open("payout.give_up");
        assert_eq!(
            scene.write(|tx, now| set_policy(tx, &By::new(&ann, now), &open)).unwrap_err(),
            needs(1, 0)
        );
        assert_eq!(put_policy(scene, "payout.give_up", 0), Err(Rejection::NotAnOperator));
        for action in [actions::ADD_OPERATOR, actions::ISSUE_TOKEN, actions::SET_POLICY] {
            put_policy(scene, action, 1).unwrap_or_else(|refused| panic!("{action}: {refused}"));
        }
        let by = |now| By::new(&ann, now);
        let add = scene.write(|tx, now| add_operator(tx, &by(now), "eve", Role::Admin));
        assert_eq!(add.unwrap_err(), needs(1, 0));
        assert_eq!(scene.token_for(&ann, "bob", None).unwrap_err(), needs(1, 0));
        assert_eq!(scene.write(|tx, now| set_policy(tx, &by(now), &open)).unwrap_err(), needs(1, 0));
        let id = scene.ask(&ann, &Act::set_policy(&open)).unwrap();
        scene.approve(&bob, id).unwrap();
        let done = scene.write(|tx, now| set_policy(tx, &by(now).with(id), &open)).unwrap();
        assert_eq!(done.cleared.approvers, [bob.operator().unwrap()]);
    });
}

#[test]
fn g2_a_policy_binds_a_service_principal_only_by_name() {
    on_each_engine(|scene| {
        let [ann, _, _, _] = admins(scene, 0);
        let key = ServicePrincipal::new("rounds", "ops-key");
        let actor: Actor = key.clone().into();
        assert!(scene.perform(&actor, &give_up("p1"), None).is_ok());
        let naming = Policy { approvals_needed: 1, services: vec![key], ..Policy::open("payout.give_up") };
        scene.write(|tx, now| set_policy(tx, &By::new(&scene.root, now), &naming)).unwrap();
        assert_eq!(scene.read(|tx, _| Ok(Ok(policies(tx)?))).unwrap(), [naming]);
        assert_eq!(scene.perform(&actor, &give_up("p1"), None).unwrap_err(), needs(1, 0));
        let id = scene.ask(&actor, &give_up("p1")).unwrap();
        scene.approve(&ann, id).unwrap();
        assert!(scene.perform(&actor, &give_up("p1"), Some(id)).is_ok());
    });
}

#[test]
fn a_policy_change_says_what_it_was_and_what_it_is() {
    on_each_engine(|scene| {
        let change = put_policy(scene, "a", 1).unwrap();
        let Change::PolicySet { from_approvals: 0, to_approvals: 1, .. } = change else {
            panic!("{change:?}")
        };
        let [ann, bob] = ["ann", "bob"].map(|name| scene.join(name, Role::Admin).actor);
        let set = |approvals_needed| {
            let policy = Policy { approvals_needed, ..Policy::open("a") };
            let id = scene.ask(&ann, &Act::set_policy(&policy))?;
            scene.approve(&bob, id)?;
            scene.write(|tx, now| set_policy(tx, &By::new(&ann, now).with(id), &policy))
        };
        let change = set(2).unwrap().change;
        let Change::PolicySet { from_approvals: 1, to_approvals: 2, .. } = change else {
            panic!("{change:?}")
        };
        assert_eq!(put_policy(scene, "b", 0), Err(Rejection::NothingToChange));
        assert_eq!(put_policy(scene, "a", 9).unwrap_err().code(), "invalid_body");
    });
}

#[test]
fn waiting_requests_are_listed_newest_first_with_their_approvals() {
    on_each_engine(|scene| {
        let [ann, bob, _, _] = admins(scene, 1);
        let ids = ["p1", "p2", "p3"].map(|payout| scene.ask(&ann, &give_up(payout)).unwrap());
        scene.approve(&bob, ids[1]).unwrap();
        let page = |before| {
            let found = scene.read(|tx, now| Ok(Ok(open_approvals(tx, now, before, 2)?))).unwrap();
            found.iter().map(|request| (request.id, request.approvals())).collect::<Vec<_>>()
        };
        assert_eq!(page(None), [(ids[2], 0), (ids[1], 1)]);
        assert_eq!(page(Some(ids[1])), [(ids[0], 0)]);
    });
}

#[test]
fn what_ended_requests_were_about_can_be_blanked_and_waiting_ones_stay() {
    on_each_engine(|scene| {
        let [ann, bob, _, _] = admins(scene, 1);
        let [used, waiting] = ["p1", "p2"].map(|payout| scene.ask(&ann, &give_up(payout)).unwrap());
        scene.approve(&bob, used).unwrap();
        scene.perform(&ann, &give_up("p1"), Some(used)).unwrap();
        let before = scene.test.advance_ms(1);
        let blank =
            |before| scene.test.store().transact("test.blank", |tx| blank_ended_approvals(tx, before));
        assert_eq!([blank(before).unwrap(), blank(before).unwrap()], [1, 0]);
        let payload = |id| scene.read(|tx, _| Ok(Ok(approval(tx, id)?))).unwrap().unwrap().payload;
        assert_eq!([payload(used), payload(waiting)], [String::new(), give_up("p2").payload]);
    });
}
