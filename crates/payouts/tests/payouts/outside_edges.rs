//! Orders from outside at their edges: another asset, a dead transaction, funds filled while a wallet pays, a receiver that
//! is gone.

use std::sync::mpsc::channel;
use std::time::Duration;

use bursar_access::By;
use bursar_devnet_banano::{Command, Misbehaviour};
use bursar_keys::KeyId;
use bursar_money::{Amount, Asset};
use bursar_payouts::{Funding, IntentState, OutsideOrder, Rejection, next_notice, notice_failed};
use bursar_store::{StoreError, Tx};
use serde_json::Value;

use crate::outside::{ask, code, desk_owns, due, fund, funded, order, take_back, told};
use crate::scene::{on_each_engine, payee, recorder};

const DAY_MS: i64 = 86_400_000;

#[test]
fn whoever_asked_is_told_what_for_and_why_a_payout_is_held() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let asked = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        scene
            .write(|tx, now| {
                let by = By::new(&scene.root, now);
                scene.payouts.hold(tx, &by, asked.id, "odd", &recorder("test.hold"))
            })
            .unwrap();
        let told = told(scene);
        let whys: Vec<&Value> = told.iter().map(|told| &told["payout"]["why"]).collect();
        assert_eq!(whys, [&Value::Null, &Value::from("odd")]);
        assert!(told.iter().all(|told| told["payout"]["reference"] == "invoice 7"));
    });
}

#[test]
fn a_repetition_in_another_asset_is_no_repetition() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        ask(&lane, order(&shop, "a", &payee(1), 1)).unwrap();
        let in_sol = OutsideOrder { asset: Asset::Sol, ..order(&shop, "a", &payee(1), 1) };
        let Err(Rejection::KeyReused { stored, given }) = ask(&lane, in_sol) else { panic!() };
        assert_ne!(stored, given);
        assert!(!ask(&lane, order(&shop, "a", &payee(1), 1)).unwrap().is_new);
    });
}

#[test]
fn what_has_a_dead_transaction_behind_it_is_too_late_to_be_taken_back() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let payout = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        scene.misbehave("process", Misbehaviour::DropRequest, 100);
        let (sender, lease) = (scene.sender(), scene.lease("one").unwrap());
        scene.run_for(&sender, &lease, 6);
        scene.command(Command::ClearFaults);
        // Another transaction takes its slot, which proves it dead; what that took stops the wallet.
        scene.steal(5);
        scene.run_for(&sender, &lease, 20);
        let shown = scene.read(|tx| scene.payouts.show(tx, payout.public_id)).unwrap();
        assert_eq!((shown.payout.state, shown.attempts[0].state), (IntentState::Accepted, "dead"));
        assert_eq!(take_back(scene, &shop, payout.public_id), Err(Rejection::TooLate(IntentState::Accepted)));
        assert_eq!(scene.account("payouts/hot/funds").1, 100);
    });
}

#[test]
fn funds_are_filled_by_what_all_wallets_of_the_desk_hold_at_one_moment() {
    on_each_engine(|scene| {
        desk_owns(scene, 1_000);
        let cold = KeyId::parse("cold").unwrap();
        scene.add_wallet(&cold, [8; 32]);
        scene.write(|tx, _| holds(tx, &cold, 300));
        let (locked, is_locked) = channel();
        let (filled, is_filled) = channel();
        let other = &cold;
        std::thread::scope(|scope| {
            // A payment of the other wallet becomes final while the funds are filled.
            scope.spawn(move || {
                scene.write(|tx, _| {
                    scene.payouts.lock_wallet(tx, other)?;
                    let _ = locked.send(());
                    let _ = is_filled.recv_timeout(Duration::from_millis(500));
                    holds(tx, other, 0)
                });
            });
            is_locked.recv().unwrap();
            let done = fund(scene, 1_300, Funding::Fill);
            let _ = filled.send(());
            assert_eq!(done, Err(Rejection::OwedToOthers { free: Amount::new(1_000) }));
        });
    });
}

/// What a wallet must hold.
fn holds(tx: &mut Tx<'_>, wallet: &KeyId, raw: u128) -> Result<(), StoreError> {
    let sql = "UPDATE payout_wallet SET expected_balance = $2 WHERE name = $1";
    tx.execute(sql, &[wallet.as_str().into(), Amount::new(raw).into()]).map(|_| ())
}

#[test]
fn a_change_that_nobody_takes_for_30_days_is_given_up_and_the_log_says_so() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let payout = ask(&lane, order(&shop, "a", &payee(1), 1)).unwrap();
        take_back(scene, &shop, payout.public_id).unwrap();
        let fails = |after_ms: i64| {
            scene.test.advance_ms(after_ms);
            let notices = due(scene);
            assert_eq!(notices.len(), 1);
            let now = scene.test.now();
            let chain = recorder("test.notices");
            scene.store().transact("test.failed", |tx| notice_failed(tx, &notices[0], &chain, now)).unwrap();
        };
        let given_up = "SELECT COUNT(*) FROM audit_events WHERE event = 'payout.notice_given_up'";
        fails(30 * DAY_MS - 1);
        assert_eq!((scene.count(given_up), scene.count("SELECT COUNT(*) FROM payout_webhook")), (0, 2));
        fails(5_001);
        assert_eq!((scene.count(given_up), scene.count("SELECT COUNT(*) FROM payout_webhook")), (1, 1));
        // What came after it goes the same way.
        fails(1);
        assert_eq!((scene.count(given_up), scene.read(next_notice)), (2, None));
        assert_eq!(code(&ask(&lane, order(&shop, "b", &payee(1), 1))), "accepted");
    });
}
