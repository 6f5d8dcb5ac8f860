//! Open accruals become payouts: caps, splits, batches, dry-run, who is left out (docs/spec/faucet.md 3.4, 3.5).

use bursar_faucet::record::Finding;
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::caps::{CapMode, Caps, NamedCaps};
use bursar_faucet::rules::settlement::idempotency_key;
use bursar_faucet::settlement::Skipped;
use bursar_faucet::switches::{FORCE_DRY_RUN, PAYOUTS_HALTED};
use bursar_money::Amount;

use crate::scene::{BAN, MINUTE_MS, Scene, address, ban, on_each_engine, on_each_engine_with};

const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

fn states(scene: &Scene, id: i64) -> Vec<(i64, String)> {
    scene.accruals(id)
}

fn rows(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected.iter().map(|(kills, state)| (*kills, (*state).to_owned())).collect()
}

#[test]
fn open_accruals_are_reserved_sent_and_settled() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 3);
        scene.earn(id, 4);
        let cycle = scene.settle();
        assert_eq!((cycle.candidates, cycle.payouts, cycle.accruals), (1, 1, 2));
        assert_eq!(states(scene, id), rows(&[(3, "reserved"), (4, "reserved")]));
        scene.check();
        scene.send();
        assert_eq!(states(scene, id), rows(&[(3, "settled"), (4, "settled")]));
        let payouts = scene.payouts_of(id);
        let [payout] = payouts.as_slice() else { panic!("{payouts:?}") };
        assert_eq!((payout.state.word(), payout.kills, payout.amount), ("confirmed", 7, ban("0.7")));
        assert_eq!((&payout.address, &payout.idempotency_key), (&address(1), &idempotency_key([1, 2])));
        assert!(payout.tx_hash.is_some());
        assert_eq!((scene.paid(1), scene.sends()), (7 * BAN / 10, 1));
        assert_eq!(scene.metric("settlement_payouts_total").as_deref(), Some("1"));
        assert_eq!(scene.metric("settlement_accruals_settled_total").as_deref(), Some("2"));
        assert_eq!(scene.metric("payout_attempts_total{result=\"success\"}").as_deref(), Some("1"));
        assert_eq!(scene.metric("payouts_by_region_total{region=\"EU\"}").as_deref(), Some("1"));
        assert_eq!(scene.settle().candidates, 0);
        scene.check();
    });
}

#[test]
fn w2_a_cap_splits_the_row_that_straddles_it_and_the_rest_is_paid_later_at_its_own_rate() {
    on_each_engine(|scene| {
        scene.funded(1_000 * BAN);
        let id = scene.player(0);
        scene.earn(id, 100);
        scene.earn(id, 100);
        scene.settle();
        assert_eq!(states(scene, id), rows(&[(100, "reserved"), (50, "reserved"), (50, "open")]));
        scene.send();
        assert_eq!(scene.settle().payouts, 0, "the cap of the day is used up");
        scene.check();
        scene.earn(id, 10);
        scene.pass(DAY_MS);
        scene.settle();
        scene.send();
        assert_eq!(
            states(scene, id),
            rows(&[(100, "settled"), (50, "settled"), (50, "settled"), (10, "settled")])
        );
        assert_eq!((scene.paid(1), scene.sends()), (21 * BAN, 2));
        scene.check();
    });
}

#[test]
fn what_is_under_way_counts_against_the_cap() {
    on_each_engine(|scene| {
        let id = scene.player(0);
        scene.earn(id, 100);
        assert_eq!(scene.settle().payouts, 1);
        scene.earn(id, 100);
        scene.settle();
        assert_eq!(states(scene, id), rows(&[(100, "reserved"), (50, "reserved"), (50, "open")]));
        assert_eq!(scene.settle().payouts, 0);
        scene.check();
    });
}

#[test]
fn a_cap_of_zero_pays_nothing() {
    on_each_engine_with(
        |config| config.policy.environment_caps = NamedCaps { daily: Some(0), weekly: None },
        |scene| {
            let id = scene.player(0);
            scene.earn(id, 5);
            assert_eq!(scene.settle().payouts, 0);
            assert_eq!(scene.metric("payout_accrual_lag_minutes").as_deref(), Some("0"));
            scene.check();
        },
    );
}

#[test]
fn caps_of_payouts_pay_everything_or_nothing() {
    on_each_engine_with(
        |config| {
            config.policy.cap_mode = CapMode::Payouts;
            config.policy.file_caps = Caps { daily: 1, weekly: 3 };
        },
        |scene| {
            let id = scene.player(0);
            scene.earn(id, 400);
            assert_eq!(scene.settle().payouts, 1);
            scene.earn(id, 1);
            assert_eq!(scene.settle().payouts, 0);
            assert_eq!(states(scene, id), rows(&[(400, "reserved"), (1, "open")]));
        },
    );
}

#[test]
fn a_batch_takes_whoever_has_waited_longest_and_nobody_who_is_at_a_cap() {
    on_each_engine_with(
        |config| config.policy.batch_size = 2,
        |scene| {
            let players: Vec<i64> = (0..5).map(|_| scene.player(0)).collect();
            scene.earn(players[0], 150);
            assert_eq!(scene.settle().payouts, 1);
            scene.earn(players[0], 150);
            scene.earn(players[1], 1);
            scene.pass(41 * MINUTE_MS);
            players[2..].iter().for_each(|id| scene.grow(*id, 1));
            scene.accrue();
            assert_eq!(scene.settle().payouts, 2);
            assert_eq!(scene.payouts_of(players[1]).len(), 1, "unpaid for more than two cycles");
            assert_eq!(scene.payouts_of(players[0]).len(), 1, "at the cap");
            assert_eq!(scene.settle().payouts, 2);
            scene.check();
        },
    );
}

#[test]
fn a_batch_is_so_many_payouts_and_whoever_cannot_be_paid_takes_nobodys_place() {
    on_each_engine_with(
        |config| (config.policy.batch_size, config.policy.minimum) = (1, ban("1")),
        |scene| {
            let players: Vec<i64> = (0..3).map(|_| scene.player(0)).collect();
            scene.earn(players[0], 145);
            assert_eq!(scene.settle().payouts, 1);
            // The cap leaves it 5 of these, which are less than the smallest payout.
            scene.earn(players[0], 50);
            scene.pass(41 * MINUTE_MS);
            players[1..].iter().for_each(|id| scene.grow(*id, 10));
            scene.accrue();
            for paid in 1..=2 {
                let cycle = scene.settle();
                assert_eq!((cycle.payouts, cycle.skipped), (1, None));
                let all: usize = players[1..].iter().map(|id| scene.payouts_of(*id).len()).sum();
                assert_eq!(all, paid);
            }
            assert_eq!(scene.settle().payouts, 0);
            assert_eq!(
                scene.metric("payout_accrual_lag_minutes").as_deref(),
                Some("0"),
                "nobody could be paid"
            );
            scene.check();
        },
    );
}

#[test]
fn a_smallest_payout_leaves_less_open() {
    on_each_engine_with(
        |config| config.policy.minimum = ban("1"),
        |scene| {
            let id = scene.player(0);
            scene.earn(id, 9);
            assert_eq!(scene.settle().candidates, 0);
            scene.earn(id, 1);
            assert_eq!(scene.settle().payouts, 1);
        },
    );
}

#[test]
fn below_the_floor_or_without_an_answer_nothing_is_settled() {
    on_each_engine_with(
        |config| config.policy.floor = BanE8::of_ban(50),
        |scene| {
            let id = scene.player(0);
            scene.earn(id, 5);
            assert_eq!(scene.settle().skipped, Some(Skipped::BelowFloor));
            scene.funded(50 * BAN - 1);
            assert_eq!(scene.settle().skipped, Some(Skipped::BelowFloor));
            scene.funded(1);
            scene.pass(2 * MINUTE_MS);
            scene.send();
            assert_eq!(scene.settle().payouts, 1);
            scene.check();
        },
    );
}

#[test]
fn example_e17_dry_run_payouts_are_sent_at_once_and_move_no_money() {
    on_each_engine_with(
        |config| config.sim_kills = 150,
        |scene| {
            scene.funded(100 * BAN);
            let players = [scene.player(0), scene.player(0)];
            players.iter().for_each(|id| scene.grow(*id, 20));
            scene.pass(MINUTE_MS);
            scene.accrue();
            scene.set_switch(FORCE_DRY_RUN, true);
            for _ in 0..2 {
                scene.pass(MINUTE_MS);
                scene.accrue();
            }
            assert_eq!(scene.metric("app_dry_run_mode").as_deref(), Some("1"));
            let cycle = scene.settle();
            assert_eq!((cycle.payouts, cycle.dry_run), (2, true));
            let hashes = players.map(|id| scene.payouts_in(id, true)[0].tx_hash.clone().unwrap());
            assert!(hashes.iter().all(|hash| hash.starts_with("dryrun-")) && hashes[0] != hashes[1]);
            scene.check();
            scene.set_switch(FORCE_DRY_RUN, false);
            std::thread::sleep(std::time::Duration::from_millis(250));
            assert_eq!(scene.metric("app_dry_run_mode").as_deref(), Some("0"));
            // Live accruals were not consumed; what dry-run paid neither counts toward caps nor is paid again.
            assert_eq!(scene.settle().payouts, 2);
            scene.send();
            assert_eq!((scene.paid(1), scene.paid(2), scene.sends()), (2 * BAN, 2 * BAN, 2));
            scene.check();
        },
    );
}

#[test]
fn a_halt_binds_the_next_cycle_and_what_was_accepted_stays_unsigned() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 5);
        scene.settle();
        for switch in [PAYOUTS_HALTED, FORCE_DRY_RUN] {
            scene.set_switch(switch, true);
            scene.send_for(10);
            assert_eq!(scene.sends(), 0, "{}", switch.key);
            scene.set_switch(switch, false);
        }
        scene.set_switch(PAYOUTS_HALTED, true);
        assert_eq!(scene.settle().skipped, Some(Skipped::Halted));
        scene.set_switch(PAYOUTS_HALTED, false);
        scene.send();
        assert_eq!(scene.sends(), 1);
        scene.check();
    });
}

#[test]
fn f8_two_settlers_at_once_make_one_payout_for_each_set_of_accruals() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let players: Vec<i64> = (0..8).map(|_| scene.player(0)).collect();
        scene.pass(MINUTE_MS);
        players.iter().for_each(|id| scene.grow(*id, 2));
        scene.accrue();
        let made: u64 = std::thread::scope(|scope| {
            let settlers = [(); 3].map(|()| scope.spawn(|| scene.settle().payouts));
            settlers.into_iter().map(|settler| settler.join().unwrap()).sum()
        });
        assert_eq!(made, 8);
        scene.send();
        assert_eq!(scene.sends(), 8);
        scene.check();
    });
}

#[test]
fn w24_a_payout_goes_to_the_wallet_that_was_primary_when_it_was_made() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 5);
        scene.settle();
        scene.write(|tx, _| {
            tx.execute("UPDATE faucet_wallet_link SET address = $1", &[address(40).as_str().into()])
        });
        scene.send();
        assert_eq!((scene.paid(1), scene.paid(40)), (BAN / 2, 0));
    });
}

#[test]
fn payouts_of_dry_run_use_up_no_cap() {
    on_each_engine_with(
        |config| (config.policy.dry_run, config.sim_kills) = (true, 100),
        |scene| {
            let id = scene.player(0);
            for paid in [0, 100, 200] {
                scene.pass(MINUTE_MS);
                scene.accrue();
                scene.settle();
                assert_eq!(scene.tally_in(id, true).unwrap().holdings.settled.kills, paid);
            }
        },
    );
}

#[test]
fn a_payout_that_nothing_can_count_is_refused_alone_and_named_until_it_can() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let (damaged, other) = (scene.player(0), scene.player(0));
        scene.earn(damaged, 1);
        scene.earn(other, 1);
        let rate = |e8: i64| {
            let sql = "UPDATE faucet_reward_accrual SET rate_e8 = $1 WHERE user_id = 1";
            scene.write(|tx, _| tx.execute(sql, &[e8.into()]));
        };
        rate(900_000_000_000_000_000);
        let cycle = scene.settle();
        assert_eq!((cycle.payouts, cycle.refused), (1, 1));
        assert_eq!((states(scene, damaged), refused(scene)), (rows(&[(1, "open")]), Some(1)));
        rate(10_000_000);
        assert_eq!((scene.settle().payouts, refused(scene)), (1, Some(0)));
        scene.check();
    });
}

#[test]
fn a_payout_that_the_wallets_key_does_not_pay_is_named_until_it_does() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let (patient, other) = (scene.player(0), scene.player(0));
        scene.earn(patient, 100);
        scene.earn(other, 1);
        payment_max(scene, BAN);
        let cycle = scene.settle();
        assert_eq!((cycle.payouts, cycle.refused), (1, 1));
        assert_eq!((states(scene, patient), refused(scene)), (rows(&[(100, "open")]), Some(1)));
        payment_max(scene, 100 * BAN);
        assert_eq!((scene.settle().payouts, refused(scene)), (1, Some(0)));
        scene.check();
    });
}

#[test]
fn a_batch_goes_on_behind_whoever_is_refused_and_names_them_until_all_are_paid() {
    on_each_engine_with(
        |config| config.policy.batch_size = 1,
        |scene| {
            scene.funded(100 * BAN);
            let players: Vec<i64> = (0..3).map(|_| scene.player(0)).collect();
            scene.earn(players[0], 100);
            scene.earn(players[1], 100);
            scene.pass(41 * MINUTE_MS);
            scene.grow(players[2], 1);
            scene.accrue();
            payment_max(scene, BAN);
            let cycle = scene.settle();
            assert_eq!((cycle.payouts, cycle.refused, refused(scene)), (1, 2, Some(2)));
            assert_eq!(scene.payouts_of(players[2]).len(), 1);
            payment_max(scene, 100 * BAN);
            assert_eq!((scene.settle().payouts, refused(scene)), (1, Some(2)), "not everybody was looked at");
            assert_eq!((scene.settle().payouts, refused(scene)), (1, Some(0)));
            scene.check();
        },
    );
}

/// The most that the wallet's key pays at once.
fn payment_max(scene: &Scene, raw: u128) {
    let sql = "UPDATE key_pair SET payment_max = $1";
    scene.write(|tx, _| tx.execute(sql, &[Amount::new(raw).into()]));
}

/// How many payouts the finding names.
fn refused(scene: &Scene) -> Option<i64> {
    let all = scene.read(Finding::all);
    all.iter().find(|finding| finding.kind == "settlement.refused").map(|finding| finding.count)
}
