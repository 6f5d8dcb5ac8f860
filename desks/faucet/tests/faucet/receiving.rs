//! Money that comes in: donations and the operator's own (docs/spec/faucet.md 3.10).

use bursar_faucet::desk::FaucetConfig;
use bursar_faucet::record::{Donation, Totals};
use bursar_faucet::rules::ban::BanE8;
use bursar_ledger::account_by_path;
use bursar_money::{Amount, Asset, Balance};

use crate::scene::{BAN, MINUTE_MS, Scene, on_each_engine, on_each_engine_with};

fn balance(scene: &Scene, path: &str) -> Balance {
    scene.read(|tx| account_by_path(tx, path, Asset::Banano)).unwrap().balance()
}

/// What the node's first account sends is a donation too.
fn everybody_gives(config: &mut FaucetConfig) {
    config.donation_exclude_addresses.clear();
}

fn holds(raw: u128) -> Balance {
    Balance::between(Amount::new(raw), Amount::ZERO)
}

#[test]
fn each_block_that_was_pocketed_is_one_donation() {
    on_each_engine_with(everybody_gives, |scene| {
        scene.fund(3 * BAN + 5);
        scene.fund(2 * BAN);
        scene.send();
        scene.pass(2 * MINUTE_MS);
        scene.send();
        let rows = scene
            .count("SELECT COUNT(*) FROM faucet_donation_ledger WHERE is_donation AND source = 'receive'");
        assert_eq!((rows, balance(scene, "faucet/donations")), (2, holds(5 * BAN + 5)));
        assert_eq!(balance(scene, "payouts/faucet-operator/suspense"), holds(0));
        assert_eq!(scene.read(|tx| Totals::peek(tx, false)).donated, BanE8::of_ban(5));
        let donors = scene.read(Donation::donors);
        assert_eq!(
            (donors.len(), donors[0].total_donated, donors[0].donation_count),
            (1, BanE8::of_ban(5), 2)
        );
        let blocks = scene.count("SELECT COUNT(DISTINCT block_hash) FROM faucet_donation_ledger");
        assert_eq!(blocks, 2);
    });
}

#[test]
fn what_the_operators_own_addresses_send_is_no_donation() {
    on_each_engine(|scene| {
        scene.funded(4 * BAN);
        assert_eq!(balance(scene, "faucet/top-ups"), holds(4 * BAN));
        assert_eq!(balance(scene, "faucet/donations"), holds(0));
        assert_eq!(scene.read(|tx| Totals::peek(tx, false)).donated, BanE8::ZERO);
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_donation_ledger WHERE NOT is_donation"), 1);
        assert!(scene.read(Donation::donors).is_empty());
    });
}

#[test]
fn donations_raise_the_rate_of_everybody() {
    on_each_engine_with(everybody_gives, |scene| {
        let id = scene.player(0);
        scene.funded(100 * BAN);
        scene.earn(id, 1);
        assert_eq!(scene.open_accruals(id)[0].rate.to_string(), "0.10500000", "5 % more for 100 BAN");
    });
}
