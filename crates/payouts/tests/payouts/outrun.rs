//! An account that went on without its records, as when a disk was put back as a whole: nobody is paid or promised twice.

use std::sync::atomic::Ordering;

use bursar_access::By;
use bursar_devnet_banano::{Command, Misbehaviour};
use bursar_payouts::{Afterwards, IntentId, IntentState, Rejection, WalletStanding};
use uuid::Uuid;

use crate::giving_up::free_slot;
use crate::outside::{ask, funded, order, take_back};
use crate::restore::{backup, pay, recover, restore, standing, start, stop, word, word_on};
use crate::scene::{Scene, chain_of, on_each_engine, payee, recorder};

/// Asks for a payout of 100 out of 500, and puts the disk back as it was before that was paid and `came_in` came in: nobody
/// counts it, and no journal tells.
fn fall_back(scene: &Scene, came_in: u128) -> (bursar_access::Actor, Uuid) {
    let journal = scene.folder.path().join("payouts.journal");
    let (lane, shop) = funded(scene, 500);
    pay(scene);
    let asked = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
    backup(scene);
    let kept = std::fs::read(&journal).unwrap();
    pay(scene);
    if came_in > 0 {
        scene.fund(came_in);
        pay(scene);
    }
    restore(scene, false);
    std::fs::write(&journal, kept).unwrap();
    (shop, asked.public_id)
}

fn state(scene: &Scene, asked: Uuid) -> IntentState {
    scene.read(|tx| scene.payouts.show(tx, asked)).unwrap().payout.state
}

pub fn cancel(scene: &Scene, id: IntentId) -> Result<IntentState, Rejection> {
    scene.write(|tx, now| {
        let by = By::new(&scene.root, now);
        scene.payouts.cancel_by(tx, &by, id, "it was paid", &recorder("test.operator"))
    })
}

/// It runs again by a person's word on its balance, and what may have been paid is held.
fn runs_by_word(scene: &Scene, asked: Uuid, holds: u128) {
    let (payouts, sender) = start(scene, true);
    word(scene, &payouts, holds, false).unwrap();
    scene.run(&sender, &scene.lease("one").unwrap());
    assert_eq!((state(scene, asked), scene.paid(1)), (IntentState::Held, 100));
    assert_eq!((scene.heard.2.lock().len(), standing(scene).0), (1, WalletStanding::Running));
}

#[test]
fn a_disk_put_back_with_its_journal_pays_nobody_again_though_more_came_in_than_was_paid() {
    on_each_engine(|scene| {
        let (_, asked) = fall_back(scene, 300);
        recover(scene);
        let (now, why) = standing(scene);
        assert_eq!((scene.paid(1), now), (100, WalletStanding::Unmatched), "{why}");
        assert!(why.starts_with("its account made the payment "), "{why}");
        // It is looked at again now and then, not without a pause.
        let (_, sender) = start(scene, true);
        let waits = scene.run_for(&sender, &scene.lease("one").unwrap(), 4);
        assert!(waits.len() >= 3 && waits.last() == Some(&why), "{waits:?}");
        // The person who lets it run again is not relied upon to know what was paid.
        runs_by_word(scene, asked, 700);
    });
}

#[test]
fn what_left_before_a_disk_was_put_back_is_neither_called_off_nor_paid_again() {
    on_each_engine(|scene| {
        let (shop, asked) = fall_back(scene, 0);
        recover(scene);
        assert_eq!((scene.paid(1), standing(scene).0), (100, WalletStanding::Stopped));
        let refused = take_back(scene, &shop, asked).unwrap_err();
        assert_eq!((refused.code(), refused.status()), ("wallet_unmatched", 503));
        runs_by_word(scene, asked, 400);
    });
}

#[test]
fn a_word_given_before_a_server_has_looked_does_not_hide_that_the_account_went_on() {
    on_each_engine(|scene| {
        let (_, asked) = fall_back(scene, 300);
        let (payouts, _) = start(scene, true);
        word(scene, &payouts, 700, false).unwrap();
        recover(scene);
        let (now, why) = standing(scene);
        assert_eq!((scene.paid(1), now), (100, WalletStanding::Unmatched), "{why}");
        assert_eq!(state(scene, asked), IntentState::Held);
        runs_by_word(scene, asked, 700);
    });
}

#[test]
fn a_wallet_that_was_stopped_is_found_to_have_gone_on_as_well() {
    on_each_engine(|scene| {
        let (shop, asked) = fall_back(scene, 300);
        stop(scene);
        recover(scene);
        assert_eq!(standing(scene), (WalletStanding::Stopped, "drill".to_owned()));
        assert_eq!(take_back(scene, &shop, asked), Err(Rejection::WalletUnmatched));
        assert_eq!(state(scene, asked), IntentState::Held);
        runs_by_word(scene, asked, 700);
    });
}

#[test]
fn while_nodes_do_not_tell_what_the_account_did_nothing_leaves_and_nothing_is_taken_back() {
    on_each_engine(|scene| {
        let (shop, asked) = fall_back(scene, 300);
        scene.misbehave("account_history", Misbehaviour::Status(500), 1_000);
        recover(scene);
        let (now, why) = standing(scene);
        assert_eq!((scene.paid(1), now), (100, WalletStanding::Unmatched), "{why}");
        assert!(why.contains("the nodes do not tell what it did before"), "{why}");
        assert_eq!(take_back(scene, &shop, asked), Err(Rejection::WalletUnmatched));
        stop(scene);
        assert_eq!(take_back(scene, &shop, asked), Err(Rejection::WalletUnmatched), "a stop changes nothing");
        // A word on the balance does not answer for that.
        let (payouts, _) = start(scene, true);
        word(scene, &payouts, 700, false).unwrap();
        assert_eq!(take_back(scene, &shop, asked), Err(Rejection::WalletUnmatched), "before a server looked");
        recover(scene);
        assert_eq!((scene.paid(1), standing(scene).0), (100, WalletStanding::Unmatched));
    });
}

#[test]
fn a_doubt_is_over_once_nodes_tell_that_the_account_paid_nobody() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        pay(scene);
        backup(scene);
        let journal = scene.folder.path().join("payouts.journal");
        let kept = std::fs::read(&journal).unwrap();
        scene.fund(50);
        pay(scene);
        restore(scene, false);
        std::fs::write(&journal, kept).unwrap();
        let asked = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap().public_id;
        scene.misbehave("account_history", Misbehaviour::Status(500), 1_000);
        recover(scene);
        stop(scene);
        assert_eq!(take_back(scene, &shop, asked), Err(Rejection::WalletUnmatched));
        scene.command(Command::ClearFaults);
        scene.watching.hides_end.store(true, Ordering::SeqCst);
        recover(scene);
        let early = take_back(scene, &shop, asked);
        assert_eq!(early, Err(Rejection::WalletUnmatched), "that it ends in nothing is no answer");
        scene.watching.hides_end.store(false, Ordering::SeqCst);
        recover(scene);
        take_back(scene, &shop, asked).unwrap();
        // Nobody has to say anything of journals.
        let (payouts, _) = start(scene, true);
        word(scene, &payouts, 550, false).unwrap();
        recover(scene);
        assert_eq!(standing(scene), (WalletStanding::Running, String::new()));
    });
}

#[test]
fn what_may_have_been_paid_is_given_up_by_an_operator_alone() {
    on_each_engine(|scene| {
        let (shop, asked) = fall_back(scene, 0);
        recover(scene);
        runs_by_word(scene, asked, 400);
        assert_eq!(take_back(scene, &shop, asked), Err(Rejection::WalletUnmatched));
        let id = scene.read(|tx| scene.payouts.show(tx, asked)).unwrap().payout.id;
        cancel(scene, id).unwrap();
        assert_eq!(state(scene, asked), IntentState::Cancelled);
    });
}

#[test]
fn records_that_a_journal_shows_to_have_fallen_back_are_asked_for_all_their_journals() {
    on_each_engine(|scene| {
        let path = scene.folder.path().join("payouts.journal");
        let (_, lease) = scene.funded(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        let b = scene.order("b", &payee(2), 10).unwrap().id;
        scene
            .write(|tx, now| {
                let by = By::new(&scene.root, now);
                scene.payouts.hold(tx, &by, b, "later", &recorder("test.desk"))
            })
            .unwrap();
        backup(scene);
        scene.run(&scene.sender(), &lease);
        scene.fund(100);
        scene.run(&scene.sender(), &lease);
        // The disk with the journal is lost, in which both stand.
        std::fs::remove_file(&path).unwrap();
        let (payouts, sender) = start(scene, true);
        scene
            .write(|tx, now| {
                let by = By::new(&scene.root, now);
                payouts.release(tx, &by, b, "now", &recorder("test.operator"))
            })
            .unwrap();
        scene.run(&sender, &lease);
        assert_eq!((scene.paid(1), scene.paid(2)), (100, 10));
        restore(scene, false);
        recover(scene);
        let (now, why) = standing(scene);
        assert_eq!((scene.paid(1), scene.paid(2), now), (100, 10, WalletStanding::Unmatched), "{why}");
        assert!(why.contains("there is no whole journal of it"), "{why}");
        let (payouts, _) = start(scene, true);
        assert_eq!(word(scene, &payouts, 990, false).unwrap_err().code(), "journal_not_compared");
    });
}

#[test]
fn while_a_transaction_is_open_a_word_does_not_say_that_what_waits_behind_it_is_unpaid() {
    on_each_engine(|scene| {
        let journal = scene.folder.path().join("payouts.journal");
        let (lane, shop) = funded(scene, 500);
        let (sender, lease) = (scene.sender(), scene.lease("one").unwrap());
        scene.run(&sender, &lease);
        let before = scene.order("a", &payee(1), 100).unwrap().id;
        scene.misbehave("process", Misbehaviour::DropRequest, 1);
        sender.turn(&lease).unwrap();
        let open = scene.read(|tx| scene.payouts.payout(tx, before)).unwrap().payout.state;
        assert_eq!(open, IntentState::Broadcast);
        let asked = ask(&lane, order(&shop, "b", &payee(2), 100)).unwrap().public_id;
        backup(scene);
        let kept = std::fs::read(&journal).unwrap();
        pay(scene);
        scene.fund(300);
        pay(scene);
        assert_eq!((scene.paid(1), scene.paid(2)), (100, 100));
        restore(scene, true);
        std::fs::write(&journal, kept).unwrap();
        let (payouts, _) = start(scene, true);
        word(scene, &payouts, 600, false).unwrap();
        assert_eq!(take_back(scene, &shop, asked), Err(Rejection::WalletUnmatched));
        let another = ask(&lane, order(&shop, "c", &payee(3), 100)).map(|accepted| accepted.public_id);
        assert_eq!(another, Err(Rejection::WalletUnmatched), "it may be one that the backup does not know");
        recover(scene);
        assert_eq!((state(scene, asked), standing(scene).0), (IntentState::Held, WalletStanding::Unmatched));
        assert_eq!(take_back(scene, &shop, asked), Err(Rejection::WalletUnmatched));
    });
}

#[test]
fn what_was_under_way_at_a_word_and_comes_to_nothing_is_held_as_what_waited() {
    on_each_engine(|scene| comes_to_nothing_after_a_word(scene, false));
}

#[test]
fn so_it_is_where_the_wallet_was_stopped_meanwhile() {
    on_each_engine(|scene| comes_to_nothing_after_a_word(scene, true));
}

fn comes_to_nothing_after_a_word(scene: &Scene, is_stopped: bool) {
    let (lane, shop) = funded(scene, 500);
    let (sender, lease) = (scene.sender(), scene.lease("one").unwrap());
    scene.run(&sender, &lease);
    let asked = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
    scene.misbehave("process", Misbehaviour::DropRequest, 1);
    sender.turn(&lease).unwrap();
    backup(scene);
    // Somebody gives it up; by the journal its slot is freed.
    let id = scene.read(|tx| scene.payouts.show(tx, asked.public_id)).unwrap().payout.id;
    free_slot(scene, id, Afterwards::Fail);
    scene.run(&sender, &lease);
    assert_eq!(state(scene, asked.public_id), IntentState::Failed);
    restore(scene, true);
    let (payouts, sender) = start(scene, true);
    // The server takes over the journal, and a person is faster than the nodes.
    sender.turn(&lease).unwrap();
    word(scene, &payouts, 500, false).unwrap();
    if is_stopped {
        stop(scene);
        recover(scene);
        word(scene, &start(scene, true).0, 500, false).unwrap();
    }
    recover(scene);
    assert_eq!((scene.paid(1), state(scene, asked.public_id)), (0, IntentState::Held));
    assert_eq!(standing(scene).0, WalletStanding::Running);
}

#[test]
fn what_somebody_saw_of_the_account_when_its_past_was_unknown_is_where_its_known_past_begins() {
    on_each_engine(|scene| {
        let journal = scene.folder.path().join("payouts.journal");
        let (lane, shop) = funded(scene, 500);
        pay(scene);
        stop(scene);
        let (payouts, _) = start(scene, true);
        let address = scene.read(|tx| payouts.wallet(tx, &scene.wallet)).unwrap().address;
        let newest = chain_of(&scene.node).receiver_state(&address).unwrap().newest;
        word_on(scene, &payouts, 500, newest, true).unwrap();
        // The disk is copied before a server has matched the wallet.
        ask(&lane, order(&shop, "b", &payee(2), 100)).unwrap();
        backup(scene);
        let kept = std::fs::read(&journal).unwrap();
        recover(scene);
        scene.fund(300);
        pay(scene);
        restore(scene, false);
        std::fs::write(&journal, kept).unwrap();
        recover(scene);
        let (now, why) = standing(scene);
        assert_eq!((scene.paid(2), now), (100, WalletStanding::Unmatched), "{why}");
        assert!(why.starts_with("its account made the payment "), "{why}");
    });
}

#[test]
fn while_nodes_say_that_an_account_with_a_history_ends_in_nothing_nothing_leaves() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(500);
        scene.order("a", &payee(1), 100).unwrap();
        scene.watching.hides_end.store(true, Ordering::SeqCst);
        let (_, sender_after) = start(scene, true);
        for sender in [&sender, &sender_after] {
            let waits = scene.run_for(sender, &lease, 4);
            assert_eq!(scene.paid(1), 0);
            assert!(
                waits.iter().all(|why| why.contains("do not tell what its account ends in")),
                "{waits:?}"
            );
        }
        scene.watching.hides_end.store(false, Ordering::SeqCst);
        scene.run(&sender_after, &lease);
        assert_eq!(scene.paid(1), 100);
    });
}

#[test]
fn who_lets_a_wallet_run_whose_account_went_on_is_asked_for_all_its_journals() {
    on_each_engine(|scene| {
        let (_, asked) = fall_back(scene, 300);
        recover(scene);
        std::fs::remove_file(scene.folder.path().join("payouts.journal")).unwrap();
        let (payouts, _) = start(scene, true);
        assert_eq!(word(scene, &payouts, 700, false).unwrap_err().code(), "journal_not_compared");
        word(scene, &payouts, 700, true).unwrap();
        assert_eq!((state(scene, asked), standing(scene).0), (IntentState::Held, WalletStanding::Running));
    });
}
