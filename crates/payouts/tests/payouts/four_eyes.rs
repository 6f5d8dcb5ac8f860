//! Other people's approval: what it is used for, what leaves it unused, and who is named for it.

use bursar_access::{
    Act, Actor, ApprovalId, By, Permission, Policy as AccessPolicy, Role, SeededEntropy, TokenOrder,
    add_operator, approve, authenticate_token, issue_token, request_approval,
};
use bursar_keys::{ApprovalRule, Order, Policy, RollingCap, Work};
use bursar_money::{Amount, Asset};
use bursar_payouts::{IntentId, IntentState, Rejection};
use serde_json::{Value, json};

use crate::scene::{DESK, Scene, keystore, on_each_engine, payee, policy, recorder};

const DAY_MS: i64 = 86_400_000;

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

/// An approval of `act` that ann asked for and bob gave.
fn approved(scene: &Scene, [ann, bob]: &[Actor; 2], act: &Act) -> ApprovalId {
    let id = scene.write(|tx, now| request_approval(tx, &By::new(ann, now), act, DAY_MS)).unwrap().id;
    scene.write(|tx, now| approve(tx, &By::new(bob, now), id)).unwrap();
    id
}

/// The approval of the payment of 100 to payee 1 that intent `id` is.
fn payment_approved(scene: &Scene, people: &[Actor; 2], id: IntentId) -> ApprovalId {
    let (asset, destination, amount) = (Asset::Banano, payee(1), Amount::new(100));
    let work = Work::Payment { asset, destination, amount };
    let order = Order { intent: format!("payout/{id}"), key: scene.wallet.clone(), work };
    let act = scene.write(|tx, _| keystore().approval_act(tx, &order)).unwrap();
    approved(scene, people, &act)
}

fn retry(
    scene: &Scene,
    by: &Actor,
    act: Option<ApprovalId>,
    payment: Option<ApprovalId>,
    id: IntentId,
) -> Result<IntentState, Rejection> {
    scene.write(|tx, now| {
        let by = By { approval: act, ..By::new(by, now) };
        scene.payouts.retry_approved(tx, &by, payment, id, "again", &recorder("test.operator"))
    })
}

/// Whether an approval was used up.
fn is_spent(scene: &Scene, id: ApprovalId) -> bool {
    scene.read(|tx| bursar_access::approval(tx, id)).unwrap().state.name() == "spent"
}

fn needing_approval() -> Policy {
    let cap = RollingCap { window_ms: DAY_MS, max: Amount::new(250) };
    Policy { approval: Some(ApprovalRule { above: Amount::new(50), needed: 1 }), caps: vec![cap], ..policy() }
}

#[test]
fn a_refused_retry_uses_no_approval_up_and_charges_nothing() {
    on_each_engine(|scene| {
        let people = ["ann", "bob"].map(|name| join(scene, name));
        let (sender, lease) = scene.funded(1_000);
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![4], 100));
        scene.set_policy(&needing_approval());
        let payment = payment_approved(scene, &people, id);
        // The authorisation that it was signed with is over, so another would be charged.
        scene.test.set_time(scene.test.now().after_ms(DAY_MS / 2));
        let refused = retry(scene, &people[0], None, Some(payment), id);
        assert_eq!(refused, Err(Rejection::TooLate(IntentState::Final)));
        assert!(!is_spent(scene, payment));
        assert_eq!(scene.count("SELECT COUNT(*) FROM key_charge"), 1);
    });
}

#[test]
fn a_payments_approval_is_used_where_the_key_needs_it_and_nowhere_else() {
    on_each_engine(|scene| {
        let people = ["ann", "bob"].map(|name| join(scene, name));
        let (sender, lease) = scene.funded(1_000);
        scene.set_policy(&needing_approval());
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![1], 0));
        let payment = payment_approved(scene, &people, id);
        // By now the key asks for none.
        scene.ask_no_approval();
        assert_eq!(retry(scene, &people[0], None, Some(payment), id), Ok(IntentState::Accepted));
        assert!(!is_spent(scene, payment));
        scene.set_policy(&needing_approval());
        assert_eq!(retry(scene, &people[0], None, Some(payment), id), Ok(IntentState::Accepted));
        assert!(is_spent(scene, payment));
        scene.run(&sender, &lease);
        assert_eq!(scene.paid(1), 100);
        scene.check();
    });
}

#[test]
fn a_payment_needs_approvals_above_the_amount_that_its_key_says() {
    on_each_engine(|scene| {
        scene.set_policy(&needing_approval());
        let needed = [50, 51].map(|amount| {
            let id = scene.order(&format!("of-{amount}"), &payee(1), amount).unwrap().id;
            scene.write(|tx, _| scene.payouts.payment_act(tx, id)).unwrap().approvals_needed
        });
        assert_eq!(needed, [0, 1]);
    });
}

#[test]
fn the_approval_of_a_payment_is_none_of_the_act_that_retries_it() {
    on_each_engine(|scene| {
        let people = ["ann", "bob"].map(|name| join(scene, name));
        let (sender, lease) = scene.funded(1_000);
        scene.set_policy(&needing_approval());
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        scene.run(&sender, &lease);
        let two = AccessPolicy { approvals_needed: 1, ..AccessPolicy::open("payouts.retry") };
        scene.write(|tx, now| bursar_access::set_policy(tx, &By::new(&scene.root, now), &two)).unwrap();
        let payment = payment_approved(scene, &people, id);
        let refused = retry(scene, &people[0], None, Some(payment), id).unwrap_err();
        assert_eq!((refused.code(), is_spent(scene, payment)), ("approval_needed", false));
        let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap().payout;
        let act = |payload: String| Act {
            action: "payouts.retry".to_owned(),
            desk: DESK.to_owned(),
            subject: shown.public_id.to_string(),
            payload,
            permission: Permission::ResolvePayout,
        };
        // What is approved is to let it go though it is held for this.
        let waiting = approved(scene, &people, &act("again".to_owned()));
        let refused = retry(scene, &people[0], Some(waiting), Some(payment), id).unwrap_err();
        assert_eq!((refused.code(), is_spent(scene, payment)), ("approval_mismatch", false));
        let act = approved(scene, &people, &act(format!("again; it is held: {}", shown.why)));
        assert_eq!(retry(scene, &people[0], Some(act), Some(payment), id), Ok(IntentState::Accepted));
        assert!(is_spent(scene, act) && is_spent(scene, payment));
        let sql = "SELECT payload FROM audit_events WHERE event = 'payout.released' ORDER BY id DESC LIMIT 1";
        let payload: String = scene.read(|tx| tx.query_first(sql, &[], |row| row.get(0))).unwrap();
        let payload: Value = serde_json::from_str(&payload).unwrap();
        let bob = people[1].operator().unwrap();
        assert_eq!((&payload["approval"], &payload["approvers"]), (&json!(act), &json!([bob])));
    });
}
