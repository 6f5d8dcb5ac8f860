//! Payouts that callers from outside asked for, in data that fell back to a backup: nothing is paid, freed or promised twice.

use bursar_access::By;
use bursar_audit::Actor as Author;
use bursar_money::{Amount, Balance};
use bursar_payouts::{Funding, IntentId, IntentState, OutsideFilter, PayoutShown, Rejection};

use crate::outside::{
    ask, code, credit, desk_owns, fund, funded, lane, names, number, order, payer, take_back, take_back_at,
    told,
};
use crate::restore::{backup, pay, recover, restore, start, stop, word};
use crate::scene::{DESK, Scene, on_each_engine, payee, recorder};

/// What payers see, oldest first.
fn listed(scene: &Scene) -> Vec<PayoutShown> {
    let filter = OutsideFilter { desk: DESK, wallet: None, state: None, key: None };
    let mut page = scene.read(|tx| scene.payouts.outside_payouts(tx, &filter, None, 100));
    page.reverse();
    page
}

#[test]
fn what_may_have_been_paid_before_a_restore_is_not_taken_back() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let asked = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        let own = scene.order("own", &payee(2), 50).unwrap();
        backup(scene);
        pay(scene);
        restore(scene, true);
        let refused = take_back(scene, &shop, asked.public_id).unwrap_err();
        assert_eq!((refused.code(), refused.status()), ("wallet_unmatched", 503));
        let cancelled = scene.write(|tx, now| {
            let by = Author::system("faucet");
            scene.payouts.cancel(tx, own.id, &by, "abuse", &recorder("test.desk"), now)
        });
        assert_eq!(cancelled, Err(Rejection::WalletUnmatched));
        recover(scene);
        assert_eq!(take_back(scene, &shop, asked.public_id), Err(Rejection::TooLate(IntentState::Final)));
        assert_eq!((scene.paid(1), scene.paid(2)), (100, 50));
        assert_eq!(scene.account("payouts/hot/funds"), (credit(400), 0));
        scene.check();
    });
}

#[test]
fn a_wallet_that_somebody_stopped_keeps_nobody_from_taking_a_payout_back() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let asked = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        stop(scene);
        assert_eq!(take_back(scene, &shop, asked.public_id), Ok(()));
    });
}

#[test]
fn a_new_key_waits_until_a_restored_wallet_is_matched_and_is_the_payout_that_the_journal_brought_back() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        backup(scene);
        let asked = ask(&lane, order(&shop, "k", &payee(1), 10)).unwrap();
        pay(scene);
        restore(scene, true);
        assert_eq!(code(&ask(&lane, order(&shop, "k", &payee(2), 5))), "wallet_unmatched");
        recover(scene);
        let again = ask(&lane, order(&shop, "k", &payee(1), 10)).unwrap();
        assert_eq!((again.public_id, again.is_new), (asked.public_id, false));
        assert_eq!(code(&ask(&lane, order(&shop, "k", &payee(2), 5))), "idempotency_key_reused");
        assert_eq!((scene.paid(1), scene.paid(2)), (10, 0));
    });
}

#[test]
fn a_payer_that_is_added_anew_after_a_restore_has_the_keys_of_its_name() {
    on_each_engine(|scene| {
        desk_owns(scene, 500);
        fund(scene, 500, Funding::Fill).unwrap();
        let lane = lane(scene);
        backup(scene);
        let shop = payer(scene, "shop", DESK);
        let asked = ask(&lane, order(&shop, "k", &payee(1), 10)).unwrap();
        pay(scene);
        restore(scene, true);
        let forget = "DELETE FROM access_token; DELETE FROM access_payer; \
                      DELETE FROM access_operator WHERE role = 'payer';";
        scene.write(|tx, _| tx.batch_execute(forget));
        let [other, anew] = ["another", "shop"].map(|name| payer(scene, name, DESK));
        assert_ne!(number(&anew), number(&shop));
        recover(scene);
        let again = ask(&lane, order(&anew, "k", &payee(1), 10)).unwrap();
        assert_eq!((again.public_id, again.is_new, scene.paid(1)), (asked.public_id, false, 10));
        assert!(ask(&lane, order(&other, "k", &payee(1), 10)).unwrap().is_new);
    });
}

#[test]
fn what_the_journal_holds_is_not_taken_for_another_order_of_the_same_key() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        backup(scene);
        ask(&lane, order(&shop, "k", &payee(1), 10)).unwrap();
        pay(scene);
        // Put back without telling, so that nothing keeps the key from being used anew.
        restore(scene, false);
        let anew = ask(&lane, order(&shop, "k", &payee(2), 5)).unwrap();
        assert!(anew.is_new);
        recover(scene);
        let shown = || scene.read(|tx| scene.payouts.show(tx, anew.public_id)).unwrap();
        // Records that fell back cannot tell it from an order of before.
        assert_eq!((scene.paid(1), scene.paid(2), shown().payout.state), (10, 0, IntentState::Held));
        let (payouts, sender) = start(scene, true);
        let released = scene.write(|tx, now| {
            let by = By::new(&scene.root, now);
            payouts.release(tx, &by, anew.id, "asked the shop", &recorder("test.operator"))
        });
        assert_eq!(released, Ok(IntentState::Accepted));
        scene.run(&sender, &scene.lease("one").unwrap());
        assert_eq!((scene.paid(1), scene.paid(2)), (10, 5));
        assert_eq!((shown().payout.state, shown().attempts.len()), (IntentState::Final, 1));
        assert_eq!(scene.account("payouts/hot/funds"), (credit(485), 0));
        scene.check();
    });
}

#[test]
fn what_comes_back_apart_from_its_key_stays_its_payers_and_none_of_the_desks() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let asked = ask(&lane, order(&shop, "k", &payee(1), 100)).unwrap();
        told(scene);
        backup(scene);
        pay(scene);
        restore(scene, false);
        // By a server that does not have the journal.
        take_back_at(scene, &scene.restarted_with(false), &shop, asked.public_id).unwrap();
        scene.heard.0.lock().clear();
        recover(scene);
        assert_eq!((scene.heard(), scene.paid(1)), (Vec::<String>::new(), 100));
        let found = scene.read(|tx| scene.payouts.brought_back(tx, &scene.wallet, IntentId(0)));
        assert_eq!((found.payouts.len(), found.next), (0, None));
        let listed = listed(scene);
        let states: Vec<_> = listed.iter().map(|shown| shown.payout.state).collect();
        assert_eq!(states, [IntentState::Cancelled, IntentState::Final]);
        let told = told(scene);
        assert_eq!(names(&told), ["payout.cancelled", "payout.signed", "payout.broadcast", "payout.final"]);
        let key = told[3]["payout"]["key"].as_str().unwrap();
        assert!(key.starts_with("recovered ") && told[3]["payout"]["payer"] == told[0]["payout"]["payer"]);
        assert_eq!(scene.account("payouts/hot/funds"), (credit(400), 0));
        scene.check();
    });
}

#[test]
fn what_the_journal_brings_back_is_paid_from_the_funds_and_the_rest_is_missing_in_suspense() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 100);
        backup(scene);
        ask(&lane, order(&shop, "k", &payee(1), 30)).unwrap();
        pay(scene);
        restore(scene, true);
        // Before the journal is read, somebody takes back what the restored book shows.
        fund(scene, 80, Funding::TakeBack).unwrap();
        recover(scene);
        assert_eq!(scene.account("payouts/hot/funds"), (Balance::ZERO, 0));
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::Debit(Amount::new(10)));
        let sql = "SELECT payload FROM audit_events WHERE event = 'payout.paid_unheld'";
        let payload: String = scene.read(|tx| tx.query_first(sql, &[], |row| row.get(0))).unwrap();
        let payload: serde_json::Value = serde_json::from_str(&payload).unwrap();
        assert_eq!((&payload["fromFunds"], &payload["fromSuspense"]), (&"20".into(), &"10".into()));
        scene.check();
    });
}

#[test]
fn what_waits_in_a_backup_is_held_as_it_may_have_been_taken_back_since() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let [asked, other] = ["a", "b"].map(|name| ask(&lane, order(&shop, name, &payee(1), 100)).unwrap());
        let own = scene.order("own", &payee(2), 50).unwrap();
        backup(scene);
        // It is taken back, and paid under another key; the other one is paid.
        take_back(scene, &shop, asked.public_id).unwrap();
        ask(&lane, order(&shop, "again", &payee(1), 100)).unwrap();
        pay(scene);
        assert_eq!((scene.paid(1), scene.paid(2)), (200, 50));
        restore(scene, true);
        recover(scene);
        let shown = |id| scene.read(|tx| scene.payouts.show(tx, id)).unwrap().payout;
        let (held, paid) = (shown(asked.public_id), shown(other.public_id));
        assert_eq!((held.state, paid.state), (IntentState::Held, IntentState::Final));
        assert!(held.why.contains("may have been taken back since"), "{}", held.why);
        assert_eq!(
            scene.read(|tx| scene.payouts.payout(tx, own.id)).unwrap().payout.state,
            IntentState::Final
        );
        assert_eq!((scene.paid(1), scene.paid(2)), (200, 50));
        assert_eq!(take_back(scene, &shop, asked.public_id), Ok(()));
        scene.check();
    });
}

#[test]
fn what_waits_is_held_as_well_when_only_the_journal_shows_that_the_records_fell_back() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let asked = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        backup(scene);
        take_back(scene, &shop, asked.public_id).unwrap();
        ask(&lane, order(&shop, "again", &payee(1), 100)).unwrap();
        pay(scene);
        // A copy of the disk was put back: nobody counted a restore.
        restore(scene, false);
        recover(scene);
        let held = scene.read(|tx| scene.payouts.show(tx, asked.public_id)).unwrap().payout;
        assert_eq!((held.state, scene.paid(1)), (IntentState::Held, 100));
        let why = "it waited in records that fell back, and may have been taken back since, or paid; take it back, or ask an \
                   operator to release or cancel it";
        assert_eq!(held.why, why);
        let retried = scene.write(|tx, now| {
            scene.payouts.retry(tx, &By::new(&scene.root, now), held.id, "again", &recorder("test.operator"))
        });
        assert_eq!(retried, Err(Rejection::WalletUnmatched));
        assert_eq!(take_back(scene, &shop, asked.public_id), Ok(()));
        scene.check();
    });
}

#[test]
fn what_waits_in_a_backup_goes_on_once_it_is_released() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let asked = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        backup(scene);
        restore(scene, true);
        std::fs::write(scene.folder.path().join("payouts.journal"), "").unwrap();
        let (payouts, sender) = start(scene, true);
        let lease = scene.lease("one").unwrap();
        scene.run_for(&sender, &lease, 20);
        // A person's word on the wallet holds it as well.
        assert_eq!(word(scene, &payouts, 500, true), Ok(()));
        scene.run(&sender, &lease);
        assert_eq!((scene.paid(1), scene.states()), (0, vec![1]));
        let released = scene.write(|tx, now| {
            let by = By::new(&scene.root, now);
            payouts.release(tx, &by, asked.id, "asked the shop", &recorder("test.operator"))
        });
        assert_eq!(released, Ok(IntentState::Accepted));
        scene.run(&sender, &lease);
        assert_eq!(scene.paid(1), 100);
        scene.check();
    });
}

#[test]
fn what_is_held_in_a_backup_says_that_it_may_have_been_paid_since() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let asked = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        let held = scene.write(|tx, now| {
            let by = By::new(&scene.root, now);
            scene.payouts.hold(tx, &by, asked.id, "on a list", &recorder("test.operator"))
        });
        assert_eq!(held, Ok(IntentState::Held));
        backup(scene);
        take_back(scene, &shop, asked.public_id).unwrap();
        ask(&lane, order(&shop, "again", &payee(1), 100)).unwrap();
        pay(scene);
        restore(scene, true);
        for _ in 0..2 {
            recover(scene);
            let held = scene.read(|tx| scene.payouts.show(tx, asked.public_id)).unwrap().payout;
            assert_eq!((held.state, scene.paid(1)), (IntentState::Held, 100));
            assert_eq!(
                held.why,
                "it was held in records that fell back, and may have been taken back since, or paid; look for that before it is \
                 released. It was held for this: on a list"
            );
        }
        let told = "SELECT COUNT(*) FROM audit_events WHERE event = 'payout.held'";
        assert_eq!(scene.count(told), 2);
        scene.check();
    });
}
