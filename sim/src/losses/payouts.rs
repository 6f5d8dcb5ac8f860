//! Payouts that others made twice, or could not stop.

use std::sync::Arc;

use super::pay_scene::PayScene;
use crate::chain::Family;
use crate::workload::Workload;

#[test]
fn a_payout_that_was_broadcast_and_then_not_saved_is_sent_once_and_not_up_to_ten_times() {
    for family in Family::ALL {
        let scene = PayScene::new(family);
        scene.lose_answers_for(120_000);
        scene.owe("order", 300);
        for _ in 0..10 {
            scene.pass(12_000);
            scene.world.machine_crash(None);
        }
        scene.ends_well();
        assert_eq!(scene.payments(), [300]);
    }
}

#[test]
fn a_look_up_that_fails_is_not_read_as_not_sent_and_nothing_is_signed_for_a_fresh_slot() {
    for family in Family::ALL {
        let scene = PayScene::new(family);
        scene.owe("order", 300);
        scene.lose_answers_for(900_000);
        scene.pass(850_000);
        assert!(scene.attempts() <= 1, "{} attempts while nobody answers", scene.attempts());
        scene.ends_well();
        assert_eq!(scene.payments(), [300]);
    }
}

#[test]
fn a_payment_that_the_network_lost_keeps_its_slot_and_does_not_jam_those_behind_it() {
    for family in Family::ALL {
        let scene = PayScene::new(family);
        scene.pass(60_000);
        scene.accept("one", 300);
        scene.accept("two", 400);
        scene.accept("three", 500);
        scene.pass_until_signed(1);
        for _ in 0..10 {
            scene.lose_what_is_open();
            assert_eq!(scene.payments(), []);
            scene.pass(100);
        }
        scene.ends_well();
        let mut payments = scene.payments();
        payments.sort_unstable();
        assert_eq!(payments, [300, 400, 500]);
    }
}

#[test]
fn a_slot_whose_payment_is_given_up_is_filled_and_not_skipped() {
    let scene = PayScene::new(Family::Ordered);
    scene.pass(60_000);
    scene.accept("one", 300);
    scene.pass_until_signed(1);
    scene.lose_what_is_open();
    assert_eq!(scene.payments(), []);
    scene.give_up_under_way();
    scene.owe("two", 400);
    scene.owe("three", 500);
    scene.ends_well();
    assert_eq!(scene.payments(), [400, 500]);
}

#[test]
fn what_the_chain_took_for_a_payment_that_somebody_calls_paid_is_booked_with_it() {
    let scene = PayScene::new(Family::Expiring);
    scene.pass(60_000);
    scene.accept("order", 300);
    scene.pass_until_signed(1);
    scene.lose_answers_for(300_000);
    scene.pass(20_000);
    assert_eq!(scene.payments(), [300]);
    scene.call_paid();
    assert_eq!(scene.room.open_intents(), Vec::<i64>::new());
    scene.ends_well();
}

#[test]
fn an_order_that_is_given_again_on_day_two_is_known_and_pays_nothing_more() {
    let scene = PayScene::new(Family::Ordered);
    scene.owe("order", 300);
    scene.pass(60_000);
    assert_eq!(scene.payments(), [300]);
    scene.sleep(30 * 3_600_000);
    scene.owe("order", 300);
    scene.ends_well();
    assert_eq!(scene.payments(), [300]);
}

#[test]
fn old_withdrawals_are_not_sent_again_by_a_server_that_was_stopped_and_upgraded() {
    let scene = PayScene::new(Family::Ordered);
    scene.owe("one", 300);
    scene.owe("two", 400);
    scene.pass(60_000);
    scene.world.maintain();
    scene.owe("one", 300);
    scene.ends_well();
    assert_eq!(scene.payments(), [300, 400]);
}

#[test]
fn a_pause_at_the_front_door_only_signs_nothing_that_was_accepted_before_it() {
    let scene = PayScene::new(Family::Ordered);
    scene.pass(60_000);
    scene.owe("order", 300);
    scene.stop();
    scene.pass(600_000);
    assert_eq!(scene.payments(), []);
    Arc::clone(&scene.room).put_right(&scene.world);
    scene.ends_well();
    assert_eq!(scene.payments(), [300]);
}

#[test]
fn a_restore_does_not_pay_again_what_was_paid_since_the_backup() {
    let scene = PayScene::new(Family::Ordered);
    scene.pass(60_000);
    scene.world.back_up();
    scene.owe("order", 300);
    scene.pass(60_000);
    assert_eq!(scene.payments(), [300]);
    scene.world.restore();
    scene.owe("order", 300);
    scene.pass(600_000);
    scene.ends_well();
    assert_eq!(scene.payments(), [300]);
}

#[test]
fn what_was_paid_since_the_backup_cannot_be_taken_back_before_the_wallet_knows_of_it() {
    let scene = PayScene::new(Family::Ordered);
    scene.pass(60_000);
    scene.accept("order", 300);
    assert_eq!(scene.attempts(), 0);
    scene.world.back_up();
    scene.pass(60_000);
    assert_eq!(scene.payments(), [300]);
    scene.world.restore();
    scene.cancel_all();
    assert_eq!(
        scene.room.open_intents().len(),
        1,
        "it stays owed until the journal or a person says what became of it"
    );
    scene.ends_well();
    assert_eq!(scene.payments(), [300]);
}

#[test]
fn what_is_called_dead_in_a_database_that_was_put_back_alone_is_not_free_while_the_journal_knows_of_more() {
    let scene = PayScene::put_back_untold(Family::Expiring);
    scene.pass(60_000);
    scene.accept("order", 300);
    scene.pass_until_signed(1);
    scene.world.back_up();
    scene.free_slot();
    while scene.attempts() < 2 {
        scene.lose_what_is_open();
        scene.pass(100);
    }
    scene.pass(60_000);
    assert_eq!(scene.payments(), [300]);
    scene.world.restore();
    assert_eq!(scene.room.under_way().len(), 1);
    scene.call_dead();
    assert_eq!(scene.room.under_way().len(), 0, "it is dead, and was called so before a server was up");
    assert_eq!(scene.room.open_intents().len(), 1, "its money waits for what the journal says");
    scene.ends_well();
    assert_eq!(scene.payments(), [300]);
}
