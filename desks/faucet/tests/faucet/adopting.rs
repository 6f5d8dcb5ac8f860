//! After a restore without a journal: what the chain shows as paid is recorded, so that it is not paid again.

use bursar_access::{Actor, By};
use bursar_devnet_banano::Command;
use bursar_faucet::adoption::{
    Adoption, BLIND, MARK, Outcome, Payment, Refusal, Report, Verdict, is_incomplete,
};
use bursar_faucet::record::{Hole, WalletLink};
use bursar_faucet::rules::pruning::Retention;
use bursar_faucet::settlement::Skipped;
use bursar_faucet::switches::PAYOUTS_HALTED;
use bursar_faucet::upkeep::{Watched, prunable, prune, watch};
use bursar_money::Balance;
use bursar_payouts::{IntentId, Reach, WalletSight};

use crate::restoring::{backup, restore};
use crate::scene::{BAN, Scene, address, ban, banano_of, on_each_engine, recorder};

/// Restores, starts again, and lets an operator match the wallet without its journals.
pub fn fall_back(scene: &mut Scene) {
    restore(scene);
    scene.restart(|_| {});
    matched(scene);
}

pub fn matched(scene: &Scene) {
    matched_with(scene, true);
}

/// An operator matches the wallet with what the chain holds.
pub fn matched_with(scene: &Scene, journals_are_lost: bool) {
    scene.send_for(6);
    let wallet = scene.read(|tx| scene.payouts.wallet(tx, &scene.operator)).unwrap();
    let holds = scene.node.with(|node| node.ledger().head(&scene.wallet_key())).unwrap().balance;
    let sight = WalletSight { holds, expected: wallet.expected, newest: None, journals_are_lost };
    let root = Actor::cli("root");
    let done = scene.write(|tx, now| {
        let by = By::new(&root, now);
        scene.payouts.match_wallet(tx, &by, &scene.operator, &sight, "compared", &recorder("test.match"))
    });
    done.unwrap();
}

#[derive(Clone, Copy, Default)]
pub struct How {
    pub is_dry_run: bool,
    pub is_whole_history: bool,
}

pub fn adopt_with(scene: &Scene, how: How) -> Outcome<Report> {
    let (store, root, recorder) = (scene.store(), Actor::cli("root"), recorder("test.adopt"));
    let adoption = Adoption {
        store: &store,
        payouts: &scene.payouts,
        operator: &scene.operator,
        recorder: &recorder,
        actor: &root,
        approval: None,
        draft: None,
        reason: "the disk is gone",
        is_dry_run: how.is_dry_run,
        is_whole_history: how.is_whole_history,
    };
    adoption.run(&banano_of(&scene.node))
}

pub fn adopt(scene: &Scene) -> Vec<Verdict> {
    verdicts(adopt_with(scene, How::default()))
}

fn rehearse(scene: &Scene) -> Vec<Verdict> {
    verdicts(adopt_with(scene, How { is_dry_run: true, ..How::default() }))
}

pub fn verdicts(report: Outcome<Report>) -> Vec<Verdict> {
    report.unwrap().unwrap().payments.into_iter().map(|(_, verdict)| verdict).collect()
}

pub fn adopted(verdict: &Verdict) -> (i64, u64, String) {
    match verdict {
        Verdict::Adopted { player, kills, amount, .. } => (*player, *kills, amount.to_string()),
        other => panic!("{other:?}"),
    }
}

/// What the faucet's rows and the book hold of payments.
pub fn traces(scene: &Scene) -> [i64; 4] {
    [
        "SELECT COUNT(*) FROM faucet_payout",
        "SELECT COUNT(*) FROM ledger_transfer",
        "SELECT COUNT(*) FROM audit_events",
        "SELECT COUNT(*) FROM faucet_reward_accrual",
    ]
    .map(|sql| scene.count(sql))
}

pub fn is_open(scene: &Scene) -> bool {
    scene.read(is_incomplete)
}

/// Rows, totals, book and chain say the same, nothing is left in suspense, and payouts may go on.
#[track_caller]
pub fn at_rest(scene: &Scene) {
    scene.check();
    assert!(!is_open(scene));
    assert_eq!(scene.account("payouts/faucet-operator/suspense").0, Balance::ZERO);
    assert_eq!(watch(&scene.faucet).unwrap(), Watched::Compared(Vec::new()));
    assert_eq!(bursar_faucet::upkeep::reconcile(&scene.faucet).unwrap().mismatches, Default::default());
}

pub fn resume(scene: &Scene) {
    scene.set_switch(PAYOUTS_HALTED, false);
}

#[test]
fn what_was_paid_since_the_backup_is_recorded_with_its_transaction_and_not_paid_again() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 75);
        backup(scene);
        assert_eq!(scene.settle().payouts, 1);
        scene.send();
        let hash = scene.payouts_of(id)[0].tx_hash.clone();
        fall_back(scene);
        assert!(is_open(scene));
        assert_eq!(scene.settle().skipped, Some(Skipped::Halted));

        let verdicts = adopt(scene);
        assert_eq!(verdicts.iter().map(adopted).collect::<Vec<_>>(), [(id, 75, "7.50000000".to_owned())]);
        let payout = &scene.payouts_of(id)[0];
        assert_eq!((&payout.tx_hash, payout.state.word(), payout.intent), (&hash, "confirmed", None));
        assert_eq!(payout.error_detail.as_deref(), Some("adopted from the chain after a restore"));
        assert_eq!(scene.accruals(id), [(75, "settled".to_owned())]);
        at_rest(scene);
        let told =
            "SELECT COUNT(*) FROM audit_events WHERE event = 'faucet.payment_adopted' AND actor = 'cli:root'";
        assert_eq!(scene.count(told), 1);

        resume(scene);
        assert_eq!(scene.settle().payouts, 0);
        scene.earn(id, 3);
        assert_eq!(scene.settle().payouts, 1);
        scene.send();
        assert_eq!((scene.sends(), scene.paid(1)), (2, 780 * BAN / 100));
        at_rest(scene);
    });
}

#[test]
fn a_payment_waits_for_its_kills_to_be_counted_again_and_new_kills_beside_them_stay_open() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        backup(scene);
        scene.earn(id, 4);
        scene.settle();
        scene.send();
        fall_back(scene);
        let before = traces(scene);
        let waits = Verdict::WaitsForKills { player: id, missing: ban("0.4"), kills: None };
        assert_eq!(adopt(scene), [waits]);
        assert_eq!(traces(scene), before, "nothing is applied");
        assert!(is_open(scene));

        scene.earn(id, 2);
        assert_eq!(adopted(&adopt(scene)[0]), (id, 4, "0.40000000".to_owned()));
        assert_eq!(scene.accruals(id), [(4, "settled".to_owned()), (2, "open".to_owned())]);
        at_rest(scene);
        let after = traces(scene);
        assert_eq!(adopt(scene), [], "said twice");
        assert_eq!(traces(scene), after);

        resume(scene);
        scene.settle();
        scene.send();
        assert_eq!((scene.sends(), scene.paid(1)), (2, 60 * BAN / 100));
        at_rest(scene);
    });
}

#[test]
fn missing_kills_are_counted_at_the_players_newest_rate_and_what_is_there_stays_open() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 3);
        backup(scene);
        scene.earn(id, 4);
        scene.settle();
        scene.send();
        fall_back(scene);
        let waits = Verdict::WaitsForKills { player: id, missing: ban("0.4"), kills: Some(4) };
        assert_eq!(adopt(scene), [waits]);
        assert_eq!(scene.accruals(id), [(3, "open".to_owned())]);
        scene.pass(60_000);
        scene.accrue();
        assert_eq!(adopted(&adopt(scene)[0]), (id, 7, "0.70000000".to_owned()));
        at_rest(scene);
    });
}

#[test]
fn a_dry_run_shows_what_would_be_done_and_writes_nothing() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let (one, other) = (scene.player(0), scene.player(0));
        scene.earn(one, 5);
        scene.earn(other, 6);
        backup(scene);
        scene.settle();
        scene.send();
        fall_back(scene);
        let before = traces(scene);
        let mut shown: Vec<_> = rehearse(scene).iter().map(adopted).collect();
        shown.sort_unstable();
        assert_eq!(shown, [(one, 5, "0.50000000".to_owned()), (other, 6, "0.60000000".to_owned())]);
        assert_eq!(traces(scene), before);
        assert!(is_open(scene));
        let mut done: Vec<_> = adopt(scene).iter().map(adopted).collect();
        done.sort_unstable();
        assert_eq!(done, shown);
        at_rest(scene);
    });
}

#[test]
fn a_payout_that_waited_in_the_backup_and_was_paid_since_is_not_signed_again() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 75);
        scene.settle();
        backup(scene);
        scene.send();
        assert_eq!(scene.sends(), 1);
        fall_back(scene);
        assert_eq!(scene.accruals(id), [(75, "reserved".to_owned())]);
        assert_eq!(adopted(&adopt(scene)[0]), (id, 75, "7.50000000".to_owned()));
        let states: Vec<&str> = scene.payouts_of(id).iter().map(|payout| payout.state.word()).collect();
        assert_eq!(states, ["failed", "confirmed"]);
        at_rest(scene);
        resume(scene);
        scene.settle();
        scene.send();
        assert_eq!(scene.sends(), 1);
    });
}

#[test]
fn a_payout_that_still_waits_is_paid_beside_what_is_adopted() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 10);
        backup(scene);
        scene.settle();
        scene.send();
        restore(scene);
        // Of the eleven kills in the backup's order another payout was made first.
        scene.restart(|_| {});
        matched(scene);
        resume(scene);
        scene.earn(id, 1);
        scene.settle();
        scene.set_switch(PAYOUTS_HALTED, true);
        assert_eq!(scene.payouts_of(id)[0].kills, 11);
        // 1.0 of the 1.1 that wait were paid: the payout is taken back, and a kill stays open.
        assert_eq!(adopted(&adopt(scene)[0]), (id, 10, "1.00000000".to_owned()));
        assert_eq!(scene.tally(id).holdings.open.kills, 1);
        at_rest(scene);
        resume(scene);
        scene.settle();
        scene.send();
        assert_eq!((scene.sends(), scene.paid(1)), (2, 110 * BAN / 100));
    });
}

#[test]
fn a_former_address_counts_and_one_of_several_players_or_of_nobody_is_left_to_people() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let ids = [scene.player(0), scene.player(0), scene.player(0)];
        for id in ids {
            scene.earn(id, 2);
        }
        scene.link(ids[2], &address(2), false);
        backup(scene);
        scene.settle();
        scene.send();
        scene.steal(BAN);
        // The first player has another primary address since.
        scene.write(|tx, now| {
            let mut links = WalletLink::of_users(tx, &[ids[0]])?;
            links.iter_mut().for_each(|link| link.is_primary = false);
            WalletLink::save(tx, &links, now)
        });
        scene.link(ids[0], &address(77), true);
        fall_back(scene);
        // Whoever links an address after the match was not paid there before.
        scene.pass(1_000);
        scene.link(ids[0], &address(99), false);

        let report = adopt_with(scene, How::default()).unwrap().unwrap();
        let of = |to: u32| {
            let is_it = |(payment, _): &&(Payment, Verdict)| payment.to == address(to);
            report.payments.iter().find(is_it).unwrap().1.clone()
        };
        assert_eq!(adopted(&of(1)), (ids[0], 2, "0.20000000".to_owned()));
        assert_eq!(of(2), Verdict::SeveralPlayers(vec![ids[1], ids[2]]));
        assert_eq!(adopted(&of(3)), (ids[2], 2, "0.20000000".to_owned()));
        assert_eq!(of(99), Verdict::NoPlayer);
        assert!(is_open(scene), "two are left");
        assert_eq!(scene.accruals(ids[1]), [(2, "open".to_owned())]);
        scene.check();
        let left = adopt(scene);
        assert_eq!(left.len(), 2, "{left:?}");
    });
}

#[test]
fn kills_counted_again_at_another_rate_are_settled_to_the_raw() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        backup(scene);
        scene.earn(id, 4);
        scene.settle();
        scene.send();
        for (rate, kills) in [("0.051", 4), ("0.0333", 6), ("0.0495", 4)] {
            restore(scene);
            scene.restart(|config| config.policy.base_rate = ban(rate));
            matched(scene);
            scene.set_switch(PAYOUTS_HALTED, true);
            scene.earn(id, 5);
            assert_eq!(adopted(&adopt(scene)[0]), (id, kills, "0.40000000".to_owned()), "{rate}");
            at_rest(scene);
        }
    });
}

#[test]
fn payouts_of_the_journal_are_adopted_once_they_are_final() {
    on_each_engine(|scene| {
        let folder = tempfile::tempdir().unwrap();
        scene.keep_journal(&folder);
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 75);
        backup(scene);
        scene.command(Command::ConfirmationLag(None));
        scene.settle();
        scene.send_for(4);
        assert_eq!(scene.sends(), 1);
        restore(scene);
        scene.restart(|_| {});
        scene.send_for(4);
        assert!(is_open(scene));
        for is_dry_run in [true, false] {
            let refused = adopt_with(scene, How { is_dry_run, ..How::default() }).unwrap();
            assert!(matches!(refused, Err(Refusal::WalletStill(_))), "{refused:?}");
        }

        scene.command(Command::ConfirmAll);
        scene.send();
        assert_eq!(adopted(&adopt(scene)[0]), (id, 75, "7.50000000".to_owned()));
        assert!(scene.payouts_of(id)[0].intent.is_some());
        at_rest(scene);
        assert_eq!(adopt(scene), []);
        resume(scene);
        scene.settle();
        scene.send();
        assert_eq!(scene.sends(), 1);
    });
}

#[test]
fn sends_made_since_the_restore_do_not_hide_those_before_them() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let (one, other) = (scene.player(0), scene.player(0));
        scene.earn(one, 5);
        backup(scene);
        scene.settle();
        scene.send();
        fall_back(scene);
        // Somebody knows of nothing better than to pay on.
        scene
            .change_user(one, |user| user.eligibility = bursar_faucet::rules::eligibility::Eligibility::Held);
        resume(scene);
        scene.pass(1_000);
        scene.earn(other, 6);
        scene.settle();
        scene.send();
        assert_eq!(scene.sends(), 2);
        assert_eq!(adopted(&adopt(scene)[0]), (one, 5, "0.50000000".to_owned()));
        at_rest(scene);
    });
}

#[test]
fn a_wallet_that_is_not_matched_and_one_without_a_known_block_are_refused() {
    on_each_engine(|scene| {
        let id = scene.player(0);
        backup(scene);
        scene.funded(100 * BAN);
        scene.earn(id, 5);
        scene.settle();
        scene.send();
        fall_back(scene);
        scene.pass(60_000);
        scene.accrue();
        assert_eq!(adopt_with(scene, How::default()).unwrap(), Err(Refusal::NoKnownBlock));
        scene.write(|tx, _| tx.batch_execute("UPDATE payout_wallet SET standing = 2"));
        assert!(matches!(adopt_with(scene, How::default()).unwrap(), Err(Refusal::WalletStill(_))));
        let dry = How { is_dry_run: true, is_whole_history: true };
        assert!(matches!(adopt_with(scene, dry).unwrap(), Err(Refusal::WalletStill(_))));
        scene.write(|tx, _| tx.batch_execute("UPDATE payout_wallet SET standing = 0"));
        let whole = How { is_whole_history: true, ..How::default() };
        assert_eq!(adopted(&verdicts(adopt_with(scene, whole))[0]), (id, 5, "0.50000000".to_owned()));
        scene.check();
    });
}

#[test]
fn a_payment_that_names_a_player_of_after_the_backup_is_nobody_elses() {
    on_each_engine(|scene| {
        let folder = tempfile::tempdir().unwrap();
        scene.keep_journal(&folder);
        scene.funded(100 * BAN);
        let (first, second) = (scene.player(0), scene.player(0));
        scene.earn(first, 5);
        scene.change_user(first, |user| {
            user.eligibility = bursar_faucet::rules::eligibility::Eligibility::Held
        });
        backup(scene);
        // The second links the first one's address, and is paid there.
        let shared = address(u32::try_from(first).unwrap());
        scene.write(|tx, now| {
            let mut links = WalletLink::of_users(tx, &[second])?;
            links.iter_mut().for_each(|link| link.address.clone_from(&shared));
            WalletLink::save(tx, &links, now)
        });
        scene.earn(second, 5);
        assert_eq!(scene.settle().payouts, 1);
        scene.send();
        restore(scene);
        scene.write(|tx, _| WalletLink::erase(tx, second));
        scene.restart(|_| {});
        scene.send();

        assert_eq!(adopt(scene), [Verdict::NoPlayer]);
        assert_eq!(scene.accruals(first), [(5, "open".to_owned())]);
        assert!(is_open(scene));
        scene.check();
    });
}

#[test]
fn an_adopted_payment_is_known_for_as_long_as_the_chain_shows_it() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 5);
        backup(scene);
        scene.settle();
        scene.send();
        fall_back(scene);
        assert_eq!(adopted(&adopt(scene)[0]), (id, 5, "0.50000000".to_owned()));
        scene.pass(91 * 86_400_000);
        assert_eq!(scene.read(|tx| prunable(tx, Retention::DEFAULT)).payouts, 0);
        let by = bursar_audit::Actor::system("test");
        let pruned = prune(&scene.faucet, Retention::DEFAULT, &by, &|| false).unwrap();
        assert_eq!((pruned.accruals, pruned.payouts), (1, 0));
        assert_eq!(scene.payouts_of(id)[0].error_detail.as_deref(), Some(MARK));

        // The records turn out to lack something again, and the chain tells all of it again.
        scene.earn(id, 6);
        scene.write(|tx, now| {
            Hole::note(tx, BLIND, "again", Reach { intent: IntentId(0), transaction: 0 }, now)
        });
        assert_eq!(adopt(scene), []);
        assert_eq!(scene.accruals(id), [(6, "open".to_owned())], "nobody has paid these");
        at_rest(scene);
    });
}
