//! Whatever a node does, each intent is paid once, and the chain's history is what the book says.

use bursar_control::ConfigTable;
use bursar_devnet_banano::{Command, Misbehaviour};
use bursar_money::{Amount, Balance};
use bursar_payouts::{Turn, WalletStanding};
use bursar_store::StoreError;
use bursar_store::fault::{Injected, Step};

use crate::scene::{HALTED, Scene, TREASURY, on_each_engine, payee};

/// Codes of states in the table.
const ACCEPTED: i64 = 0;
const SIGNED: i64 = 2;
const BROADCAST: i64 = 3;
const FINAL: i64 = 4;

fn standing(scene: &Scene) -> WalletStanding {
    scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap().standing
}

#[test]
fn what_is_owed_is_paid_booked_and_told() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        scene.order("b", &payee(2), 30).unwrap();
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1), scene.paid(2)), (vec![FINAL, FINAL], 100, 30));
        let treasury = Balance::Credit(Amount::new(TREASURY - 130));
        assert_eq!(scene.account("faucet/treasury"), (treasury, 0));
        assert_eq!(scene.account("payouts/hot").0, Balance::between(Amount::ZERO, Amount::new(870)));
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::Credit(Amount::new(1_000)));
        let one = ["accepted>signed", "signed>broadcast", "broadcast>final"];
        assert_eq!(scene.heard(), [one, one].concat());
        let told = ["payout.signed", "payout.broadcast", "payout.final"];
        assert_eq!(scene.events(), [&["payout.accepted"; 2][..], &told, &told].concat());
        scene.check();
    });
}

#[test]
fn nothing_a_node_does_to_one_answer_pays_twice_or_never() {
    let misbehaviours = [
        Misbehaviour::Delay(20_000),
        Misbehaviour::DropAnswer,
        Misbehaviour::DropRequest,
        Misbehaviour::Silence,
        Misbehaviour::Status(500),
        Misbehaviour::StatusAfterDoing(502),
        Misbehaviour::Refuse("Old block".to_owned()),
        Misbehaviour::Refuse("Fork".to_owned()),
        Misbehaviour::Refuse("Gap previous block".to_owned()),
        Misbehaviour::Refuse("Block not found".to_owned()),
        Misbehaviour::Garbage,
        Misbehaviour::Oversized,
    ];
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(10_000);
        let mut owed = 0;
        for misbehaviour in &misbehaviours {
            for action in ["process", "block_info", "account_info", "block_confirm"] {
                for times in [1, 3] {
                    owed += 1;
                    scene.misbehave(action, misbehaviour.clone(), times);
                    scene.order(&format!("k{owed}"), &payee(1), 1).unwrap();
                    scene.run(&sender, &lease);
                    scene.command(Command::ClearFaults);
                    scene.run(&sender, &lease);
                    assert_eq!(scene.paid(1), owed, "{action} {misbehaviour:?}");
                }
            }
        }
        assert_eq!(scene.sends().len(), usize::try_from(owed).unwrap());
        assert_eq!(
            scene.count("SELECT COUNT(*) FROM payout_attempt WHERE kind = 0"),
            i64::try_from(owed).unwrap()
        );
        scene.check();
    });
}

#[test]
fn a_node_that_forgets_is_given_the_same_bytes_again() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.command(Command::ConfirmationLag(None));
        scene.order("a", &payee(1), 100).unwrap();
        scene.run_for(&sender, &lease, 3);
        assert_eq!(scene.states(), [BROADCAST]);
        for _ in 0..3 {
            scene.command(Command::ForgetUnconfirmed);
            assert_eq!(scene.paid(1), 0);
            scene.run_for(&sender, &lease, 3);
            assert_eq!(scene.paid(1), 100);
        }
        scene.command(Command::ConfirmationLag(Some(0)));
        scene.run(&sender, &lease);
        assert_eq!(scene.states(), [FINAL]);
        let sent = scene.watching.broadcasts.lock().clone();
        assert!(sent.len() > 4 && sent[1..].iter().all(|id| *id == sent[1]), "{sent:?}");
        scene.check();
    });
}

#[test]
fn a_payment_that_reaches_no_node_waits_once_and_then_twice_as_long() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.misbehave("process", Misbehaviour::DropRequest, 2);
        scene.order("a", &payee(1), 100).unwrap();
        let mut waits_ms = Vec::new();
        while scene.paid(1) == 0 {
            if let Turn::Idle { until: Some(until) } = sender.turn(&lease).unwrap() {
                waits_ms.push(until.ms() - scene.test.now().ms());
                scene.pass(until);
            }
        }
        assert_eq!(waits_ms.len(), 2);
        assert!((500..1_500).contains(&waits_ms[0]), "{waits_ms:?}");
        assert!((1_000..3_000).contains(&waits_ms[1]), "{waits_ms:?}");
        assert_eq!(*scene.heard.1.lock(), waits_ms, "the desk is told of each");
        scene.check();
    });
}

#[test]
fn a_slow_network_delays_the_next_payment_and_doubles_none() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.command(Command::ConfirmationLag(Some(30_000)));
        for name in ["a", "b", "c"] {
            scene.order(name, &payee(1), 10).unwrap();
        }
        scene.run_for(&sender, &lease, 2);
        assert_eq!(scene.states(), [BROADCAST, ACCEPTED, ACCEPTED]);
        scene.run_for(&sender, &lease, 200);
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL; 3], 30));
        scene.check();
    });
}

#[test]
fn a_node_that_lies_about_balances_stops_nothing_for_good_and_loses_nothing() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        for lie in [-50, 50] {
            scene.command(Command::LieAboutBalances(lie));
            scene.run_for(&sender, &lease, 10);
            assert_eq!((scene.states(), scene.sends().len()), (vec![ACCEPTED], 0));
        }
        scene.command(Command::LieAboutBalances(0));
        scene.run(&sender, &lease);
        assert_eq!(
            (scene.states(), scene.paid(1), standing(scene)),
            (vec![FINAL], 100, WalletStanding::Running)
        );
        scene.check();
    });
}

#[test]
fn a_node_that_shows_an_old_state_is_waited_for() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        // A node of the same network that has not heard of anything since.
        let old = scene.copy_of_node();
        scene.order("a", &payee(1), 100).unwrap();
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL], 100));
        scene.order("b", &payee(1), 50).unwrap();
        let waits = scene.run_for(&scene.sender_of(&scene.asking(&old)), &lease, 10);
        assert!(waits.iter().all(|why| why.contains("do not show")) && !waits.is_empty(), "{waits:?}");
        assert_eq!((scene.states(), standing(scene)), (vec![FINAL, ACCEPTED], WalletStanding::Running));
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL, FINAL], 150));
        scene.check();
    });
}

#[test]
fn a_stop_binds_the_next_signature_and_the_next_broadcast() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        scene.set_switch(ConfigTable::FAUCET, HALTED, true);
        scene.run_for(&sender, &lease, 10);
        assert_eq!((scene.states(), scene.sends().len()), (vec![ACCEPTED], 0));
        scene.set_switch(ConfigTable::FAUCET, HALTED, false);
        scene.misbehave("process", Misbehaviour::DropRequest, 1);
        scene.pass(scene.test.now().after_ms(10_000));
        sender.turn(&lease).unwrap();
        let sent = scene.watching.broadcasts.lock().len();
        assert_eq!((scene.states(), scene.paid(1)), (vec![BROADCAST], 0));
        scene.set_switch(ConfigTable::FAUCET, HALTED, true);
        scene.run_for(&sender, &lease, 20);
        assert_eq!((scene.watching.broadcasts.lock().len(), scene.paid(1)), (sent, 0));
        scene.set_switch(ConfigTable::FAUCET, HALTED, false);
        scene.run(&sender, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL], 100));
        scene.check();
    });
}

#[test]
fn a_stop_does_not_keep_us_from_hearing_that_a_payment_is_final() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.command(Command::ConfirmationLag(None));
        scene.order("a", &payee(1), 100).unwrap();
        sender.turn(&lease).unwrap();
        scene.set_switch(ConfigTable::FAUCET, HALTED, true);
        scene.command(Command::ConfirmAll);
        scene.run(&sender, &lease);
        assert_eq!(scene.states(), [FINAL]);
        scene.check();
    });
}

#[test]
fn of_two_senders_only_the_one_with_the_lease_writes() {
    on_each_engine(|scene| {
        let (one, first) = scene.funded(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        scene.test.advance_ms(2_000);
        let two = scene.sender_of(&scene.restarted());
        let second = scene.lease("two").unwrap();
        let refused = one.turn(&first);
        assert!(matches!(refused, Err(StoreError::LeaseLost(_))), "{refused:?}");
        assert_eq!((scene.states(), scene.sends().len()), (vec![ACCEPTED], 0));
        scene.run(&two, &second);
        for _ in 0..3 {
            let _ = one.turn(&first);
        }
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL], 100));
        scene.check();
    });
}

#[test]
fn senders_that_take_each_others_lease_all_the_time_pay_each_intent_once() {
    on_each_engine(|scene| {
        scene.funded(1_000);
        let names: Vec<String> = (0..12).map(|n| format!("k{n}")).collect();
        for name in &names {
            scene.order(name, &payee(1), 10).unwrap();
        }
        let senders = [scene.sender(), scene.sender_of(&scene.restarted())];
        let mut leases = [None, None];
        scene.misbehave("process", Misbehaviour::DropAnswer, 6);
        for round in 0..200 {
            let turn = round % 2;
            if round % 3 == 0 {
                scene.pass(scene.test.now().after_ms(1_001));
                leases[turn] = scene.lease(["one", "two"][turn]).or(leases[turn].clone());
            }
            scene.pass(scene.test.now().after_ms(100));
            for which in [turn, 1 - turn] {
                if let Some(lease) = &leases[which] {
                    let _ = senders[which].turn(lease);
                }
            }
        }
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL; 12], 120));
        scene.check();
    });
}

#[test]
fn a_commit_whose_answer_is_lost_is_looked_up_and_nothing_is_signed_twice() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        for (number, unit) in ["payouts.sign", "payouts.conclude", "payouts.count"].into_iter().enumerate() {
            if unit == "payouts.count" {
                scene.misbehave("process", Misbehaviour::DropRequest, 1);
            }
            scene.faults.plan(unit, Step::Committed, Injected::AnswerLost);
            scene.order(&format!("k{number}"), &payee(1), 10).unwrap();
            scene.run(&sender, &lease);
            assert_eq!(scene.faults.left(), 0, "{unit}");
        }
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL; 3], 30));
        assert_eq!(scene.count("SELECT COUNT(*) FROM payout_attempt WHERE kind = 0"), 3);
        scene.check();
    });
}

#[test]
fn an_outflow_that_nothing_of_ours_explains_stops_the_wallet() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.steal(400);
        scene.order("a", &payee(1), 100).unwrap();
        scene.run_for(&sender, &lease, 20);
        assert_eq!((scene.states(), standing(scene)), (vec![ACCEPTED], WalletStanding::Stopped));
        assert_eq!(scene.sends().len(), 1);
        let sql = "SELECT COUNT(*) FROM audit_events WHERE event = 'payout.wallet_stopped' AND level = 2";
        assert_eq!(scene.count(sql), 1);
    });
}

#[test]
fn an_empty_wallet_accepts_what_comes_in_and_then_pays() {
    on_each_engine(|scene| {
        let (sender, lease) = (scene.sender(), scene.lease("one").unwrap());
        scene.order("a", &payee(1), 100).unwrap();
        let waits = scene.run_for(&sender, &lease, 4);
        assert!(waits[0].contains("send something to it first"), "{waits:?}");
        scene.fund(60);
        scene.run_for(&sender, &lease, 6);
        assert_eq!(scene.states(), [ACCEPTED]);
        scene.fund(60);
        scene.run_for(&sender, &lease, 20);
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL], 100));
        assert_eq!(scene.account("payouts/hot/suspense").0, Balance::Credit(Amount::new(120)));
        scene.check();
    });
}

#[test]
fn an_attempt_that_is_signed_and_never_left_is_sent_by_whoever_comes_next() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        scene.faults.plan("payouts.signed", Step::Begin, Injected::ConnectionLost);
        assert!(sender.turn(&lease).is_err());
        assert_eq!((scene.states(), scene.paid(1)), (vec![SIGNED], 0));
        let next = scene.sender_of(&scene.restarted());
        scene.run(&next, &lease);
        assert_eq!((scene.states(), scene.paid(1)), (vec![FINAL], 100));
        assert_eq!(scene.count("SELECT COUNT(*) FROM payout_attempt WHERE kind = 0"), 1);
        scene.check();
    });
}

#[test]
fn waiting_turns_ask_nobody_until_their_time() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        scene.misbehave("account_info", Misbehaviour::Status(503), 1);
        let Turn::Waiting { until, .. } = sender.turn(&lease).unwrap() else { panic!() };
        assert!((500..1_500).contains(&(until.ms() - scene.test.now().ms())));
        assert!(matches!(sender.turn(&lease).unwrap(), Turn::Waiting { .. }));
        scene.pass(until);
        assert_eq!(sender.turn(&lease).unwrap(), Turn::Worked);
        assert_eq!(scene.states(), [FINAL]);
    });
}

#[test]
fn a_destination_that_nobody_can_be_paid_at_fails_before_anything_is_signed() {
    on_each_engine(|scene| {
        let (sender, lease) = scene.funded(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        scene.write(|tx, _| tx.batch_execute("UPDATE payout_intent SET destination = 'ban_nobody'"));
        scene.run(&sender, &lease);
        assert_eq!((scene.heard(), scene.sends().len()), (vec!["accepted>failed".to_owned()], 0));
        assert_eq!(scene.account("faucet/treasury"), (Balance::Credit(Amount::new(TREASURY)), 0));
    });
}
