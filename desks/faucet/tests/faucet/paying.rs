//! Payouts follow their intents: margins, top-ups, failures, lost answers (docs/spec/faucet.md 3.5, 3.6).

use bursar_audit::Actor;
use bursar_devnet_banano::{Command, Fault, Misbehaviour};
use bursar_faucet::switches::PAYOUTS_HALTED;
use bursar_payouts::IntentId;

use crate::scene::{BAN, MINUTE_MS, Scene, on_each_engine, recorder};

fn last_state(scene: &Scene, id: i64) -> String {
    scene.payouts_of(id).last().unwrap().state.word().to_owned()
}

#[test]
fn f37_a_payout_of_7_50_is_sent_from_8_25_and_held_at_one_e8_less() {
    for (balance, state, sends) in
        [(825 * BAN / 100, "confirmed", 1), (825 * BAN / 100 - BAN / 100_000_000, "held", 0)]
    {
        on_each_engine(|scene| {
            scene.funded(balance);
            let id = scene.player(0);
            scene.earn(id, 75);
            scene.settle();
            scene.send();
            assert_eq!((last_state(scene, id).as_str(), scene.sends()), (state, sends));
            let failed = scene.metric("payout_attempts_total{result=\"failed\"}");
            assert_eq!(failed.as_deref(), Some(if sends == 1 { "0" } else { "1" }));
            scene.check();
        });
    }
}

#[test]
fn f39_a_top_up_resumes_what_was_held_in_the_next_cycle() {
    on_each_engine(|scene| {
        scene.funded(8 * BAN);
        let id = scene.player(0);
        scene.earn(id, 75);
        scene.settle();
        scene.send();
        assert_eq!(last_state(scene, id), "held");
        assert_eq!(scene.payouts_of(id)[0].error_detail.as_deref(), Some("insufficient_balance"));
        assert_eq!(scene.settle().resumed, 0, "still short");
        scene.fund(BAN);
        scene.pass(2 * MINUTE_MS);
        scene.send();
        assert_eq!(last_state(scene, id), "held", "only a cycle resumes it");
        assert_eq!(scene.settle().resumed, 1);
        scene.send();
        assert_eq!((last_state(scene, id).as_str(), scene.sends()), ("confirmed", 1));
        assert_eq!(scene.payouts_of(id)[0].error_detail, None);
        scene.check();
    });
}

#[test]
fn a_payout_that_fails_before_a_signature_opens_its_accruals_and_they_are_paid_once() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 5);
        scene.settle();
        let intent = IntentId(scene.payouts_of(id)[0].intent.unwrap());
        let by = Actor::system("test");
        let cancel = |scene: &Scene| {
            scene.write(|tx, now| {
                scene.payouts.cancel(tx, intent, &by, "drill", &recorder("test.cancel"), now)
            })
        };
        cancel(scene).unwrap();
        assert_eq!(scene.accruals(id), [(5, "open".to_owned())]);
        assert_eq!(last_state(scene, id), "failed");
        scene.check();
        assert!(cancel(scene).is_err(), "told once");
        scene.settle();
        scene.send();
        assert_eq!((scene.payouts_of(id).len(), scene.sends(), scene.paid(1)), (2, 1, BAN / 2));
        scene.check();
    });
}

#[test]
fn example_e14_an_answer_that_is_lost_after_the_node_accepted_is_one_send() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 5);
        scene.settle();
        let action = Some("process".to_owned());
        scene.command(Command::Fault(Fault { action, misbehaviour: Misbehaviour::DropAnswer, times: 2 }));
        scene.send();
        assert_eq!((last_state(scene, id).as_str(), scene.sends()), ("confirmed", 1));
        assert_eq!(scene.payouts_of(id)[0].attempt_count, 1);
        assert_eq!(scene.metric("payout_attempts_total{result=\"success\"}").as_deref(), Some("1"));
        scene.check();
    });
}

#[test]
fn example_e14_a_process_that_dies_after_sending_records_it_when_it_starts_again() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 5);
        scene.settle();
        scene.command(Command::ConfirmationLag(None));
        scene.send_for(6);
        assert_eq!((last_state(scene, id).as_str(), scene.sends()), ("published", 1));
        assert_eq!(scene.payouts_of(id)[0].state.public().word(), "sent", "a node shows its block");
        scene.restart(|_| {});
        scene.command(Command::ConfirmAll);
        scene.send();
        scene.settle();
        scene.send();
        assert_eq!((last_state(scene, id).as_str(), scene.sends(), scene.paid(1)), ("confirmed", 1, BAN / 2));
        scene.check();
    });
}

#[test]
fn a_payment_that_no_payout_here_is_for_halts_payouts_and_stops_nothing_else() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 5);
        scene.settle();
        // As after a restore: the intent is there, the payout that it was made for is another's.
        scene.write(|tx, _| tx.execute("UPDATE faucet_payout SET intent = 999", &[]));
        scene.send();
        assert_eq!(scene.sends(), 0);
        let halted = scene.read(|tx| {
            let now = tx.reading()?;
            Ok(scene.faucet.mode(tx, now)?.payouts_halted)
        });
        assert!(halted);
        scene.set_switch(PAYOUTS_HALTED, false);
        scene.send();
        assert_eq!(scene.sends(), 1);
    });
}
