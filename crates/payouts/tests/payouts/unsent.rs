//! After a restore: what was signed and is not over, whether the backup held it or the journal brings it back.

use bursar_money::{Amount, Balance};
use bursar_payouts::WalletStanding;

use crate::restore::{backup, matched, restore, standing, start};
use crate::scene::{on_each_engine, payee};

const FINAL: i64 = 4;

#[test]
fn what_the_journal_holds_and_no_node_has_is_sent_again_by_an_operators_word() {
    on_each_engine(|scene| {
        use bursar_devnet_banano::Misbehaviour;
        let (sender, lease) = scene.funded(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        backup(scene);
        scene.misbehave("process", Misbehaviour::DropRequest, 1);
        sender.turn(&lease).unwrap();
        restore(scene, true);
        let (payouts, sender) = start(scene, true);
        scene.run_for(&sender, &lease, 30);
        assert_eq!((standing(scene).0, scene.paid(1)), (WalletStanding::Unmatched, 0));
        assert_eq!(matched(scene, &payouts, 900).unwrap_err().code(), "wallet_changed");
        assert_eq!(matched(scene, &payouts, 1_000), Ok(()));
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL], 100));
        scene.check();
    });
}

#[test]
fn what_was_signed_before_a_backup_and_no_node_has_is_sent_again_by_an_operators_word() {
    on_each_engine(|scene| {
        use bursar_devnet_banano::Misbehaviour;
        let (sender, lease) = scene.funded(1_000);
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        scene.misbehave("process", Misbehaviour::DropRequest, 1);
        sender.turn(&lease).unwrap();
        backup(scene);
        restore(scene, true);
        let (payouts, sender) = start(scene, true);
        let sent = scene.sends().len();
        scene.run_for(&sender, &lease, 30);
        let (now, why) = standing(scene);
        assert_eq!((now, scene.paid(1), scene.sends().len()), (WalletStanding::Unmatched, 0, sent));
        assert!(why.contains("the nodes say not_found"), "{why}");
        assert_eq!(matched(scene, &payouts, 900).unwrap_err().code(), "wallet_changed");
        // What is there more is booked once nothing is open, as it may be a receipt that is.
        assert_eq!(matched(scene, &payouts, 1_070), Ok(()));
        let wallet = scene.read(|tx| payouts.wallet(tx, &scene.wallet)).unwrap();
        assert_eq!((wallet.expected, wallet.standing), (Amount::new(1_000), WalletStanding::Running));
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::Credit(Amount::new(1_000)));
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL], 100));
        assert_eq!(scene.read(|tx| payouts.payout(tx, id)).unwrap().payout.attempts, 1);
        scene.check();
    });
}

#[test]
fn what_was_signed_before_a_backup_and_turns_up_on_the_chain_needs_nobody() {
    on_each_engine(|scene| {
        use bursar_devnet_banano::Misbehaviour;
        let (sender, lease) = scene.funded(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        scene.misbehave("process", Misbehaviour::DropRequest, 1);
        sender.turn(&lease).unwrap();
        backup(scene);
        scene.run(&sender, &lease);
        assert_eq!(scene.paid(1), 100);
        restore(scene, true);
        let (_, sender) = start(scene, true);
        // Its node is behind for a while.
        scene.misbehave("block_info", Misbehaviour::Refuse("Block not found".to_owned()), 6);
        scene.run_for(&sender, &lease, 2);
        assert_eq!(standing(scene).0, WalletStanding::Unmatched);
        scene.run(&sender, &lease);
        assert_eq!(
            (scene.states(), scene.paid(1), standing(scene).0),
            (vec![FINAL], 100, WalletStanding::Running)
        );
        scene.check();
    });
}

#[test]
fn a_payment_that_the_journal_brings_back_waits_for_the_receipt_that_it_was_paid_from() {
    on_each_engine(|scene| {
        use bursar_devnet_banano::Misbehaviour;
        let (sender, lease) = scene.funded(100);
        backup(scene);
        scene.fund(1_000);
        scene.pass(scene.test.now().after_ms(60_001));
        scene.run(&sender, &lease);
        scene.order("lost", &payee(1), 700).unwrap();
        scene.run(&sender, &lease);
        assert_eq!(scene.paid(1), 700);
        restore(scene, true);
        let (payouts, sender) = start(scene, true);
        // What is older cannot be looked up at once, and the payment can.
        scene.misbehave("block_info", Misbehaviour::DropRequest, 1);
        scene.run(&sender, &lease);
        let wallet = scene.read(|tx| payouts.wallet(tx, &scene.wallet)).unwrap();
        assert_eq!((wallet.expected, wallet.standing), (Amount::new(400), WalletStanding::Running));
        scene.check();
    });
}
