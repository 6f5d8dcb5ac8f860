//! What somebody gave up, or an operator decides, while the records may lack what its account did: no money is freed by it.

use bursar_access::By;
use bursar_audit::Actor as Author;
use bursar_chain::TransactionId;
use bursar_devnet_banano::Misbehaviour;
use bursar_payouts::{Afterwards, IntentId, IntentState, Rejection, Resolution, WalletStanding};

use crate::outrun::cancel;
use crate::restore::{backup, recover, restore, standing, start, word, word_on};
use crate::scene::{Scene, chain_of, on_each_engine, payee, recorder};

const FINAL: i64 = 4;

/// A payout whose transaction reaches no node is in the backup; after it somebody frees its slot, it is paid by another
/// transaction, and 300 come in. A restore is counted, and the journal lost with the rest, or neither.
fn paid_otherwise(scene: &Scene, is_counted: bool) -> IntentId {
    let journal = scene.folder.path().join("payouts.journal");
    let (sender, lease) = scene.funded(500);
    let id = scene.order("a", &payee(1), 100).unwrap().id;
    scene.misbehave("process", Misbehaviour::DropRequest, 1);
    sender.turn(&lease).unwrap();
    backup(scene);
    let kept = std::fs::read(&journal).unwrap();
    free_slot(scene, id, Afterwards::Retry);
    scene.run(&sender, &lease);
    scene.fund(300);
    scene.pass(scene.test.now().after_ms(60_001));
    scene.run(&sender, &lease);
    let holds = scene.node.with(|node| node.ledger().balance(&scene.wallet_key()));
    assert_eq!((scene.paid(1), holds.units()), (100, 700));
    restore(scene, is_counted);
    match is_counted {
        true => std::fs::remove_file(journal).unwrap(),
        false => std::fs::write(journal, kept).unwrap(),
    }
    id
}

pub fn free_slot(scene: &Scene, id: IntentId, then: Afterwards) {
    resolve(scene, id, &Resolution::FreeSlot { then });
}

fn try_resolve(scene: &Scene, id: IntentId, resolution: &Resolution) -> Result<IntentState, Rejection> {
    scene.write(|tx, now| {
        let by = By::new(&scene.root, now);
        scene.payouts.resolve(tx, &by, id, resolution, &recorder("test.operator"))
    })
}

fn resolve(scene: &Scene, id: IntentId, resolution: &Resolution) -> IntentState {
    try_resolve(scene, id, resolution).unwrap()
}

/// The desk itself takes it back.
fn taken_back(scene: &Scene, id: IntentId) -> Result<IntentState, Rejection> {
    scene.write(|tx, now| {
        scene.payouts.cancel(tx, id, &Author::system("faucet"), "erased", &recorder("test.desk"), now)
    })
}

#[test]
fn what_was_under_way_when_its_past_was_unknown_is_held_once_its_transaction_is_dead() {
    on_each_engine(|scene| {
        let id = paid_otherwise(scene, true);
        let (payouts, _) = start(scene, true);
        let address = scene.read(|tx| payouts.wallet(tx, &scene.wallet)).unwrap().address;
        let newest = chain_of(&scene.node).receiver_state(&address).unwrap().newest;
        word_on(scene, &payouts, 700, newest, true).unwrap();
        recover(scene);
        let shown = scene.read(|tx| payouts.payout(tx, id)).unwrap().payout;
        assert_eq!((scene.paid(1), shown.state), (100, IntentState::Held), "{}", shown.why);
        assert!(
            shown.why.contains("may have been paid by a transaction that the records lack"),
            "{}",
            shown.why
        );
        assert_eq!(standing(scene), (WalletStanding::Running, String::new()));
        // Whoever lets it go on says so by releasing it.
        let retried = scene.write(|tx, now| {
            payouts.retry(tx, &By::new(&scene.root, now), id, "again", &recorder("test.operator"))
        });
        assert_eq!(retried, Err(Rejection::WalletUnmatched));
        assert_eq!(taken_back(scene, id), Err(Rejection::WalletUnmatched));
        cancel(scene, id).unwrap();
        assert_eq!(scene.read(|tx| payouts.payout(tx, id)).unwrap().payout.state, IntentState::Failed);
    });
}

#[test]
fn what_the_chain_shows_to_be_paid_is_taken_back_though_an_operator_decides_on_what_is_held() {
    on_each_engine(|scene| {
        let id = paid_otherwise(scene, true);
        let (payouts, _) = start(scene, true);
        word(scene, &payouts, 700, true).unwrap();
        recover(scene);
        assert_eq!(taken_back(scene, id), Err(Rejection::WalletUnmatched));
        let (by, recorder) = (Author::system("adoption"), recorder("test.desk"));
        let found = scene.write(|tx, now| payouts.cancel_as_paid(tx, id, &by, "it was paid", &recorder, now));
        assert_eq!((found, scene.paid(1)), (Ok(IntentState::Failed), 100));
    });
}

#[test]
fn what_somebody_gave_up_while_its_past_was_unknown_is_held_once_its_transaction_is_dead() {
    on_each_engine(|scene| {
        let id = paid_otherwise(scene, true);
        assert_eq!(cancel(scene, id), Ok(IntentState::Broadcast));
        recover(scene);
        let state = || scene.read(|tx| scene.payouts.payout(tx, id)).unwrap().payout.state;
        assert_eq!((state(), standing(scene).0), (IntentState::Held, WalletStanding::Unmatched));
        assert_eq!(cancel(scene, id), Err(Rejection::WalletUnmatched));
        let (payouts, _) = start(scene, true);
        word(scene, &payouts, 700, true).unwrap();
        recover(scene);
        // What somebody was told to be given up gets no further attempt.
        let hand = recorder("test.operator");
        let again = [
            scene.write(|tx, now| payouts.release(tx, &By::new(&scene.root, now), id, "released", &hand)),
            scene.write(|tx, now| payouts.retry(tx, &By::new(&scene.root, now), id, "again", &hand)),
        ];
        assert_eq!(again, [const { Err(Rejection::GivenUp) }; 2]);
        assert_eq!(
            (state(), cancel(scene, id), scene.paid(1)),
            (IntentState::Held, Ok(IntentState::Failed), 100)
        );
    });
}

#[track_caller]
fn is_held_as_given_up(scene: &Scene, id: IntentId) {
    let shown = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap().payout;
    assert_eq!((shown.state, standing(scene).0), (IntentState::Held, WalletStanding::Unmatched));
    assert!(shown.why.starts_with("it was given up and "), "{}", shown.why);
    assert_eq!(taken_back(scene, id), Err(Rejection::WalletUnmatched));
}

#[test]
fn what_was_given_up_is_held_where_what_stands_in_its_place_is_unknown() {
    on_each_engine(|scene| {
        let id = paid_otherwise(scene, false);
        assert_eq!(taken_back(scene, id), Ok(IntentState::Broadcast));
        recover(scene);
        is_held_as_given_up(scene, id);
    });
}

#[test]
fn an_operator_who_calls_a_transaction_dead_frees_no_money_where_what_stands_in_its_place_is_unknown() {
    on_each_engine(|scene| {
        let id = paid_otherwise(scene, false);
        let (payouts, _) = start(scene, true);
        let transaction = scene.read(|tx| payouts.payout(tx, id)).unwrap().attempts[0].transaction.clone();
        let sight = Box::new(payouts.look_at(&transaction).unwrap().unwrap());
        let evidence = "its slot is taken".to_owned();
        let dead = Resolution::Dead { sight, evidence, then: Afterwards::Fail };
        assert_eq!(resolve(scene, id, &dead), IntentState::Held);
        let shown = scene.read(|tx| payouts.payout(tx, id)).unwrap().payout;
        assert!(shown.why.starts_with("it was given up and "), "{}", shown.why);
        assert_eq!((standing(scene).0, scene.account("faucet/treasury").1), (WalletStanding::Unmatched, 100));
        assert_eq!(taken_back(scene, id), Err(Rejection::WalletUnmatched));
    });
}

/// What frees a lost payment's slot is in the backup, and not yet final; after it the payout is paid by another transaction.
/// Then everything comes back, journal and all, and nobody tells. Returns the payout and its lost payment.
fn paid_after_its_slot_was_freed(scene: &Scene) -> (IntentId, TransactionId) {
    let journal = scene.folder.path().join("payouts.journal");
    let (sender, lease) = scene.funded(500);
    let id = scene.order("a", &payee(1), 100).unwrap().id;
    scene.misbehave("process", Misbehaviour::DropRequest, 2);
    sender.turn(&lease).unwrap();
    free_slot(scene, id, Afterwards::Retry);
    sender.turn(&lease).unwrap();
    let attempts = scene.read(|tx| scene.payouts.payout(tx, id)).unwrap().attempts;
    assert_eq!(attempts.len(), 2);
    backup(scene);
    let kept = std::fs::read(&journal).unwrap();
    scene.run(&sender, &lease);
    assert_eq!(scene.paid(1), 100);
    scene.fund(100);
    restore(scene, false);
    std::fs::write(journal, kept).unwrap();
    (id, attempts[0].transaction.clone())
}

#[test]
fn what_was_given_up_is_held_where_the_account_went_on_after_what_took_its_slot() {
    on_each_engine(|scene| {
        let (id, _) = paid_after_its_slot_was_freed(scene);
        free_slot(scene, id, Afterwards::Fail);
        recover(scene);
        is_held_as_given_up(scene, id);
    });
}

#[test]
fn what_is_to_be_tried_again_never_counts_as_unpaid_where_the_account_went_on() {
    on_each_engine(|scene| {
        let (id, _) = paid_after_its_slot_was_freed(scene);
        let (payouts, sender) = start(scene, true);
        for _ in 0..60 {
            scene.test.set_time(scene.test.now().after_ms(1_000));
            sender.turn(&scene.lease("one").unwrap()).unwrap();
            let state = scene.read(|tx| payouts.payout(tx, id)).unwrap().payout.state;
            let runs = standing(scene).0 == WalletStanding::Running;
            assert!(!(runs && state == IntentState::Accepted), "it could be taken back");
        }
        let state = scene.read(|tx| payouts.payout(tx, id)).unwrap().payout.state;
        assert_eq!((state, standing(scene).0), (IntentState::Accepted, WalletStanding::Unmatched));
        assert_eq!(taken_back(scene, id), Err(Rejection::WalletUnmatched));
        // Nor once a person lets the wallet run by its balance.
        word(scene, &payouts, 400, true).unwrap();
        recover(scene);
        let shown = scene.read(|tx| payouts.payout(tx, id)).unwrap().payout;
        assert_eq!((shown.state, standing(scene).0), (IntentState::Held, WalletStanding::Running));
        assert_eq!((taken_back(scene, id), scene.paid(1)), (Err(Rejection::WalletUnmatched), 100));
    });
}

#[test]
fn what_was_held_after_its_payment_died_says_at_a_blind_word_that_it_may_have_been_paid() {
    on_each_engine(|scene| {
        let journal = scene.folder.path().join("payouts.journal");
        let (sender, lease) = scene.funded(500);
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        scene.misbehave("process", Misbehaviour::DropRequest, 1);
        sender.turn(&lease).unwrap();
        free_slot(scene, id, Afterwards::Retry);
        let state = || scene.read(|tx| scene.payouts.payout(tx, id)).unwrap().payout.state;
        while state() != IntentState::Accepted {
            scene.test.set_time(scene.test.now().after_ms(1_000));
            sender.turn(&scene.lease("one").unwrap()).unwrap();
        }
        let act = |release: bool| {
            scene.write(|tx, now| {
                let (by, hand) = (By::new(&scene.root, now), recorder("test.operator"));
                match release {
                    true => scene.payouts.release(tx, &by, id, "fine", &hand),
                    false => scene.payouts.hold(tx, &by, id, "checking", &hand),
                }
            })
        };
        act(false).unwrap();
        backup(scene);
        let kept = std::fs::read(&journal).unwrap();
        act(true).unwrap();
        scene.run(&sender, &scene.lease("one").unwrap());
        assert_eq!(scene.paid(1), 100);
        restore(scene, false);
        std::fs::write(journal, kept).unwrap();
        recover(scene);
        let (payouts, _) = start(scene, true);
        word(scene, &payouts, 400, true).unwrap();
        let shown = scene.read(|tx| payouts.payout(tx, id)).unwrap().payout;
        assert_eq!(shown.state, IntentState::Held);
        assert!(shown.why.ends_with("It was held for this: checking"), "{}", shown.why);
        let retried = scene.write(|tx, now| {
            payouts.retry(tx, &By::new(&scene.root, now), id, "again", &recorder("test.operator"))
        });
        assert_eq!(retried, Err(Rejection::WalletUnmatched));
        assert_eq!(taken_back(scene, id), Err(Rejection::WalletUnmatched));
    });
}

#[test]
fn so_it_is_where_an_operator_calls_the_lost_payment_dead() {
    called_dead(false, Afterwards::Fail, IntentState::Held);
}

#[test]
fn so_it_is_where_what_took_its_slot_is_final_already() {
    called_dead(true, Afterwards::Fail, IntentState::Held);
    called_dead(true, Afterwards::Retry, IntentState::Accepted);
}

/// An operator calls the lost payment dead before or after the server has seen what took its slot; nobody does while the nodes
/// do not tell what the account ends in. Nothing of it is free from then on.
fn called_dead(is_over: bool, then: Afterwards, becomes: IntentState) {
    on_each_engine(|scene| {
        let (id, lost) = paid_after_its_slot_was_freed(scene);
        let (payouts, sender) = start(scene, true);
        let lease = scene.lease("one").unwrap();
        sender.turn(&lease).unwrap();
        if is_over {
            // Of the lost payment nothing is heard, while what took its slot is final.
            scene.misbehave("block_info", Misbehaviour::Silence, 1);
            sender.turn(&lease).unwrap();
            sender.turn(&lease).unwrap();
        }
        let attempts = scene.read(|tx| payouts.payout(tx, id)).unwrap().attempts;
        let states: Vec<_> = attempts.iter().map(|attempt| attempt.state).collect();
        assert_eq!(states, ["broadcast", if is_over { "final" } else { "broadcast" }]);
        let dead = || {
            let sight = Box::new(payouts.look_at(&lost).unwrap().unwrap());
            Resolution::Dead { sight, evidence: "its slot is taken".to_owned(), then }
        };
        if is_over {
            scene.misbehave("account_info", Misbehaviour::Silence, 3);
            assert_eq!(try_resolve(scene, id, &dead()).unwrap_err().code(), "chain_silent");
        }
        let now = (0..3).find_map(|_| try_resolve(scene, id, &dead()).ok()).unwrap();
        assert!(!is_over || now == becomes, "{now:?}");
        assert!(!is_over || taken_back(scene, id) == Err(Rejection::WalletUnmatched));
        recover(scene);
        let shown = scene.read(|tx| payouts.payout(tx, id)).unwrap().payout;
        assert_eq!((shown.state, scene.account("faucet/treasury").1, scene.paid(1)), (becomes, 100, 100));
        assert_eq!(taken_back(scene, id), Err(Rejection::WalletUnmatched));
    });
}

#[test]
fn nothing_is_taken_back_before_a_server_has_compared_the_journal_with_what_was_put_back() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(500);
        let id = scene.order("a", &payee(1), 100).unwrap().id;
        backup(scene);
        scene.run(&sender, &lease);
        restore(scene, false);
        let (payouts, _) = start(scene, true);
        let taken_back = || {
            let author = Author::system("faucet");
            scene.write(|tx, now| payouts.cancel(tx, id, &author, "erased", &recorder("test.desk"), now))
        };
        assert_eq!(taken_back(), Err(Rejection::WalletUnmatched));
        recover(scene);
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL], 100));
        assert_eq!(taken_back(), Err(Rejection::TooLate(IntentState::Final)));
        scene.check();
    });
}
