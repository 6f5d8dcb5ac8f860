//! After a restore: which sends are looked at is told by numbers, so that clocks that are set back hide nothing of what was
//! paid (docs/spec/faucet.md 3.14).

use bursar_devnet_banano::Command;
use bursar_faucet::adoption::Verdict;
use bursar_faucet::rules::eligibility::Eligibility;

use crate::adopting::{How, adopt, adopt_with, adopted, at_rest, fall_back, is_open, resume, verdicts};
use crate::restoring::{backup, restore};
use crate::scene::{BAN, Scene, address, on_each_engine};

const JUMP_MS: i64 = 300_000;

/// The machine's clock is set back; the node's goes on.
fn set_back(scene: &mut Scene, ms: i64) {
    let now = scene.test.now().after_ms(-ms);
    scene.test.set_time(now);
    scene.restart(|_| {});
}

#[test]
fn what_is_signed_after_the_match_and_dated_before_it_does_not_end_the_search() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 5);
        backup(scene);
        scene.settle();
        scene.send();
        scene.pass(JUMP_MS);
        fall_back(scene);
        set_back(scene, JUMP_MS);
        // Somebody insists on going on, and a receipt is signed, dated before the match.
        scene.change_user(id, |user| user.eligibility = Eligibility::Held);
        resume(scene);
        scene.fund(7 * BAN);
        scene.send_for(10);
        let dated = "SELECT COUNT(*) FROM payout_attempt WHERE kind = 2 AND signed_at < \
                     (SELECT since FROM faucet_finding WHERE kind = 'payout.blind')";
        assert_eq!(scene.count(dated), 2);

        assert_eq!(adopted(&adopt(scene)[0]), (id, 5, "0.50000000".to_owned()));
        at_rest(scene);
        scene.change_user(id, |user| user.eligibility = Eligibility::Eligible);
        assert_eq!(scene.settle().payouts, 0);
        scene.send();
        assert_eq!(scene.sends(), 1);
    });
}

#[test]
fn what_the_journal_brought_back_and_ended_at_an_earlier_date_is_missing() {
    on_each_engine(|scene| {
        let folder = tempfile::tempdir().unwrap();
        scene.keep_journal(&folder);
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 5);
        backup(scene);
        scene.command(Command::ConfirmationLag(None));
        scene.settle();
        scene.send_for(4);
        restore(scene);
        scene.pass(JUMP_MS);
        scene.restart(|_| {});
        scene.send_for(4);
        assert!(is_open(scene));
        set_back(scene, JUMP_MS);
        scene.command(Command::ConfirmAll);
        scene.send();

        assert_eq!(adopted(&adopt(scene)[0]), (id, 5, "0.50000000".to_owned()));
        at_rest(scene);
    });
}

#[test]
fn whoever_links_an_address_after_the_match_was_not_paid_there_whatever_the_date() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 5);
        backup(scene);
        scene.steal(BAN);
        scene.pass(JUMP_MS);
        fall_back(scene);
        set_back(scene, JUMP_MS);
        scene.link(id, &address(99), false);
        assert_eq!(adopt(scene), [Verdict::NoPlayer]);
        assert!(is_open(scene));
    });
}

#[test]
fn over_the_whole_history_the_search_goes_on_below_blocks_that_are_known() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 5);
        backup(scene);
        scene.settle();
        scene.send();
        fall_back(scene);
        // Somebody insists on going on, and the hole is noted anew, as if what is signed since were older than it.
        scene.change_user(id, |user| user.eligibility = Eligibility::Held);
        resume(scene);
        scene.fund(7 * BAN);
        scene.send_for(10);
        scene.write(|tx, _| tx.batch_execute("UPDATE faucet_hole SET reach_attempt = 1000"));
        let rehearse =
            |is_whole_history| verdicts(adopt_with(scene, How { is_dry_run: true, is_whole_history }));
        assert_eq!(rehearse(false), []);
        assert_eq!(adopted(&rehearse(true)[0]), (id, 5, "0.50000000".to_owned()));
    });
}
