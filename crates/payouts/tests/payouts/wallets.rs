//! Money that came unasked is assigned, and wallets are stopped and matched by people.

use bursar_access::By;
use bursar_devnet_banano::Misbehaviour;
use bursar_ledger::{Book, TransferKind};
use bursar_money::{Amount, Balance};
use bursar_payouts::{Rejection, SendSettings, Turn, WalletSight, WalletStanding};

use crate::scene::{Outside, Scene, on_each_engine, payee, payouts_over, recorder};

fn standing(scene: &Scene) -> WalletStanding {
    scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap().standing
}

fn matched(scene: &Scene, observed: u128) -> Result<(), Rejection> {
    let expected = scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap().expected;
    matched_since(scene, observed, expected.units())
}

/// The same by somebody who read of `expected` before they asked the chain.
fn matched_since(scene: &Scene, observed: u128, expected: u128) -> Result<(), Rejection> {
    let [holds, expected] = [observed, expected].map(Amount::new);
    let sight = WalletSight { holds, expected, newest: None, journals_are_lost: false };
    scene.write(|tx, now| {
        let by = By::new(&scene.root, now);
        scene.payouts.match_wallet(tx, &by, &scene.wallet, &sight, "counted it", &recorder("test.operator"))
    })
}

#[test]
fn a_wallet_is_matched_by_a_look_at_its_present_records_alone_and_only_when_it_needs_it() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        let code = |holds, expected| matched_since(scene, holds, expected).unwrap_err().code();
        // It runs, and holds what it must.
        assert_eq!(code(1_000, 1_000), "wallet_changed");
        // Somebody reads the records, 50 come in and are booked, and the chain is asked: it holds 1,050.
        scene.fund(50);
        scene.pass(scene.test.now().after_ms(60_001));
        scene.run(&sender, &lease);
        assert_eq!(code(1_050, 1_000), "wallet_changed");
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::Credit(Amount::new(1_050)));
        // While it runs and a payment of it is open, what it holds is the sender's to compare.
        scene.misbehave("process", Misbehaviour::DropRequest, 1);
        scene.order("a", &payee(1), 100).unwrap();
        sender.turn(&lease).unwrap();
        assert_eq!(code(1_090, 1_050), "wallet_changed");
        scene.check();
    });
}

#[test]
fn unasked_money_is_in_suspense_until_somebody_assigns_it() {
    on_each_engine(|scene| {
        scene.funded(1_000);
        let receipts = scene.read(|tx| scene.payouts.receipts(tx, &scene.wallet, 0, 10));
        assert_eq!(receipts.iter().map(|receipt| receipt.amount.units()).collect::<Vec<_>>(), [1_000]);
        assert!(receipts[0].sender.starts_with("ban_"));
        let assign = |path: &str| {
            scene.write(|tx, now| {
                let by = By::new(&scene.root, now);
                scene.payouts.assign(tx, &by, receipts[0].id, path, "top-up", &recorder("test.operator"))
            })
        };
        assert_eq!(assign("nowhere"), Err(Rejection::AccountUnknown));
        for own in ["payouts/hot", "payouts/hot/fees", "payouts/hot/suspense"] {
            assert_eq!(assign(own).unwrap_err().code(), "invalid_body", "{own}");
        }
        assert_eq!(assign("payouts/hot/funds"), Ok(()));
        assert_eq!(assign("payouts/hot/funds"), Err(Rejection::ReceiptUnknown));
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::ZERO);
        assert_eq!(scene.account("payouts/hot/funds").0, Balance::Credit(Amount::new(1_000)));
        scene.check();
    });
}

#[test]
fn dust_that_anybody_can_send_keeps_no_top_up_waiting() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(10);
        scene.order("a", &payee(1), 500).unwrap();
        // More than one question asks for.
        (0..300).for_each(|_| scene.fund(1));
        scene.fund(700);
        let before = scene.test.now();
        scene.run_for(&sender, &lease, 8);
        assert_eq!((scene.states(), scene.paid(1)), (vec![4], 500));
        assert!(scene.test.now() < before.after_ms(10_000));
    });
}

#[test]
fn what_is_below_the_minimum_is_never_accepted_and_what_is_not_is_without_a_pause() {
    on_each_engine(|scene| {
        let settings = SendSettings { receipt_min: Amount::new(20), ..SendSettings::default() };
        let payouts = payouts_over(scene.store(), &Outside { settings, ..scene.outside(&scene.node) });
        let (sender, lease) = (scene.sender_of(&payouts), scene.lease("one").unwrap());
        [19, 20, 100, 1, 50].iter().for_each(|raw| scene.fund(*raw));
        let before = scene.test.now();
        scene.run_for(&sender, &lease, 9);
        assert!(scene.test.now() < before.after_ms(10_000));
        let receipts = scene.read(|tx| scene.payouts.receipts(tx, &scene.wallet, 0, 10));
        assert_eq!(receipts.iter().map(|receipt| receipt.amount.units()).collect::<Vec<_>>(), [100, 50, 20]);
    });
}

#[test]
fn an_arrival_that_cannot_be_accepted_keeps_no_smaller_one_waiting() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.fund(700);
        let source = scene.node.with(|node| node.ledger().waiting(&scene.wallet_key()).next().unwrap().0);
        // It is booked already, and the node lists it all the same.
        let booked = format!(
            "INSERT INTO payout_receipt (id, wallet, source, sender, amount, state, seen_at) \
             SELECT 900, wallet, '{source}', sender, amount, 1, seen_at FROM payout_receipt WHERE id = 1"
        );
        scene.write(|tx, _| tx.batch_execute(&booked));
        scene.fund(20);
        scene.pass(scene.test.now().after_ms(60_001));
        scene.run_for(&sender, &lease, 10);
        let wallet = scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap();
        assert_eq!(wallet.expected, Amount::new(1_020));
    });
}

#[test]
fn money_that_something_held_may_wait_for_is_looked_for_every_five_seconds() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        let accepts = |after_ms: i64| {
            scene.pass(scene.test.now().after_ms(after_ms));
            sender.turn(&lease).unwrap() == Turn::Worked
        };
        scene.pass(scene.test.now().after_ms(60_001));
        sender.turn(&lease).unwrap();
        scene.fund(50);
        assert!(!accepts(5_001));
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        let hold = |tx: &mut bursar_store::Tx<'_>, now| {
            scene.payouts.hold(tx, &By::new(&scene.root, now), id, "odd", &recorder("test.operator"))
        };
        scene.write(hold).unwrap();
        assert!(accepts(1));
    });
}

#[test]
fn a_wallet_that_lost_money_runs_again_by_an_operators_word_which_is_booked() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.steal(400);
        scene.order("a", &payee(1), 100).unwrap();
        scene.run_for(&sender, &lease, 20);
        assert_eq!((standing(scene), scene.paid(1)), (WalletStanding::Stopped, 0));
        assert_eq!(*scene.heard.2.lock(), []);
        assert_eq!(matched(scene, 600), Ok(()));
        assert_eq!(scene.heard.2.lock().as_slice(), std::slice::from_ref(&scene.wallet), "the desk is told");
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::Credit(Amount::new(600)));
        scene.run(&sender, &lease);
        assert_eq!((standing(scene), scene.paid(1)), (WalletStanding::Running, 100));
        assert_eq!(scene.account("payouts/hot").0, Balance::between(Amount::ZERO, Amount::new(500)));
    });
}

#[test]
fn a_word_books_what_the_book_says_otherwise_than_the_chain_whatever_the_records_say() {
    on_each_engine(|scene| {
        let (_, lease) = scene.funded(1_000);
        let wallet = scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap();
        // More was once paid than the records knew of: the book went below zero, and they did not.
        scene.write(|tx, now| {
            let mut book = Book::default();
            book.load(tx, &[wallet.account, wallet.suspense])?;
            let [account, suspense] = [wallet.account, wallet.suspense].map(|id| book.slot(id).unwrap());
            book.transfer(suspense, account, Amount::new(1_500), TransferKind(99), 0).unwrap();
            book.number(tx)?;
            book.write(tx, now)
        });
        let sender = scene.sender_of(&scene.restarted_with(false));
        scene.run_for(&sender, &lease, 5);
        assert_eq!(standing(scene), WalletStanding::Stopped);
        assert_eq!(matched(scene, 1_000), Ok(()));
        scene.order("a", &payee(1), 100).unwrap();
        let sender = scene.sender_of(&scene.restarted_with(false));
        scene.run(&sender, &lease);
        assert_eq!((standing(scene), scene.paid(1)), (WalletStanding::Running, 100));
        assert_eq!(scene.account("payouts/hot").0, Balance::between(Amount::ZERO, Amount::new(900)));
    });
}

#[test]
fn a_word_that_is_wrong_stops_the_wallet_again() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.steal(400);
        scene.order("a", &payee(1), 100).unwrap();
        scene.run_for(&sender, &lease, 20);
        matched(scene, 700).unwrap();
        scene.run_for(&sender, &lease, 20);
        assert_eq!((standing(scene), scene.paid(1)), (WalletStanding::Stopped, 0));
    });
}

#[test]
fn an_operator_stops_a_wallet_and_nothing_leaves_it() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        let stop = |tx: &mut bursar_store::Tx<'_>, now| {
            let by = By::new(&scene.root, now);
            scene.payouts.stop_wallet(tx, &by, &scene.wallet, "drill", &recorder("test.operator"))
        };
        assert_eq!(scene.write(stop), Ok(()));
        assert_eq!(scene.write(stop).unwrap_err().code(), "wallet_changed");
        scene.order("a", &payee(1), 100).unwrap();
        scene.run_for(&sender, &lease, 20);
        assert_eq!((scene.states(), scene.paid(1)), (vec![0], 0));
        let halted =
            bursar_payouts::alerts().into_iter().find(|rule| rule.id == "payout_wallet_halted").unwrap();
        assert_eq!(scene.read(|tx| (halted.measure)(tx, scene.test.now())).value, 1);
        matched(scene, 1_000).unwrap();
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![4], 100));
        scene.check();
    });
}
