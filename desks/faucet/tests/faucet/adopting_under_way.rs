//! After a restore: what the journal brings back and no node has is on record before payouts go on, and then ends as it ends
//! (docs/spec/faucet.md 3.14).

use bursar_access::{Actor, By};
use bursar_devnet_banano::{Command, Fault, Misbehaviour};
use bursar_faucet::adoption::MARK;
use bursar_faucet::record::PAYOUTS;
use bursar_payouts::{Afterwards, IntentId, Resolution};

use crate::adopting::{adopt, adopted, at_rest, is_open, matched_with, resume};
use crate::restoring::{backup, restore};
use crate::scene::{BAN, Scene, on_each_engine, recorder};

/// A payment of 75 kills was signed after the backup and reached no node; the journal has brought it back, and an operator
/// has matched the wallet. Its payout had the second number of those that are given since, as they go back with a restore.
fn unsent(scene: &mut Scene, folder: &tempfile::TempDir) -> i64 {
    scene.keep_journal(folder);
    scene.funded(100 * BAN);
    let id = scene.player(0);
    scene.earn(id, 75);
    backup(scene);
    let before = scene.write(|tx, _| tx.allocate(PAYOUTS, 1));
    scene.settle();
    let action = Some("process".to_owned());
    scene.command(Command::Fault(Fault { action, misbehaviour: Misbehaviour::DropRequest, times: 99 }));
    scene.send_for(5);
    assert_eq!((scene.sends(), scene.payouts_of(id)[0].state.word()), (0, "signed"));
    scene.command(Command::ClearFaults);
    restore(scene);
    let sql = "UPDATE store_sequences SET next = $1 WHERE name = 'faucet.payout'";
    scene.write(|tx, _| tx.execute(sql, &[before.into()]));
    scene.restart(|_| {});
    matched_with(scene, false);
    scene.send_for(6);
    assert!(is_open(scene) && scene.sends() == 0, "a halted desk sends nothing");
    id
}

#[test]
fn it_reserves_its_kills_and_pays_them_once_payouts_go_on() {
    on_each_engine(|scene| {
        let folder = tempfile::tempdir().unwrap();
        let id = unsent(scene, &folder);
        assert_eq!(adopted(&adopt(scene)[0]), (id, 75, "7.50000000".to_owned()));
        let payout = &scene.payouts_of(id)[0];
        assert_eq!((payout.state.word(), payout.error_detail.as_deref()), ("signed", Some(MARK)));
        assert_eq!(scene.accruals(id), [(75, "reserved".to_owned())]);
        assert!(!is_open(scene) && adopt(scene).is_empty());
        scene.check();

        resume(scene);
        assert_eq!(scene.settle().payouts, 0);
        scene.send();
        assert_eq!((scene.sends(), scene.paid(1)), (1, 750 * BAN / 100));
        let payout = &scene.payouts_of(id)[0];
        assert_eq!((payout.state.word(), payout.error_detail.as_deref()), ("confirmed", Some(MARK)));
        assert_eq!(scene.accruals(id), [(75, "settled".to_owned())]);
        at_rest(scene);
    });
}

#[test]
fn if_it_is_given_up_its_kills_are_open_again_and_paid_once() {
    on_each_engine(|scene| {
        let folder = tempfile::tempdir().unwrap();
        let id = unsent(scene, &folder);
        assert!(adopt(scene)[0].is_settled());
        let intent = IntentId(scene.payouts_of(id)[0].intent.unwrap());
        resume(scene);
        let action = Some("process".to_owned());
        scene.command(Command::Fault(Fault { action, misbehaviour: Misbehaviour::DropRequest, times: 99 }));
        scene.send_for(5);
        let root = Actor::cli("root");
        let free = Resolution::FreeSlot { then: Afterwards::Fail };
        let done = scene.write(|tx, now| {
            let (by, recorder) = (By::new(&root, now), recorder("test.resolve"));
            scene.payouts.resolve(tx, &by, intent, &free, &recorder)
        });
        done.unwrap();
        scene.command(Command::ClearFaults);
        scene.send();
        assert_eq!((scene.payouts_of(id)[0].state.word(), scene.paid(1)), ("failed", 0));
        assert_eq!(scene.accruals(id), [(75, "open".to_owned())]);
        at_rest(scene);

        // The very same order as the lost one, which has failed, is not taken for a new one.
        let settled = scene.settle();
        assert_eq!((settled.payouts, settled.refused), (0, 0));
        assert_eq!(scene.settle().payouts, 1);
        scene.send();
        assert_eq!(scene.paid(1), 750 * BAN / 100);
        at_rest(scene);
    });
}

/// Somebody insists on going on, and the very same order is given again.
fn insisted(scene: &Scene) {
    scene.write(|tx, _| tx.allocate(PAYOUTS, 1));
    resume(scene);
}

#[test]
fn the_same_order_given_again_is_it_while_it_is_under_way() {
    on_each_engine(|scene| {
        let folder = tempfile::tempdir().unwrap();
        let id = unsent(scene, &folder);
        insisted(scene);
        assert_eq!(scene.settle().payouts, 1);
        assert_eq!(scene.accruals(id), [(75, "reserved".to_owned())]);
        scene.send();
        assert_eq!((scene.sends(), scene.paid(1)), (1, 750 * BAN / 100));
        assert_eq!(adopt(scene), []);
        at_rest(scene);
    });
}

#[test]
fn the_same_order_given_again_is_it_once_it_is_final() {
    on_each_engine(|scene| {
        let folder = tempfile::tempdir().unwrap();
        let id = unsent(scene, &folder);
        insisted(scene);
        scene.send();
        assert_eq!((scene.sends(), scene.settle().payouts), (1, 1));
        assert_eq!(scene.accruals(id), [(75, "settled".to_owned())]);
        scene.send();
        assert_eq!((scene.sends(), scene.paid(1)), (1, 750 * BAN / 100));
        assert_eq!(adopt(scene), []);
        at_rest(scene);
    });
}
