//! What a live faucet pays: exactly, once, and counted.

use std::path::Path;
use std::time::{Duration, Instant};

use bursar_devnet_banano::{Command, Misbehaviour};
use serde_json::json;

use crate::harness::faucet::{Player, RAW_PER_E8};
use crate::harness::{LiveFaucet, Place, Setup, Webhook};

/// Two players who are owed 0.7 and 0.5 BAN.
fn two_players(faucet: &LiveFaucet) -> [Player; 2] {
    [(1, 7), (2, 5)].map(|(number, kills)| {
        let player = faucet.player(number, 0);
        faucet.outside.stats.grow_kills(&player.epic, kills);
        player
    })
}

fn attempts(faucet: &LiveFaucet) -> (f64, f64) {
    let of = |result: &str| faucet.metric(&format!("payout_attempts_total{{result=\"{result}\"}}"));
    (of("success"), of("failed"))
}

#[test]
fn f7_17_kills_at_a_rate_of_0_06147500_are_1_04507500_ban_from_the_rate_to_the_chain() {
    for place in [Place::sqlite(), Place::postgres()] {
        let faucet = LiveFaucet::start(&place);
        // Nothing was paid yet, so sustainability doubles the base.
        faucet.terms(&json!({"ban_per_kill": "0.0307375"}));
        let player = faucet.player(1, 1_208);
        faucet.outside.stats.grow_kills(&player.epic, 17);
        faucet.pass_ms(60_000);
        assert_eq!(faucet.accruals(&player)[0]["amount_ban"], "1.04507500");
        let payout = faucet.payouts(&player)[0].clone();
        assert_eq!((&payout["amount_ban"], &payout["status"]), (&json!("1.04507500"), &json!("sent")));
        let stored =
            ["SELECT rate_e8 FROM faucet_reward_accrual", "SELECT amount_e8 FROM faucet_reward_accrual"];
        assert_eq!(stored.map(|sql| faucet.stored(&place, sql)), [6_147_500, 104_507_500]);
        assert_eq!(faucet.stored(&place, "SELECT amount_e8 FROM faucet_payout"), 104_507_500);
        let sends = faucet.outside.sends();
        assert_eq!((sends.len(), sends[0].raw), (1, 104_507_500 * RAW_PER_E8));
        assert_eq!(sends[0].to, player.address);
    }
}

#[test]
fn f8_settlements_at_the_same_time_pay_each_set_of_accruals_once() {
    for place in [Place::sqlite(), Place::postgres()] {
        let faucet = LiveFaucet::start(&place);
        let players = two_players(&faucet);
        faucet.switch("payouts_halted", "on");
        faucet.cycle();
        faucet.switch("payouts_halted", "off");
        let cookie = faucet.admin();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let path = "/admin/scheduler/settle";
                    faucet.server.post_with(path, &[("cookie", &cookie)], "{}").expect(200)
                });
            }
        });
        faucet.cycle();
        assert_eq!(faucet.outside.paid_e8(&players[0]), [70_000_000]);
        assert_eq!(faucet.outside.paid_e8(&players[1]), [50_000_000]);
        assert_eq!(attempts(&faucet), (2.0, 0.0));
    }
}

/// Arms a failpoint and waits until the server stands there, after `act`.
fn stand_at(folder: &Path, place: &str, act: impl FnOnce()) {
    std::fs::write(folder.join(place), "").unwrap();
    act();
    let (held, patience) = (folder.join(format!("{place}.held")), Instant::now() + Duration::from_secs(30));
    while !held.exists() {
        assert!(Instant::now() < patience, "nobody came by {place}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The server is killed after a node took a block and before that is recorded, and started again.
fn die_between_publishing_and_recording(place: &Place) {
    let points = place.folder().join("failpoints");
    std::fs::create_dir(&points).unwrap();
    let on_real_time =
        |setup: Setup| setup.without("BURSAR_CLOCK").env("BURSAR_FAILPOINTS", points.to_str().unwrap());
    let faucet = LiveFaucet::start_with(place, 99, on_real_time);
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    stand_at(&points, "payouts.broadcast.committed", || drop(faucet.trigger()));
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000], "published");
    assert_ne!(faucet.payouts(&player)[0]["status"], "sent", "and not recorded");
    std::fs::remove_file(points.join("payouts.broadcast.committed.held")).unwrap_or_default();
    let faucet = faucet.restart();
    let is_settled = || faucet.accruals(&player)[0]["settled"] == true;
    faucet.wait_until("the record", is_settled);
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
    let payouts = faucet.payouts(&player);
    assert_eq!((payouts.len(), &payouts[0]["status"]), (1, &json!("sent")));
    assert_eq!(payouts[0]["tx_hash"], faucet.outside.sends()[0].hash.as_str());
    assert_eq!(attempts(&faucet), (1.0, 0.0));
}

#[test]
fn f8_a_crash_between_publishing_and_recording_pays_once() {
    die_between_publishing_and_recording(&Place::postgres());
}

#[test]
fn example_e14_a_process_that_dies_between_publishing_and_recording_is_one_send_and_one_success() {
    die_between_publishing_and_recording(&Place::sqlite());
}

#[test]
fn example_e14_an_answer_lost_after_the_node_accepted_is_one_send_and_one_success_also_when_the_block_is_old()
{
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.outside.node_fault("process", Misbehaviour::DropAnswer, 1);
    // Nor is it known at once: the same block goes out again, and the node calls it old.
    faucet.outside.node_fault("block_info", Misbehaviour::Status(500), 1);
    faucet.cycle();
    faucet.cycle();
    let sends = faucet.outside.sends();
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
    let payouts = faucet.payouts(&player);
    assert_eq!(payouts.len(), 1);
    assert_eq!((&payouts[0]["status"], &payouts[0]["tx_hash"]), (&json!("sent"), &json!(sends[0].hash)));
    assert_eq!(faucet.accruals(&player)[0]["settled"], true);
    assert_eq!(attempts(&faucet), (1.0, 0.0));
    assert_eq!(faucet.metric("settlement_accruals_settled_total"), 1.0);
}

#[test]
fn f14_a_payout_of_7_5_ban_counts_below_10_and_not_below_5() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 75);
    faucet.pass_ms(60_000);
    assert_eq!(faucet.outside.paid_e8(&player), [750_000_000]);
    let up_to = |bound: &str| faucet.metric(&format!("payout_amount_ban_bucket{{le=\"{bound}\"}}"));
    assert_eq!([up_to("5"), up_to("10"), up_to("+Inf")], [0.0, 1.0, 1.0]);
    assert_eq!(faucet.metric("payout_amount_ban_sum"), 7.5);
}

#[test]
fn f16_a_payout_that_is_sent_is_a_success_and_each_time_the_node_refuses_one_is_a_failure() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let [first, second] = [1, 2].map(|number| faucet.player(number, 0));
    faucet.outside.stats.grow_kills(&first.epic, 75);
    faucet.pass_ms(60_000);
    assert_eq!(attempts(&faucet), (1.0, 0.0));
    faucet.outside.node_fault("process", Misbehaviour::Refuse("Bad signature".to_owned()), 2);
    faucet.outside.stats.grow_kills(&second.epic, 75);
    faucet.pass_ms(60_000);
    assert_eq!(attempts(&faucet), (2.0, 2.0));
    assert_eq!(faucet.outside.paid_e8(&second), [750_000_000]);
    assert_eq!(faucet.metric("faucet_payout_ambiguous_total"), 0.0, "the node told");
}

#[test]
fn an_attempt_of_which_nobody_knows_whether_it_was_taken_is_no_failure() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.outside.node_fault("process", Misbehaviour::DropRequest, 1);
    faucet.pass_ms(60_000);
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
    assert_eq!(attempts(&faucet), (1.0, 0.0));
    assert_eq!(faucet.metric("faucet_payout_ambiguous_total"), 1.0);
}

#[test]
fn f17_two_retries_are_two_waits_of_together_1_5_to_4_5_seconds() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    assert_eq!(faucet.metric("payout_retry_latency_seconds_count"), 0.0);
    faucet.outside.node_fault("process", Misbehaviour::DropRequest, 2);
    faucet.cycle();
    faucet.cycle();
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
    assert_eq!(faucet.metric("payout_retry_latency_seconds_count"), 2.0);
    let sum = faucet.metric("payout_retry_latency_seconds_sum");
    assert!((1.5..=4.5).contains(&sum), "{sum}");
}

#[test]
fn a_payout_is_sent_once_a_node_shows_its_block_and_settled_once_that_is_final() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.outside.node.command(Command::ConfirmationLag(None)).unwrap();
    faucet.cycle();
    faucet.cycle();
    assert_eq!(faucet.payouts(&player)[0]["status"], "sent");
    assert_eq!(faucet.accruals(&player)[0]["settled"], false);
    assert_eq!(attempts(&faucet), (0.0, 0.0));
    faucet.outside.node.command(Command::ConfirmAll).unwrap();
    faucet.pass_ms(10_000);
    assert_eq!(faucet.payouts(&player)[0]["status"], "sent");
    assert_eq!(faucet.accruals(&player)[0]["settled"], true);
    assert_eq!(attempts(&faucet), (1.0, 0.0));
}

#[test]
fn a_peer_is_asked_for_work_and_this_machine_computes_it_when_the_peer_has_none() {
    let (place, peer) = (Place::sqlite(), Webhook::start());
    let faucet =
        LiveFaucet::start_with(&place, 100, |setup| setup.env("BURSAR_BANANO_WORK_PEERS", &peer.url()));
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.pass_ms(60_000);
    assert_eq!(faucet.outside.sends().len(), 1);
    let asked = peer.received();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|request| request.json()["action"] == "work_generate"), "and nothing else");
}
