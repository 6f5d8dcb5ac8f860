//! What a person decides: freeing a slot, calling a payment paid or dead on evidence, trying again.

use bursar_access::By;
use bursar_chain::TransactionId;
use bursar_devnet_banano::{Command, Misbehaviour};
use bursar_keys::{ApprovalRule, Policy};
use bursar_money::{Amount, Balance};
use bursar_payouts::{Afterwards, IntentId, IntentState, Payouts, Rejection, Resolution, TransactionSight};
use bursar_store::lease::Lease;

use crate::restore::{backup, restore, start};
use crate::scene::{Scene, TREASURY, on_each_engine, payee, policy, recorder};

fn resolve(scene: &Scene, id: IntentId, resolution: &Resolution) -> Result<IntentState, Rejection> {
    scene.write(|tx, now| {
        let by = By::new(&scene.root, now);
        scene.payouts.resolve(tx, &by, id, resolution, &recorder("test.operator"))
    })
}

fn retry(scene: &Scene, id: IntentId) -> Result<IntentState, Rejection> {
    scene.write(|tx, now| {
        scene.payouts.retry(tx, &By::new(&scene.root, now), id, "again", &recorder("test.operator"))
    })
}

fn sight(payouts: &Payouts, transaction: &TransactionId) -> TransactionSight {
    payouts.look_at(transaction).unwrap().unwrap()
}

fn dead(sight: TransactionSight, evidence: &str) -> Resolution {
    Resolution::Dead { sight: Box::new(sight), evidence: evidence.to_owned(), then: Afterwards::Fail }
}

/// An intent whose payment is signed and counted as sent, and has reached no node.
fn lost_on_the_way(scene: &Scene) -> (bursar_payouts::Sender, Lease, IntentId, TransactionId) {
    let (sender, lease) = scene.funded(1_000);
    let id = scene.order("a", &payee(1), 100).unwrap().id;
    scene.misbehave("process", Misbehaviour::DropRequest, 1);
    sender.turn(&lease).unwrap();
    let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap();
    let transaction = shown.attempts[0].transaction.clone();
    assert_eq!((shown.payout.state, scene.paid(1)), (IntentState::Broadcast, 0));
    (sender, lease, id, transaction)
}

#[test]
fn a_freed_slot_proves_the_payment_dead_and_it_is_tried_again_in_another() {
    on_each_engine(|scene| {
        let (sender, lease, id, first) = lost_on_the_way(scene);
        let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap();
        assert_eq!(shown.paying().map(|attempt| &attempt.transaction), Some(&first));
        let is_at_rest = || scene.read(|tx| scene.payouts.is_at_rest(tx, &scene.wallet));
        assert!(!is_at_rest());
        let free = Resolution::FreeSlot { then: Afterwards::Retry };
        assert_eq!(resolve(scene, id, &free), Ok(IntentState::Broadcast));
        scene.run(&sender, &lease);
        let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap();
        let kinds: Vec<_> =
            shown.attempts.iter().map(|one| (one.kind, one.state, one.has_death_proof)).collect();
        assert_eq!(
            kinds,
            [("payment", "dead", true), ("freeing", "final", false), ("payment", "final", false)]
        );
        assert_eq!(shown.attempts[0].slot, shown.attempts[1].slot);
        assert_ne!(shown.attempts[0].slot, shown.attempts[2].slot);
        assert_eq!(shown.paying(), Some(&shown.attempts[2]));
        assert_eq!((shown.payout.state, scene.paid(1)), (IntentState::Final, 100));
        assert!(is_at_rest());
        // Whoever has kept the dead bytes may send them: no node takes them.
        let sends = scene.sends();
        assert!(sends.len() == 1 && sends[0].0 != first.as_str());
        assert!(scene.events().contains(&"payout.attempt_dead".to_owned()));
        scene.check();
    });
}

#[test]
fn a_freed_slot_without_another_try_fails_and_gives_the_money_back() {
    on_each_engine(|scene| {
        let (sender, lease, id, _) = lost_on_the_way(scene);
        resolve(scene, id, &Resolution::FreeSlot { then: Afterwards::Fail }).unwrap();
        scene.run(&sender, &lease);
        let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap();
        assert_eq!((shown.payout.state, scene.paid(1)), (IntentState::Failed, 0));
        assert_eq!(shown.paying(), None);
        assert_eq!(scene.account("faucet/treasury"), (Balance::Credit(Amount::new(TREASURY)), 0));
        assert_eq!(
            resolve(scene, id, &Resolution::FreeSlot { then: Afterwards::Retry }),
            Err(Rejection::TooLate(IntentState::Failed))
        );
        scene.check();
    });
}

#[test]
fn while_its_slot_is_being_freed_a_payment_is_not_sent_again() {
    on_each_engine(|scene| {
        let (sender, lease, id, _) = lost_on_the_way(scene);
        resolve(scene, id, &Resolution::FreeSlot { then: Afterwards::Fail }).unwrap();
        scene.misbehave("process", Misbehaviour::DropRequest, 100);
        scene.run_for(&sender, &lease, 12);
        let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap();
        let [payment, freeing] = &shown.attempts[..] else { panic!("{:?}", shown.attempts) };
        assert_eq!((payment.kind, payment.state, payment.broadcasts), ("payment", "broadcast", 1));
        assert!(freeing.kind == "freeing" && freeing.broadcasts > 1, "{freeing:?}");
    });
}

#[test]
fn a_payment_that_wins_against_what_would_free_its_slot_is_final() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.command(Command::ConfirmationLag(None));
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        scene.misbehave("process", Misbehaviour::DropRequest, 1);
        sender.turn(&lease).unwrap();
        resolve(scene, id, &Resolution::FreeSlot { then: Afterwards::Fail }).unwrap();
        scene.misbehave("process", Misbehaviour::DropRequest, 1);
        sender.turn(&lease).unwrap();
        let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap();
        assert_eq!(shown.attempts.len(), 2);
        // Somebody who saw the payment sends it, and it becomes final before what would free its slot arrives.
        let sql = "SELECT bytes FROM payout_attempt WHERE kind = 0";
        let bytes: Vec<u8> = scene.read(|tx| tx.query_first(sql, &[], |row| row.get(0))).unwrap();
        let stored: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        scene.command(Command::Gossip(Box::new(serde_json::from_value(stored["block"].clone()).unwrap())));
        scene.command(Command::ConfirmAll);
        scene.run(&sender, &lease);
        let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap();
        assert_eq!((shown.payout.state, scene.paid(1)), (IntentState::Final, 100));
        assert_eq!((shown.attempts[1].state, shown.attempts[1].has_death_proof), ("dead", true));
        scene.check();
    });
}

#[test]
fn a_cancel_while_under_way_fails_it_once_it_is_proven_dead_and_never_before() {
    on_each_engine(|scene| {
        let (sender, lease, id, _) = lost_on_the_way(scene);
        let cancel = |tx: &mut bursar_store::Tx<'_>, now| {
            let by = By::new(&scene.root, now);
            scene.payouts.cancel_by(tx, &by, id, "the player left", &recorder("test.operator"))
        };
        assert_eq!(scene.write(cancel), Ok(IntentState::Broadcast));
        assert_eq!(scene.account("faucet/treasury").1, 100);
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![4], 100));
        scene.check();
    });
}

#[test]
fn an_operators_word_ends_a_payment_and_stays_beside_it() {
    on_each_engine(|scene| {
        // A node that lags: it still shows the slot as free.
        let (_, _, id, transaction) = lost_on_the_way(scene);
        let old = scene.copy_of_node();
        scene.steal(5);
        let evidence = "the block explorer shows another block in its place";
        let sight = sight(&scene.asking_both(&old), &transaction);
        // What stands in its place is unknown here, and may have paid it.
        assert_eq!(resolve(scene, id, &dead(sight, evidence)), Ok(IntentState::Held));
        let sql = "SELECT death_proof, evidence FROM payout_attempt WHERE kind = 0";
        let kept = scene.read(|tx| tx.query_first(sql, &[], |row| Ok((row.get(0)?, row.get(1)?))));
        let (proof, said): (Vec<u8>, Vec<u8>) = kept.unwrap();
        let proof: serde_json::Value = serde_json::from_slice(&proof).unwrap();
        assert_eq!(
            (proof["operator"].as_str(), proof["evidence"].as_str(), proof["chain"]["nodes"].as_i64()),
            (Some("cli:root"), Some(evidence), Some(1))
        );
        assert!(String::from_utf8(said).unwrap().contains(transaction.as_str()));
        assert!(scene.events().contains(&"payout.resolved".to_owned()));
        assert_eq!(scene.account("faucet/treasury").1, 100);
    });
}

#[test]
fn nobodys_word_kills_a_payment_that_any_node_shows_or_whose_slot_is_free() {
    on_each_engine(|scene| {
        let (sender, lease, id, transaction) = lost_on_the_way(scene);
        let old = scene.copy_of_node();
        let code = |payouts: &Payouts| {
            resolve(scene, id, &dead(sight(payouts, &transaction), "I am sure")).unwrap_err().code()
        };
        assert_eq!(code(&scene.payouts), "slot_free");
        scene.misbehave("account_info", Misbehaviour::Silence, 9);
        scene.misbehave("block_info", Misbehaviour::Silence, 9);
        assert_eq!(code(&scene.payouts), "chain_silent");
        scene.command(Command::ClearFaults);
        // Its bytes arrive at last, and this process does not know yet.
        let sql = "SELECT bytes FROM payout_attempt WHERE kind = 0";
        let bytes: Vec<u8> = scene.read(|tx| tx.query_first(sql, &[], |row| row.get(0))).unwrap();
        let stored: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let block = serde_json::from_value(stored["block"].clone()).unwrap();
        scene.command(Command::ConfirmationLag(None));
        scene.command(Command::Gossip(Box::new(block)));
        assert_eq!(code(&scene.payouts), "transaction_lives");
        scene.command(Command::ConfirmAll);
        assert_eq!(code(&scene.payouts), "transaction_lives");
        assert_eq!(code(&scene.asking_both(&old)), "transaction_lives");
        assert_eq!((scene.states(), scene.paid(1)), (vec![3], 100));
        scene.run(&sender, &lease);
        assert_eq!(scene.states(), [4]);
        scene.check();
    });
}

#[test]
fn what_the_nodes_prove_dead_is_dead_with_their_proof() {
    on_each_engine(|scene| {
        let (_, _, id, transaction) = lost_on_the_way(scene);
        scene.steal(5);
        let sight = sight(&scene.payouts, &transaction);
        assert_eq!(resolve(scene, id, &dead(sight, "found it")), Ok(IntentState::Held));
        let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap();
        assert_eq!((shown.attempts[0].state, shown.attempts[0].has_death_proof), ("dead", true));
        let wrong = TransactionId::from_canonical("other".to_owned());
        let refused = scene.payouts.look_at(&wrong).unwrap().unwrap_err();
        assert_eq!(refused, Rejection::AttemptUnknown);
    });
}

#[test]
fn what_frees_a_slot_pays_nobody_whatever_anybody_says() {
    on_each_engine(|scene| {
        let (sender, lease, id, _) = lost_on_the_way(scene);
        scene.command(Command::ConfirmationLag(None));
        resolve(scene, id, &Resolution::FreeSlot { then: Afterwards::Fail }).unwrap();
        sender.turn(&lease).unwrap();
        let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap();
        assert_eq!(shown.attempts[1].kind, "freeing");
        let transaction = shown.attempts[1].transaction.clone();
        let paid = Resolution::Paid { transaction, fee: None, evidence: "it is final".to_owned() };
        assert_eq!(resolve(scene, id, &paid), Err(Rejection::AttemptUnknown));
        scene.command(Command::ConfirmAll);
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![5], 0));
        scene.check();
    });
}

#[test]
fn an_operators_word_that_it_is_paid_posts_it() {
    on_each_engine(|scene| {
        let (_, _, id, transaction) = lost_on_the_way(scene);
        let paid = |fee: Option<Amount>| {
            let (transaction, evidence) = (transaction.clone(), "seen by the payee".to_owned());
            resolve(scene, id, &Resolution::Paid { transaction, fee, evidence })
        };
        assert_eq!(
            paid(Some(Amount::new(1))).unwrap_err().code(),
            "invalid_body",
            "this chain takes nothing"
        );
        assert_eq!(paid(None), Ok(IntentState::Final));
        let sql = "SELECT standing FROM payout_attempt WHERE kind = 0";
        let standings = scene.read(|tx| tx.query(sql, &[], |row| row.get::<String>(0)));
        assert_eq!(standings, ["paid by an operator's word"]);
        assert_eq!(scene.account("faucet/treasury"), (Balance::Credit(Amount::new(TREASURY - 100)), 0));
        let wallet = scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap();
        assert_eq!(wallet.expected, Amount::new(900));
    });
}

#[test]
fn who_says_that_a_payment_is_paid_waits_for_what_it_was_paid_from() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        backup(scene);
        scene.order("a", &payee(1), 950).unwrap();
        scene.run(&sender, &lease);
        scene.fund(300);
        scene.order("b", &payee(2), 200).unwrap();
        scene.pass(scene.test.now().after_ms(60_001));
        scene.run(&sender, &lease);
        assert_eq!((scene.paid(1), scene.paid(2)), (950, 200));
        restore(scene, true);
        let (payouts, sender) = start(scene, true);
        // The server takes over the journal, and a person is faster than the nodes.
        sender.turn(&lease).unwrap();
        let paid = |place: i64| {
            let shown = scene.read(|tx| payouts.payout(tx, IntentId(place))).unwrap();
            let (transaction, evidence) = (shown.attempts[0].transaction.clone(), "explorer".to_owned());
            resolve(scene, shown.payout.id, &Resolution::Paid { transaction, fee: None, evidence })
        };
        assert_eq!(paid(1), Ok(IntentState::Final));
        assert_eq!(paid(2).unwrap_err().code(), "wallet_changed");
        scene.run(&sender, &lease);
        let wallet = scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap();
        assert_eq!((scene.states(), wallet.expected), (vec![4, 4], Amount::new(150)));
        scene.check();
    });
}

#[test]
fn who_was_told_that_a_payout_is_given_up_is_held_to_that() {
    on_each_engine(|scene| {
        let (sender, lease, id, _) = lost_on_the_way(scene);
        let give_up = |tx: &mut bursar_store::Tx<'_>, now| {
            let by = By::new(&scene.root, now);
            scene.payouts.cancel_by(tx, &by, id, "the player left", &recorder("test.operator"))
        };
        assert_eq!(scene.write(give_up), Ok(IntentState::Broadcast));
        let again = Resolution::FreeSlot { then: Afterwards::Retry };
        assert_eq!(resolve(scene, id, &again), Err(Rejection::GivenUp));
        resolve(scene, id, &Resolution::FreeSlot { then: Afterwards::Fail }).unwrap();
        assert_eq!(resolve(scene, id, &again), Err(Rejection::GivenUp));
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![5], 0));
        scene.check();
    });
}

#[test]
fn what_takes_too_long_is_told_once() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.command(Command::ConfirmationLag(None));
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        sender.turn(&lease).unwrap();
        scene.pass(scene.test.now().after_ms(119_000));
        sender.turn(&lease).unwrap();
        assert!(!scene.events().contains(&"payout.stuck".to_owned()));
        scene.pass(scene.test.now().after_ms(10_000));
        scene.run_for(&sender, &lease, 20);
        assert_eq!(scene.events().iter().filter(|name| *name == "payout.stuck").count(), 1);
        assert!(scene.read(|tx| scene.payouts.payout(tx, id)).unwrap().payout.is_stuck);
        let stuck = bursar_payouts::alerts().into_iter().find(|rule| rule.id == "payout_stuck").unwrap();
        let measured = |scene: &Scene| scene.read(|tx| (stuck.measure)(tx, scene.test.now())).value;
        assert_eq!(measured(scene), 1);
        scene.command(Command::ConfirmAll);
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), measured(scene)), (vec![4], 0));
    });
}

#[test]
fn a_payment_above_the_limit_waits_for_other_people() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        let rule = ApprovalRule { above: Amount::new(50), needed: 1 };
        scene.set_policy(&Policy { approval: Some(rule), ..policy() });
        let id = scene.order("large", &payee(1), 100).unwrap().id;
        scene.order("small", &payee(2), 50).unwrap();
        scene.run(&sender, &lease);
        let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap().payout;
        assert_eq!((shown.state, shown.why.as_str()), (IntentState::Held, "approval_needed"));
        assert_eq!((scene.paid(1), scene.paid(2)), (0, 50));
        scene.ask_no_approval();
        assert_eq!(retry(scene, id), Ok(IntentState::Accepted));
        scene.run(&sender, &lease);
        assert_eq!(scene.paid(1), 100);
        assert_eq!(retry(scene, id), Err(Rejection::TooLate(IntentState::Final)));
        scene.check();
    });
}

#[test]
fn what_no_window_ever_has_room_for_is_refused_and_held_when_the_cap_comes_later() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        let cap = |max| bursar_keys::RollingCap { window_ms: 3_600_000, max: Amount::new(max) };
        let early = scene.order("early", &payee(1), 80).unwrap().id;
        scene.set_policy(&Policy { caps: vec![cap(100), cap_of_a_day(70)], ..policy() });
        let max = Amount::new(70);
        let refused = Rejection::Key(bursar_keys::Rejection::AbovePaymentMax { max });
        assert_eq!(scene.order("late", &payee(2), 71).unwrap_err(), refused);
        scene.order("small", &payee(2), 70).unwrap();
        scene.run(&sender, &lease);
        let shown = scene.read(|tx| scene.payouts.payout(tx, early)).unwrap().payout;
        assert_eq!((shown.state, shown.why.as_str()), (IntentState::Held, "above_cap"));
        assert_eq!((scene.paid(1), scene.paid(2)), (0, 70));
        scene.check();
    });
}

fn cap_of_a_day(max: u128) -> bursar_keys::RollingCap {
    bursar_keys::RollingCap { window_ms: 86_400_000, max: Amount::new(max) }
}

#[test]
fn what_a_cap_refuses_is_paid_once_the_window_has_passed_and_holds_nobody_up() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        let cap = bursar_keys::RollingCap { window_ms: 3_600_000, max: Amount::new(100) };
        scene.set_policy(&Policy { caps: vec![cap], ..policy() });
        for (name, amount) in [("a", 80), ("b", 80), ("c", 20)] {
            scene.order(name, &payee(1), amount).unwrap();
        }
        scene.run_for(&sender, &lease, 12);
        assert_eq!((scene.states(), scene.paid(1)), (vec![4, 0, 4], 100));
        scene.pass(scene.test.now().after_ms(3_700_000));
        scene.run_for(&sender, &lease, 12);
        assert_eq!((scene.states(), scene.paid(1)), (vec![4, 4, 4], 180));
        scene.check();
    });
}
