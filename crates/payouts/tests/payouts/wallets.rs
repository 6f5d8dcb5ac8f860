//! Money that came unasked is assigned, and wallets are stopped and matched by people.

use bursar_access::By;
use bursar_money::{Amount, Balance};
use bursar_payouts::{Rejection, WalletStanding};

use crate::scene::{Scene, on_each_engine, payee, recorder};

fn standing(scene: &Scene) -> WalletStanding {
    scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap().standing
}

fn matched(scene: &Scene, observed: u128) -> Result<(), Rejection> {
    scene.write(|tx, now| {
        let by = By::new(&scene.root, now);
        let observed = Amount::new(observed);
        scene.payouts.match_wallet(tx, &by, &scene.wallet, observed, "counted it", &recorder("test.operator"))
    })
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
        assert_eq!(assign("payouts/hot/suspense").unwrap_err().code(), "invalid_body");
        assert_eq!(assign("payouts/hot/funds"), Ok(()));
        assert_eq!(assign("payouts/hot/funds"), Err(Rejection::ReceiptUnknown));
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::ZERO);
        assert_eq!(scene.account("payouts/hot/funds").0, Balance::Credit(Amount::new(1_000)));
        scene.check();
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
        assert_eq!(matched(scene, 600), Ok(()));
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::Credit(Amount::new(600)));
        scene.run(&sender, &lease);
        assert_eq!((standing(scene), scene.paid(1)), (WalletStanding::Running, 100));
        assert_eq!(scene.account("payouts/hot").0, Balance::between(Amount::ZERO, Amount::new(500)));
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
