//! The wallet that payouts leave from: its margin, and what is told of it.

use bursar_devnet_banano::Command;
use serde_json::{Value, json};

use crate::harness::faucet::{Outside, Player, RAW_PER_BAN, RAW_PER_E8};
use crate::harness::{LiveFaucet, Place, Setup, Tool};
use crate::scrapes::Scrapes;

const HOUR_MS: i64 = 3_600_000;
/// How often both cycles run here.
const INTERVAL_MS: i64 = 20 * 60_000;

/// Both cycles every 20 minutes, and payouts down to a balance of so many BAN.
fn with_floor(floor: &str) -> impl FnOnce(Setup) -> Setup {
    let floor = floor.to_owned();
    move |setup| setup.env("P2S_INTERVAL_SECONDS", "1200").env("P2S_MIN_OPERATOR_BALANCE_BAN", &floor)
}

/// Somebody earns so many kills, at 0.1 BAN each, and has waited for the cycle that pays them.
fn earn(faucet: &LiveFaucet, number: u32, kills: u64) -> Player {
    let player = faucet.player(number, 0);
    faucet.outside.stats.grow_kills(&player.epic, kills);
    faucet.trigger();
    faucet.pass_ms(10_000);
    player
}

/// A faucet whose wallet holds so many e8.
fn holding_e8(place: &Place, e8: u128, floor: &str) -> LiveFaucet {
    let outside = Outside::start();
    let setup = with_floor(floor)(outside.setup(place));
    assert_eq!(Tool::of(&setup).json(&["migrate", "up"])["ok"], true);
    outside.fund_e8(e8);
    let faucet = LiveFaucet::around(outside, setup.start());
    faucet.set_operator_seed();
    faucet.pass_ms(1_000);
    faucet.wait_until("the money", || faucet.outside.operator_balance() == e8 * RAW_PER_E8);
    faucet
}

#[test]
fn f37_7_50_ban_leave_a_wallet_of_8_25_and_not_one_that_lacks_1_e8_of_it() {
    for (holds_e8, paid_e8, status, failed) in
        [(825_000_000, vec![750_000_000], "sent", 0.0), (824_999_999, vec![], "pending", 1.0)]
    {
        let place = Place::sqlite();
        let faucet = holding_e8(&place, holds_e8, "1");
        let player = earn(&faucet, 1, 75);
        assert_eq!(faucet.outside.paid_e8(&player), paid_e8);
        assert_eq!(faucet.outside.sends().len(), paid_e8.len());
        let payout = &faucet.payouts(&player)[0];
        assert_eq!((&payout["amount_ban"], &payout["status"]), (&json!("7.50000000"), &json!(status)));
        assert_eq!(faucet.metric("payout_attempts_total{result=\"failed\"}"), failed);
    }
}

#[test]
fn f38_the_gauge_is_the_chains_balance_and_50_ban_less_1_e8_are_told_and_50_are_not() {
    for (holds_e8, is_told) in [(6_000_000_000, false), (5_999_999_999, true)] {
        let place = Place::sqlite();
        let faucet = holding_e8(&place, holds_e8, "50");
        earn(&faucet, 1, 100);
        assert_eq!(faucet.outside.operator_balance(), (holds_e8 - 1_000_000_000) * RAW_PER_E8);
        // Whoever begins a settlement looks; what is to be paid leaves once the clock moves.
        let player = faucet.player(2, 0);
        faucet.outside.stats.grow_kills(&player.epic, 1);
        faucet.trigger();
        let shown = if is_told { 49.999_999_99 } else { 50.0 };
        assert_eq!(faucet.metric("faucet_operator_balance_ban"), shown);
        let mut scrapes = Scrapes::default();
        scrapes.take(&faucet);
        scrapes.take_for(&faucet, 5);
        assert_eq!(faucet.metric("faucet_operator_balance_ban"), shown, "until the next settlement");
        assert_eq!(scrapes.fire("FaucetBalanceLow"), is_told);
        assert_eq!(faucet.outside.paid_e8(&player).is_empty(), is_told, "below the floor nothing is settled");
    }
}

/// The anomalies that the newest comparison found, an hour after the one before.
fn anomalies(faucet: &LiveFaucet) -> Vec<&'static str> {
    faucet.pass_ms(HOUR_MS);
    let kinds = ["unexplained_delta", "below_floor", "runway_short"];
    let is_found = |kind: &&str| match faucet.metric(&format!("faucet_wallet_anomaly{{kind=\"{kind}\"}}")) {
        0.0 => false,
        1.0 => true,
        other => panic!("{kind} {other}"),
    };
    kinds.into_iter().filter(is_found).collect()
}

fn halted(faucet: &LiveFaucet) -> Value {
    let switches = faucet.admin_get("/admin/switches");
    let halted = switches["switches"].as_array().unwrap().clone();
    halted.into_iter().find(|switch| switch["switch"] == "payouts_halted").unwrap()
}

#[test]
fn f48_one_raw_that_is_gone_is_unexplained_and_halts_payouts_and_paying_and_receiving_are_not() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 90, with_floor("50"));
    earn(&faucet, 1, 7);
    faucet.outside.fund_e8(5 * 100_000_000);
    assert_eq!(anomalies(&faucet), [] as [&str; 0]);
    assert_eq!(faucet.outside.operator_balance(), 943 * RAW_PER_BAN / 10, "90 + 5 - 0.7");
    assert_eq!(halted(&faucet)["stopped"], false);
    faucet.outside.node.command(Command::LieAboutBalances(-1)).unwrap();
    assert_eq!(anomalies(&faucet), ["unexplained_delta"]);
    let switch = halted(&faucet);
    assert_eq!((&switch["stopped"], &switch["actor"]), (&json!(true), &json!("system:faucet")));
    assert!(switch["reason"].as_str().unwrap().contains("1 raw less"), "{switch}");
    // Nothing is paid until somebody has looked, though the node tells the truth again.
    faucet.outside.node.command(Command::LieAboutBalances(0)).unwrap();
    let player = earn(&faucet, 2, 7);
    assert_eq!(faucet.accruals(&player)[0]["settled"], false);
    assert_eq!(faucet.outside.sends().len(), 1);
    // The payouts room may have noticed the difference as well: then it waits for a while before it compares again.
    faucet.switch("payouts_halted", "off");
    faucet.pass_ms(INTERVAL_MS);
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
}

#[test]
fn f48_a_low_floor_and_a_runway_under_3_days_are_named_and_halt_nothing() {
    // 15 BAN in seven days are 15 / 7 a day: 45 last 21 days, 5 less than three.
    let places = [Place::sqlite(), Place::sqlite()];
    let low = LiveFaucet::start_with(&places[0], 60, with_floor("50"));
    earn(&low, 1, 150);
    assert_eq!(anomalies(&low), ["below_floor"]);
    assert_eq!(low.outside.operator_balance(), 45 * RAW_PER_BAN);
    let short = LiveFaucet::start_with(&places[1], 20, with_floor("1"));
    earn(&short, 1, 150);
    assert_eq!(anomalies(&short), ["runway_short"]);
    assert_eq!(short.outside.operator_balance(), 5 * RAW_PER_BAN);
    assert_eq!(halted(&short)["stopped"], false);
}
