//! Adopting payments under a policy: whose approval it takes, and for what that is good.

use bursar_access::{Actor, ApprovalId, ApprovalState, By, Draft, OsEntropy, Policy, Role, TokenOrder};
use bursar_faucet::adoption::{Adoption, Verdict};
use bursar_faucet::record::{Finding, WalletLink};
use bursar_faucet::switches::PAYOUTS_HALTED;

use crate::adopting::{adopted, at_rest, fall_back, is_open, matched, resume, traces};
use crate::restoring::{backup, restore};
use crate::scene::{BAN, Scene, address, ban, banano_of, on_each_engine, recorder};

const DAY_MS: i64 = 86_400_000;

/// An operator with a token of their own.
fn operator(scene: &Scene, name: &str) -> Actor {
    let root = Actor::cli("root");
    let order = TokenOrder { operator: name, label: "test", expires_at: None };
    let issued = scene.write(|tx, now| {
        let by = By::new(&root, now);
        bursar_access::add_operator(tx, &by, name, Role::Admin)?.unwrap();
        bursar_access::issue_token(tx, &by, &OsEntropy, &order)
    });
    let secret = issued.unwrap().secret;
    scene.write(|tx, now| bursar_access::authenticate_token(tx, secret.reveal(), now)).unwrap().actor
}

/// An adoption that `actor` runs with an approval, or drafts.
struct Asked<'a> {
    actor: &'a Actor,
    approval: Option<ApprovalId>,
    draft: Option<&'a Draft>,
    reason: &'a str,
}

fn ask(scene: &Scene, asked: &Asked<'_>) -> Result<Vec<Verdict>, &'static str> {
    let (store, recorder) = (scene.store(), recorder("test.adopt"));
    let adoption = Adoption {
        store: &store,
        payouts: &scene.payouts,
        operator: &scene.operator,
        recorder: &recorder,
        actor: asked.actor,
        approval: asked.approval,
        draft: asked.draft,
        reason: asked.reason,
        is_dry_run: false,
        is_whole_history: false,
    };
    let report = adoption.run(&banano_of(&scene.node)).unwrap().map_err(|refusal| refusal.code())?;
    Ok(report.payments.into_iter().map(|(_, verdict)| verdict).collect())
}

/// Asks for the approval of `asked`, and `other` gives it.
fn approved(scene: &Scene, asked: &Asked<'_>, other: &Actor) -> ApprovalId {
    let draft = Draft::default();
    assert_eq!(ask(scene, &Asked { draft: Some(&draft), ..*asked }), Err("approval_needed"));
    let act = draft.take().unwrap().act;
    scene.write(|tx, now| {
        let by = By::new(asked.actor, now);
        let filed = bursar_access::request_approval(tx, &by, &act, 3_600_000)?.unwrap();
        bursar_access::approve(tx, &By::new(other, now), filed.id)?.unwrap();
        Ok(filed.id)
    })
}

/// After a restore that lost a payment to a player and one to an address that nobody has linked.
fn two_are_missing(scene: &mut Scene) -> (i64, i64) {
    scene.funded(100 * BAN);
    let (paid, kept) = (scene.player(0), scene.player(0));
    scene.earn(paid, 5);
    scene.earn(kept, 10);
    scene.change_user(kept, |user| user.eligibility = bursar_faucet::rules::eligibility::Eligibility::Held);
    backup(scene);
    scene.settle();
    scene.send();
    scene.steal(BAN);
    fall_back(scene);
    one_approval_is_needed(scene);
    (paid, kept)
}

fn one_approval_is_needed(scene: &Scene) {
    let policy = Policy { action: "faucet.adopt".to_owned(), approvals_needed: 1, services: Vec::new() };
    let root = Actor::cli("root");
    scene.write(|tx, now| bursar_access::set_policy(tx, &By::new(&root, now), &policy)).unwrap();
}

#[test]
fn it_takes_other_peoples_approval_where_a_policy_asks_for_it() {
    on_each_engine(|scene| {
        two_are_missing(scene);
        let (ann, bob, root) = (operator(scene, "ann"), operator(scene, "bob"), Actor::cli("root"));
        let as_one = |actor| Asked { actor, approval: None, draft: None, reason: "the disk is gone" };
        let before = traces(scene);
        assert_eq!(ask(scene, &as_one(&root)), Err("operator_needed"));
        assert_eq!(ask(scene, &as_one(&ann)), Err("approval_needed"));
        assert_eq!(traces(scene), before);
        assert!(is_open(scene));
        let approval = Some(approved(scene, &as_one(&ann), &bob));
        assert_eq!(ask(scene, &Asked { approval, ..as_one(&bob) }), Err("approval_mismatch"));
        assert_eq!(ask(scene, &Asked { approval, ..as_one(&ann) }).unwrap().len(), 2);
    });
}

#[test]
fn an_approval_is_used_up_by_the_first_payment_and_the_run_goes_on_under_it_until_nothing_is_left() {
    on_each_engine(|scene| {
        let (paid, kept) = two_are_missing(scene);
        let (ann, bob, root) = (operator(scene, "ann"), operator(scene, "bob"), Actor::cli("root"));
        let mine = Asked { actor: &ann, approval: None, draft: None, reason: "the disk is gone" };
        let id = approved(scene, &mine, &bob);
        let mine = Asked { approval: Some(id), ..mine };
        let spent =
            || scene.read(|tx| bursar_access::approval(tx, id)).unwrap().state == ApprovalState::Spent;

        let since = scene.read(Finding::all)[0].since;

        let first = ask(scene, &mine).unwrap();
        assert_eq!((adopted(&first[0]), &first[1]), ((paid, 5, "0.50000000".to_owned()), &Verdict::NoPlayer));
        assert!(spent() && is_open(scene));
        // It goes on for whoever began it, for what they were allowed, and for nothing and nobody else.
        assert_eq!(ask(scene, &mine), Ok(vec![Verdict::NoPlayer]));
        let ended = |other: Asked<'_>| ask(scene, &other).unwrap_err();
        assert_eq!(ended(Asked { reason: "another", ..mine }), "approval_mismatch");
        assert_eq!(ended(Asked { actor: &bob, ..mine }), "approval_mismatch");
        assert_eq!(ended(Asked { actor: &root, ..mine }), "operator_needed");
        assert_eq!(ended(Asked { approval: None, ..mine }), "approval_needed");

        // The address turns out to be the other player's.
        scene.write(|tx, now| {
            let mut links = WalletLink::of_users(tx, &[kept])?;
            links.iter_mut().for_each(|link| link.address = address(99));
            WalletLink::save(tx, &links, now)
        });
        let last = ask(scene, &mine).unwrap();
        assert_eq!(last.iter().map(adopted).collect::<Vec<_>>(), [(kept, 10, "1.00000000".to_owned())]);
        at_rest(scene);
        let told = "SELECT COUNT(*) FROM audit_events WHERE event LIKE 'faucet.payment%' \
                    AND CAST(payload AS TEXT) LIKE '%\"approval\":%' AND CAST(payload AS TEXT) NOT LIKE '%\"approval\":null%'";
        assert_eq!(scene.count(told), 3, "each says under which approval");

        // What has ended does not begin again, and a later hole is another act.
        let reopened = "UPDATE faucet_finding SET count = 1, since = $1 WHERE kind = 'payout.blind'";
        scene.write(|tx, _| tx.execute(reopened, &[since.into()]));
        assert_eq!(ended(Asked { ..mine }), "approval_ended");
        scene.write(|tx, _| tx.execute(reopened, &[since.after_ms(1).into()]));
        assert_eq!(ended(Asked { ..mine }), "approval_mismatch");
    });
}

#[test]
fn a_run_goes_on_for_a_day_and_while_its_approval_is_enough() {
    on_each_engine(|scene| {
        two_are_missing(scene);
        let (ann, bob, root) = (operator(scene, "ann"), operator(scene, "bob"), Actor::cli("root"));
        let mine = Asked { actor: &ann, approval: None, draft: None, reason: "the disk is gone" };
        let mine = Asked { approval: Some(approved(scene, &mine, &bob)), ..mine };
        assert_eq!(ask(scene, &mine).unwrap().len(), 2);
        let goes_on = Ok(vec![Verdict::NoPlayer]);
        assert_eq!(ask(scene, &mine), goes_on);

        // Who approved has lost the right since.
        scene.write(|tx, now| bursar_access::disable_operator(tx, &By::new(&root, now), "bob")).unwrap();
        assert_eq!(ask(scene, &mine), Err("approval_needed"));
        scene.write(|tx, now| bursar_access::enable_operator(tx, &By::new(&root, now), "bob")).unwrap();
        assert_eq!(ask(scene, &mine), goes_on);
        let needs = |count: i64| {
            let sql = "UPDATE access_policy SET approvals_needed = $1 WHERE action = 'faucet.adopt'";
            scene.write(|tx, _| tx.execute(sql, &[count.into()]));
        };
        needs(2);
        assert_eq!(ask(scene, &mine), Err("approval_needed"));
        needs(1);

        scene.pass(DAY_MS - 1);
        assert_eq!(ask(scene, &mine), goes_on);
        scene.pass(1);
        assert_eq!(ask(scene, &mine), Err("approval_ended"));
        assert!(is_open(scene));
    });
}

#[test]
fn an_approval_is_used_up_too_when_payouts_were_taken_back_for_a_payment_that_still_waits() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 10);
        backup(scene);
        scene.settle();
        scene.send();
        restore(scene);
        scene.restart(|_| {});
        matched(scene);
        resume(scene);
        scene.earn(id, 1);
        scene.settle();
        scene.earn(id, 2);
        scene.settle();
        scene.set_switch(PAYOUTS_HALTED, true);
        // Of the two that wait, 1.1 and 0.2, the first cannot be taken back; 1.0 were paid.
        scene.write(|tx, _| tx.batch_execute("UPDATE faucet_payout SET intent = NULL WHERE kills = 11"));
        one_approval_is_needed(scene);
        let (ann, bob) = (operator(scene, "ann"), operator(scene, "bob"));
        let mine = Asked { actor: &ann, approval: None, draft: None, reason: "the disk is gone" };
        let approval = approved(scene, &mine, &bob);
        let mine = Asked { approval: Some(approval), ..mine };

        let waits = Verdict::WaitsForKills { player: id, missing: ban("0.8"), kills: Some(8) };
        assert_eq!(ask(scene, &mine), Ok(vec![waits.clone()]));
        let states: Vec<&str> = scene.payouts_of(id).iter().map(|payout| payout.state.word()).collect();
        assert_eq!(states, ["created", "failed"]);
        let request = scene.read(|tx| bursar_access::approval(tx, approval)).unwrap();
        assert_eq!(request.state, ApprovalState::Spent);
        let told = "SELECT COUNT(*) FROM audit_events WHERE event = 'faucet.payouts_taken_back' \
                    AND actor LIKE 'operator:%' AND CAST(payload AS TEXT) NOT LIKE '%\"approval\":null%' \
                    AND CAST(payload AS TEXT) NOT LIKE '%\"approvers\":[]%'";
        assert_eq!(scene.count(told), 1);
        // What is left goes on under it, as after a payment.
        assert_eq!(ask(scene, &mine), Ok(vec![waits]));
        assert_eq!(scene.count(told), 1);
    });
}
