//! Rows that a live faucet shows on a chain.

use serde_json::json;

use crate::harness::{LiveFaucet, Place};

#[test]
fn f1_a_live_server_says_so_and_its_payouts_reach_the_chain() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    assert_eq!(faucet.metric("app_dry_run_mode"), 0.0);
    let product = faucet.server.get("/config/product").expect(200);
    assert_eq!(product["feature_flags"]["dry_run_banner"], false);
    let player = faucet.player(1, 1_208);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.cycle();
    faucet.cycle();
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
    let payouts = faucet.payouts(&player);
    assert_eq!((&payouts[0]["status"], &payouts[0]["amount_ban"]), (&json!("sent"), &json!("0.70000000")));
}

#[test]
fn f20_dry_run_uses_up_no_live_accrual_and_sends_nothing_and_after_it_they_are_paid_once() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.switch("payouts_halted", "on");
    faucet.trigger();
    assert_eq!(faucet.accruals(&player)[0]["settled"], false);
    faucet.switch("force_dry_run", "on");
    faucet.switch("payouts_halted", "off");
    faucet.pass_ms(5 * 60_000);
    assert!(faucet.outside.sends().is_empty());
    faucet.switch("force_dry_run", "off");
    assert_eq!(faucet.accruals(&player)[0]["settled"], false);
    faucet.pass_ms(5 * 60_000);
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
    assert_eq!(faucet.accruals(&player).len(), 1);
}

#[test]
fn example_e17_dry_run_pays_two_players_apart_and_leaves_nothing_behind_for_the_live_mode() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 99, |setup| setup.env("FAUCET_SIM_KILLS", "7"));
    let players = [1, 2].map(|number| faucet.player(number, 0));
    faucet.switch("force_dry_run", "on");
    faucet.pass_ms(2 * 60_000);
    let mut hashes: Vec<_> = players.iter().flat_map(|player| faucet.payouts(player)).collect();
    assert!(hashes.iter().all(|payout| payout["status"] == "sent"), "{hashes:?}");
    hashes.iter_mut().for_each(|payout| *payout = payout["tx_hash"].clone());
    assert!(hashes.contains(&json!("dryrun-1")) && hashes.contains(&json!("dryrun-2")), "{hashes:?}");
    let made = hashes.len();
    hashes.sort_by_key(ToString::to_string);
    hashes.dedup();
    assert_eq!(hashes.len(), made, "each has a hash of its own");
    faucet.switch("force_dry_run", "off");
    faucet.pass_ms(2 * 60_000);
    for player in &players {
        let status = faucet.mine(player, "/me/status");
        assert_eq!(status["cap_status"]["daily_kills_used"], 0);
        assert!(faucet.payouts(player).is_empty() && faucet.accruals(player).is_empty());
    }
    assert!(faucet.outside.sends().is_empty());
}
