//! Money that comes in: donations and the operator's own (docs/spec/faucet.md 3.10).

use bursar_faucet::desk::FaucetConfig;
use bursar_faucet::donation::{Past, rebuild, was_rebuilt};
use bursar_faucet::record::{DONATIONS, Donation, Totals};
use bursar_faucet::rules::ban::BanE8;
use bursar_ledger::account_by_path;
use bursar_money::{Amount, Asset, Balance};
use bursar_store::EngineKind;

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
fn what_an_imported_seeds_account_held_already_is_the_operators_own() {
    on_each_engine_with(everybody_gives, |scene| {
        scene.hold(7 * BAN);
        scene.send();
        assert_eq!(balance(scene, "faucet/top-ups"), holds(7 * BAN));
        assert_eq!(balance(scene, "faucet/donations"), holds(0));
        assert_eq!(scene.read(|tx| Totals::peek(tx, false)).donated, BanE8::ZERO);
        let own =
            "SELECT COUNT(*) FROM faucet_donation_ledger WHERE NOT is_donation AND sender_address IS NULL";
        assert_eq!(scene.count(own), 1);
    });
}

/// What waits to be accepted, as a rebuild finds it in the account's history once a block of ours accepts it.
fn waiting(scene: &Scene) -> Vec<Past> {
    let key = scene.wallet_key();
    let waiting = scene.node.with(|node| {
        let waiting = node.ledger().waiting(&key);
        waiting.map(|(source, item)| (source.to_string(), item.amount)).collect::<Vec<_>>()
    });
    let past = |(source, amount)| Past { source, sender: Some("ban_ann".to_owned()), amount, height: 1 };
    waiting.into_iter().map(past).collect()
}

#[test]
fn what_a_rebuild_has_found_before_it_was_final_leaves_suspense_and_counts_once() {
    on_each_engine_with(everybody_gives, |scene| {
        scene.fund(5 * BAN);
        let past = waiting(scene);
        let rebuilt = || rebuild(&scene.test.store(), &past, &[], false).unwrap();
        let counted = || {
            let rows = scene.count("SELECT COUNT(*) FROM faucet_donation_ledger");
            (rows, scene.read(Donation::donors).len(), scene.read(|tx| Totals::peek(tx, false)).donated)
        };
        let once = (1, 1, BanE8::of_ban(5));
        assert_eq!((rebuilt(), counted()), (1, once));
        scene.send();
        assert_eq!(balance(scene, "faucet/donations"), holds(5 * BAN));
        assert_eq!(balance(scene, "payouts/faucet-operator/suspense"), holds(0));
        assert_eq!((rebuilt(), counted()), (0, once));
    });
}

#[test]
fn what_a_rebuild_has_found_to_be_the_operators_own_is_a_top_up_once_it_is_final() {
    on_each_engine_with(everybody_gives, |scene| {
        scene.fund(5 * BAN);
        let own = ["ban_ann".to_owned()];
        assert_eq!(rebuild(&scene.test.store(), &waiting(scene), &own, false).unwrap(), 1);
        scene.send();
        assert_eq!(balance(scene, "faucet/top-ups"), holds(5 * BAN));
        assert_eq!(balance(scene, "payouts/faucet-operator/suspense"), holds(0));
        assert_eq!(scene.read(|tx| Totals::peek(tx, false)).donated, BanE8::ZERO);
    });
}

#[test]
fn what_was_accepted_first_is_not_found_again_by_a_rebuild() {
    on_each_engine_with(everybody_gives, |scene| {
        scene.fund(5 * BAN);
        let past = waiting(scene);
        scene.send();
        assert_eq!(rebuild(&scene.test.store(), &past, &[], false).unwrap(), 0);
        assert_eq!(balance(scene, "faucet/donations"), holds(5 * BAN));
        assert_eq!(scene.read(|tx| Totals::peek(tx, false)).donated, BanE8::of_ban(5));
    });
}

#[test]
fn a_rebuild_and_a_donation_that_arrives_take_turns_in_one_order() {
    use std::time::Duration;
    let scene = Scene::on(EngineKind::Postgres, &|_| {});
    let (store, mut runs) = (scene.test.store(), 0);
    let past = [Past { source: "A".repeat(64), sender: None, amount: Amount::new(BAN), height: 1 }];
    std::thread::scope(|threads| {
        let accepted = store.transact("test.receive", |tx| {
            runs += 1;
            tx.allocate(DONATIONS, 1)?;
            if runs == 1 {
                threads.spawn(|| rebuild(&scene.test.store(), &past, &[], false).unwrap());
                // PostgreSQL looks for a deadlock once, a second after a wait began: the rebuild's look has passed by then.
                std::thread::sleep(Duration::from_millis(1_500));
            }
            Totals::locked(tx, false)?.save(tx, false)
        });
        accepted.unwrap();
    });
    assert_eq!(runs, 1, "whoever accepts a donation is not thrown back by a rebuild");
    assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_donation_ledger"), 1);
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

#[test]
fn a_rebuild_adds_each_block_once_and_counts_only_what_was_given() {
    on_each_engine(|scene| {
        let own = "ban_operator".to_owned();
        let block = |source: &str, sender: Option<&str>, ban: u128, height| Past {
            source: source.repeat(64),
            sender: sender.map(str::to_owned),
            amount: Amount::new(ban * BAN),
            height,
        };
        let past = [
            block("D", Some("ban_ann"), 30, 4),
            block("C", Some("ban_operator"), 500, 3),
            block("B", None, 70, 2),
            block("A", Some("ban_ann"), 10, 1),
            block("A", Some("ban_ann"), 10, 1),
        ];
        let store = scene.test.store();
        let run = |dry_run| rebuild(&store, &past, std::slice::from_ref(&own), dry_run).unwrap();
        let rows = || scene.count("SELECT COUNT(*) FROM faucet_donation_ledger");
        assert_eq!((run(true), rows()), (4, 0));
        assert!(!scene.read(was_rebuilt));
        assert_eq!((run(false), rows()), (4, 4));
        assert!(scene.read(was_rebuilt));
        assert_eq!((run(false), rows()), (0, 4), "no block counts twice");
        assert_eq!(scene.read(|tx| Totals::peek(tx, false)).donated, BanE8::of_ban(40));
        let donors = scene.read(Donation::donors);
        assert_eq!((donors.len(), donors[0].address.as_str(), donors[0].donation_count), (1, "ban_ann", 2));
        let noted = "SELECT COUNT(*) FROM faucet_donation_ledger WHERE source = 'rebuild' AND note = 'DDDDDDDDDDDD at height 4'";
        assert_eq!(scene.count(noted), 1);
        assert_eq!(balance(scene, "faucet/donations"), holds(0), "the book is not touched");
    });
}
