//! After a restore nothing leaves until the records, the journal and the chain say the same.

use std::path::Path;
use std::sync::atomic::Ordering;

use bursar_access::By;
use bursar_keys::KeyId;
use bursar_money::{Amount, Balance};
use bursar_payouts::{
    Afterwards, IntentId, IntentState, Payouts, Rejection, Resolution, WalletSight, WalletStanding,
};

use crate::restore::{backup, matched, restore, standing, start, stop, word};
use crate::scene::{Scene, TREASURY, on_each_engine, payee, policy, recorder};

const ACCEPTED: i64 = 0;
const FINAL: i64 = 4;

#[test]
fn what_was_signed_since_the_backup_comes_back_from_the_journal_and_is_not_paid_again() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.order("known", &payee(1), 100).unwrap();
        backup(scene);
        scene.order("lost", &payee(2), 30).unwrap();
        scene.run(&sender, &lease);
        assert_eq!((scene.paid(1), scene.paid(2)), (100, 30));
        restore(scene, true);
        assert_eq!(scene.states(), [ACCEPTED]);
        let (_, sender) = start(scene, true);
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1), scene.paid(2)), (vec![FINAL, FINAL], 100, 30));
        assert_eq!(standing(scene).0, WalletStanding::Running);
        // The one that had no hold any more was paid out of suspense, until somebody books where it belongs.
        assert_eq!(scene.account("faucet/treasury"), (Balance::Credit(Amount::new(TREASURY - 100)), 0));
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::Credit(Amount::new(970)));
        let again = scene.order("lost", &payee(2), 30).unwrap();
        assert!(!again.is_new);
        scene.run(&sender, &lease);
        assert_eq!(scene.paid(2), 30);
        scene.check();
    });
}

#[test]
fn a_database_that_was_put_back_without_telling_is_found_out_by_the_journal() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.order("known", &payee(1), 100).unwrap();
        backup(scene);
        scene.run(&sender, &lease);
        restore(scene, false);
        let (_, sender) = start(scene, true);
        sender.turn(&lease).unwrap();
        let (now, why) = standing(scene);
        assert_eq!(now, WalletStanding::Unmatched);
        assert!(why.contains("came from the journal"), "{why}");
        scene.run(&sender, &lease);
        assert_eq!(
            (scene.states(), scene.paid(1), standing(scene).0),
            (vec![FINAL], 100, WalletStanding::Running)
        );
        scene.check();
    });
}

#[test]
fn without_a_journal_a_restored_wallet_waits_for_an_operator() {
    on_each_engine(|scene| {
        let (_, lease) = scene.funded(1_000);
        scene.generation.fetch_add(1, Ordering::SeqCst);
        let (_, sender) = start(scene, false);
        scene.order("a", &payee(1), 100).unwrap();
        scene.run_for(&sender, &lease, 20);
        let (now, why) = standing(scene);
        assert_eq!(
            (scene.states(), now, scene.sends().len()),
            (vec![ACCEPTED], WalletStanding::Unmatched, 0)
        );
        assert!(why.contains("no whole journal"), "{why}");
    });
}

#[test]
fn a_journal_that_is_new_tells_a_restored_wallet_nothing() {
    on_each_engine(|scene| {
        let (_, lease) = scene.funded(1_000);
        // A backup from before anything was compared with a journal, restored beside none: the balance alone fits.
        scene.write(|tx, _| tx.batch_execute("DELETE FROM payout_journal"));
        std::fs::write(scene.folder.path().join("payouts.journal"), "").unwrap();
        scene.generation.fetch_add(1, Ordering::SeqCst);
        let (payouts, sender) = start(scene, true);
        scene.order("a", &payee(1), 100).unwrap();
        scene.run_for(&sender, &lease, 20);
        assert_eq!((scene.states(), scene.sends().len()), (vec![ACCEPTED], 0));
        assert_eq!(standing(scene).0, WalletStanding::Unmatched);
        // The sender has read it by now, to its end: that makes it no older than the backup.
        only_as_lost(scene, &payouts, "no whole journal");
    });
}

/// The wallet, which holds 1,000, runs by the word that its journals are lost, of which its desk is told, and by no other.
fn only_as_lost(scene: &Scene, payouts: &Payouts, why: &str) {
    let refused = matched(scene, payouts, 1_000).unwrap_err();
    assert!(refused.code() == "journal_not_compared" && refused.to_string().contains(why), "{refused}");
    assert_eq!(*scene.heard.2.lock(), []);
    assert_eq!(word(scene, payouts, 1_000, true), Ok(()));
    assert_eq!(scene.heard.2.lock().as_slice(), std::slice::from_ref(&scene.wallet));
    assert_eq!(standing(scene).0, WalletStanding::Running);
}

#[test]
fn a_journal_that_was_cut_short_tells_nothing_even_once_it_is_read_anew() {
    on_each_engine(|scene| {
        let (_, lease) = scene.funded(1_000);
        let path = scene.folder.path().join("payouts.journal");
        // It has been read to its end.
        scene.run(&start(scene, true).1, &lease);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() > 1);
        std::fs::write(&path, format!("{}\n", text.lines().next().unwrap())).unwrap();
        let (payouts, sender) = start(scene, true);
        sender.turn(&lease).unwrap();
        assert!(standing(scene).1.contains("shorter"));
        scene.run_for(&sender, &lease, 20);
        only_as_lost(scene, &payouts, "no whole journal");
        scene.order("a", &payee(1), 100).unwrap();
        scene.run(&sender, &lease);
        assert_eq!(scene.paid(1), 100);
    });
}

/// A wallet that was stopped, with two intents that were paid after the backup, as restored from it.
fn restored_while_stopped(scene: &Scene) -> bursar_store::lease::Lease {
    let (_, lease) = scene.funded(1_000);
    scene.order("a1", &payee(1), 100).unwrap();
    scene.order("a2", &payee(2), 30).unwrap();
    stop(scene);
    backup(scene);
    matched(scene, &scene.payouts, 1_000).unwrap();
    scene.run(&scene.sender(), &lease);
    assert_eq!((scene.paid(1), scene.paid(2)), (100, 30));
    restore(scene, true);
    assert_eq!((scene.states(), standing(scene).0), (vec![ACCEPTED; 2], WalletStanding::Stopped));
    lease
}

#[test]
fn a_stopped_wallet_learns_from_the_journal_what_was_paid_and_stays_stopped() {
    on_each_engine(|scene| {
        let lease = restored_while_stopped(scene);
        let (payouts, sender) = start(scene, true);
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), standing(scene).0), (vec![FINAL; 2], WalletStanding::Stopped));
        assert_eq!(matched(scene, &payouts, 870), Ok(()));
        scene.run(&sender, &lease);
        assert_eq!((scene.paid(1), scene.paid(2), standing(scene).0), (100, 30, WalletStanding::Running));
        assert_eq!(*scene.heard.2.lock(), [], "nothing is missing");
        scene.check();
    });
}

#[test]
fn who_says_that_journals_are_lost_is_believed_though_the_one_here_is_whole() {
    on_each_engine(|scene| {
        let lease = restored_while_stopped(scene);
        let (payouts, sender) = start(scene, true);
        scene.run(&sender, &lease);
        assert_eq!(word(scene, &payouts, 870, true), Ok(()));
        assert_eq!(scene.heard.2.lock().as_slice(), std::slice::from_ref(&scene.wallet));
    });
}

#[test]
fn who_says_that_journals_are_lost_is_believed_though_no_restore_was_counted_and_no_money_is_missing() {
    on_each_engine(|scene| {
        let (_, _lease) = scene.funded(1_000);
        stop(scene);
        assert_eq!(word(scene, &scene.payouts, 1_000, true), Ok(()));
        assert_eq!(scene.heard.2.lock().as_slice(), std::slice::from_ref(&scene.wallet));
    });
}

#[test]
fn nobodys_word_lets_a_wallet_run_before_the_journal_is_compared() {
    on_each_engine(|scene| {
        let lease = restored_while_stopped(scene);
        let (payouts, sender) = start(scene, true);
        // The chain does hold this, so nothing else would refuse.
        assert_eq!(matched(scene, &payouts, 870).unwrap_err().code(), "journal_not_compared");
        assert_eq!(word(scene, &payouts, 870, true).unwrap_err().code(), "journal_not_compared");
        // Nor does a program beside which there is no journal.
        let blind = scene.restarted_with(false);
        assert_eq!(matched(scene, &blind, 870).unwrap_err().code(), "journal_not_compared");
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::Credit(Amount::new(1_000)));
        scene.run(&sender, &lease);
        assert_eq!((scene.paid(1), scene.paid(2)), (100, 30));
        assert_eq!(matched(scene, &payouts, 870), Ok(()));
        scene.run(&sender, &lease);
        assert_eq!((scene.paid(1), scene.paid(2)), (100, 30));
    });
}

#[test]
fn a_journal_that_was_begun_after_the_backup_is_not_trusted_whatever_it_holds() {
    on_each_engine(|scene| {
        let (_, lease) = scene.funded(1_000);
        let path = scene.folder.path().join("payouts.journal");
        scene.order("a", &payee(1), 100).unwrap();
        backup(scene);
        let (_, sender) = start(scene, true);
        scene.run(&sender, &lease);
        assert_eq!(scene.paid(1), 100);
        // The disk with the journal is lost, and another holds a line already when the backup is restored.
        std::fs::remove_file(&path).unwrap();
        let (_, sender) = start(scene, true);
        scene.order("b", &payee(2), 10).unwrap();
        scene.run(&sender, &lease);
        // What came in since hides what was paid.
        scene.fund(110);
        scene.pass(scene.test.now().after_ms(3_600_001));
        scene.run(&sender, &lease);
        restore(scene, true);
        let (payouts, sender) = start(scene, true);
        scene.run_for(&sender, &lease, 30);
        assert_eq!((scene.states()[0], standing(scene).0), (ACCEPTED, WalletStanding::Unmatched));
        assert_eq!((scene.paid(1), scene.paid(2)), (100, 10));
        // A person who has compared the history by hand may let it run all the same.
        let holds = scene.read(|tx| payouts.wallet(tx, &scene.wallet)).unwrap().expected.units();
        assert_eq!(matched(scene, &payouts, holds).unwrap_err().code(), "journal_not_compared");
        assert_eq!(word(scene, &payouts, holds, true), Ok(()));
        assert_eq!(standing(scene).0, WalletStanding::Running);
    });
}

#[test]
fn what_the_journal_brings_back_counts_against_the_keys_cap() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        let cap = bursar_keys::RollingCap { window_ms: 3_600_000, max: Amount::new(100) };
        scene.set_policy(&bursar_keys::Policy { caps: vec![cap], ..policy() });
        backup(scene);
        scene.order("lost", &payee(1), 80).unwrap();
        scene.run(&sender, &lease);
        restore(scene, true);
        // The cap of the restored policy is lower than what has left.
        let cap = bursar_keys::RollingCap { window_ms: 3_600_000, max: Amount::new(70) };
        scene.set_policy(&bursar_keys::Policy { caps: vec![cap], ..policy() });
        let (_, sender) = start(scene, true);
        scene.run(&sender, &lease);
        scene.order("next", &payee(2), 1).unwrap();
        scene.run_for(&sender, &lease, 12);
        assert_eq!((scene.states(), scene.paid(1), scene.paid(2)), (vec![FINAL, ACCEPTED], 80, 0));
        scene.pass(scene.test.now().after_ms(3_700_000));
        scene.run_for(&sender, &lease, 30);
        assert_eq!((scene.paid(1), scene.paid(2)), (80, 1));
        scene.check();
    });
}

#[test]
fn a_restored_wallet_whose_chain_holds_less_waits_for_an_operator() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        backup(scene);
        scene.order("lost", &payee(1), 100).unwrap();
        scene.run(&sender, &lease);
        restore(scene, true);
        std::fs::write(scene.folder.path().join("payouts.journal"), "").unwrap();
        let (_, sender) = start(scene, true);
        scene.order("new", &payee(1), 5).unwrap();
        scene.run_for(&sender, &lease, 20);
        let (now, why) = standing(scene);
        assert_eq!((scene.states(), now, scene.paid(1)), (vec![ACCEPTED], WalletStanding::Unmatched, 100));
        assert!(why.contains("holds 100 less"), "{why}");
    });
}

#[test]
fn a_damaged_journal_lets_nothing_leave() {
    on_each_engine(|scene| {
        let (_, lease) = scene.funded(1_000);
        let path = scene.folder.path().join("payouts.journal");
        damage(&path);
        let (payouts, sender) = start(scene, true);
        scene.order("a", &payee(1), 100).unwrap();
        scene.run_for(&sender, &lease, 20);
        assert_eq!((scene.states(), standing(scene).0), (vec![ACCEPTED], WalletStanding::Unmatched));
        assert_eq!(scene.paid(1), 0);
        only_as_lost(scene, &payouts, "no whole journal");
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL], 100));
    });
}

/// Adds a line that nobody can read.
fn damage(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, format!("{text}0123456789abcdef {{}}\n")).unwrap();
}

#[test]
fn damage_that_the_server_has_not_read_yet_is_found_by_the_match() {
    on_each_engine(|scene| {
        let (_, lease) = scene.funded(1_000);
        damage(&scene.folder.path().join("payouts.journal"));
        scene.generation.fetch_add(1, Ordering::SeqCst);
        let (payouts, sender) = start(scene, true);
        only_as_lost(scene, &payouts, "cannot be read");
        // A person has answered for the line: it stops nothing again.
        scene.run(&sender, &lease);
        assert_eq!(standing(scene).0, WalletStanding::Running);
        // Nor does the word need a restore: a stopped wallet is asked the same of a line that is new.
        stop(scene);
        damage(&scene.folder.path().join("payouts.journal"));
        assert_eq!(matched(scene, &payouts, 1_000).unwrap_err().code(), "journal_not_compared");
    });
}

#[test]
fn a_wallet_that_a_restored_database_lacks_runs_by_a_persons_word_alone() {
    on_each_engine(|scene| {
        let (_, lease) = scene.funded(1_000);
        scene.generation.fetch_add(1, Ordering::SeqCst);
        // The key is added again: the backup is older than it.
        let cold = KeyId::parse("cold").unwrap();
        scene.add_wallet(&cold, [8; 32]);
        let wallet = || scene.read(|tx| scene.payouts.wallet(tx, &cold)).unwrap();
        let sender = scene.payouts.sender(&wallet()).unwrap();
        scene.run_for(&sender, &lease, 20);
        assert_eq!(wallet().standing, WalletStanding::Unmatched);
        let opened = wallet();
        assert!(!scene.read(|tx| scene.payouts.is_paying(tx, &opened)));
        let matched = |journals_are_lost| {
            let sight =
                WalletSight { holds: Amount::ZERO, expected: Amount::ZERO, newest: None, journals_are_lost };
            scene.write(|tx, now| {
                let (by, recorder) = (By::new(&scene.root, now), recorder("test.operator"));
                scene.payouts.match_wallet(tx, &by, &cold, &sight, "looked", &recorder)
            })
        };
        assert_eq!(matched(false).unwrap_err().code(), "journal_not_compared");
        assert_eq!((matched(true), wallet().standing), (Ok(()), WalletStanding::Running));
        let opened = wallet();
        assert!(scene.read(|tx| scene.payouts.is_paying(tx, &opened)));
        assert_eq!(scene.heard.2.lock().as_slice(), std::slice::from_ref(&cold));
    });
}

#[test]
fn what_the_journal_alone_brought_back_gets_no_further_attempt() {
    on_each_engine(|scene| {
        use bursar_devnet_banano::Misbehaviour;
        let (sender, lease) = scene.funded(1_000);
        backup(scene);
        let id = scene.order("lost", &payee(1), 100).unwrap().id;
        scene.misbehave("process", Misbehaviour::DropRequest, 1);
        sender.turn(&lease).unwrap();
        restore(scene, true);
        let (payouts, sender) = start(scene, true);
        scene.run_for(&sender, &lease, 10);
        assert_eq!(matched(scene, &payouts, 1_000), Ok(()));
        let resolved = |then| {
            scene.write(|tx, now| {
                let (by, free) = (By::new(&scene.root, now), Resolution::FreeSlot { then });
                payouts.resolve(tx, &by, id, &free, &recorder("test.operator"))
            })
        };
        let brought_back = |after| {
            let page = scene.read(|tx| payouts.brought_back(tx, &scene.wallet, after));
            (page.payouts.iter().map(|shown| shown.payout.id).collect::<Vec<_>>(), page.next)
        };
        assert_eq!((brought_back(IntentId(0)), brought_back(id)), ((vec![id], None), (vec![], None)));
        assert_eq!(resolved(Afterwards::Retry), Err(Rejection::NothingHeld));
        assert!(resolved(Afterwards::Fail).is_ok());
        scene.run(&sender, &lease);
        let shown = scene.read(|tx| payouts.payout(tx, id)).unwrap();
        assert_eq!((shown.payout.state, scene.paid(1)), (IntentState::Failed, 0));
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::Credit(Amount::new(1_000)));
        scene.check();
    });
}

#[test]
fn what_the_journal_alone_brought_back_is_told_page_by_page() {
    on_each_engine(|scene| {
        scene.funded(1_000);
        scene.order("a", &payee(1), 1).unwrap();
        // As the journal brings payouts back that nothing here was ever held for.
        let unheld = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450) \
            INSERT INTO payout_intent (id, public_id, desk, wallet, destination, amount, asset, reference, reason, \
                idempotency_key, request_hash, state, why, wish, attempts, created_at, changed_at) \
            SELECT 100 + n.i, $1, p.desk, p.wallet, p.destination, p.amount, p.asset, 0, '', \
                'faucet/' || n.i, p.request_hash, 5, '', 0, 0, p.created_at, p.changed_at FROM payout_intent p, n";
        scene.write(|tx, _| tx.batch_execute("DROP INDEX payout_intent_public"));
        scene.write(|tx, _| tx.execute(unheld, &[uuid::Uuid::nil().into()]));
        let (mut after, mut told) = (Some(IntentId(0)), Vec::new());
        while let Some(from) = after {
            let page = scene.read(|tx| scene.payouts.brought_back(tx, &scene.wallet, from));
            told.extend(page.payouts.iter().map(|shown| shown.payout.id.0));
            after = page.next;
        }
        assert_eq!(told, (101..=550).collect::<Vec<_>>());
    });
}

#[test]
fn without_a_place_to_write_the_journal_nothing_leaves() {
    on_each_engine(|scene| {
        use bursar_store::fault::{Injected, Step};
        let (sender, lease) = scene.funded(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        for _ in 0..3 {
            scene.faults.plan("payouts.journal", Step::Begin, Injected::DiskFull);
        }
        let sent = scene.watching.broadcasts.lock().len();
        let _ = (0..3).map(|_| sender.turn(&lease)).collect::<Vec<_>>();
        assert_eq!((scene.watching.broadcasts.lock().len(), scene.paid(1)), (sent, 0));
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL], 100));
        scene.check();
    });
}
