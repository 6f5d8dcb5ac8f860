//! Growth of kills becomes accruals, each kill once (docs/spec/faucet.md 3.1, 3.2).

use bursar_faucet::accrual::Run;
use bursar_faucet::record::{AbuseFlag, Finding, User};
use bursar_faucet::rules::abuse::AbuseAction;
use bursar_faucet::rules::baseline::Baseline;
use bursar_faucet::rules::eligibility::Eligibility;
use bursar_faucet::switches::{ACCRUAL_HALTED, FORCE_DRY_RUN};

use crate::scene::{MINUTE_MS, Scene, ban, on_each_engine, on_each_engine_with};

fn kills(scene: &Scene, id: i64) -> Vec<i64> {
    scene.accruals(id).into_iter().map(|(kills, _)| kills).collect()
}

#[test]
fn example_e12_only_growth_above_the_cursor_earns() {
    on_each_engine(|scene| {
        let id = scene.linked_player();
        for (lifetime, cursor) in
            [(1_208, 1_208), (1_208, 1_208), (1_215, 1_215), (1_210, 1_215), (1_220, 1_220)]
        {
            scene.pass(MINUTE_MS);
            scene.set_kills(id, lifetime);
            scene.accrue();
            assert_eq!(scene.cursor(id), cursor, "{lifetime}");
            scene.check();
        }
        assert_eq!(kills(scene, id), [7, 5]);
        let findings = scene.read(Finding::all);
        let found: Vec<_> = findings.iter().map(|finding| (finding.kind.as_str(), finding.count)).collect();
        assert_eq!(found, [("kill_regress", 1)]);
    });
}

#[test]
fn example_e12_of_two_runs_in_a_minute_the_second_leaves_its_growth_to_the_next() {
    on_each_engine(|scene| {
        let id = scene.player(100);
        scene.earn(id, 3);
        scene.grow(id, 2);
        scene.pass(10_000);
        assert_eq!(scene.accrue().rows, 0);
        assert_eq!((kills(scene, id), scene.cursor(id)), (vec![3], 103));
        scene.pass(MINUTE_MS);
        scene.accrue();
        assert_eq!((kills(scene, id), scene.cursor(id)), (vec![3, 2], 105));
        scene.check();
    });
}

#[test]
fn f5_a_growth_of_7_is_one_accrual_of_7_kills_at_the_rate_of_that_moment() {
    on_each_engine(|scene| {
        let id = scene.player(0);
        scene.earn(id, 7);
        let open = scene.open_accruals(id);
        let [accrual] = open.as_slice() else { panic!("{open:?}") };
        // Nothing was paid so far, so income covers payouts twice over: 0.05 x 2.
        assert_eq!((accrual.kills, accrual.rate, accrual.amount), (7, ban("0.1"), ban("0.7")));
        assert_eq!((accrual.cursor_from, accrual.cursor_to, accrual.seq), (0, 7, 0));
        assert_eq!(scene.metric("accrual_rows_created_total").as_deref(), Some("1"));
        assert_eq!(scene.metric("kills_by_region_total{region=\"EU\"}").as_deref(), Some("7"));
        scene.check();
    });
}

#[test]
fn f7_amounts_are_exact_to_8_places() {
    on_each_engine_with(
        |config| config.policy.base_rate = ban("0.0307375"),
        |scene| {
            let id = scene.player(0);
            scene.earn(id, 17);
            assert_eq!(scene.tally(id).holdings.open.amount.to_string(), "1.04507500");
            scene.check();
            scene.funded(10 * crate::scene::BAN);
            scene.settle();
            scene.send();
            assert_eq!(scene.paid(u32::try_from(id).unwrap()), 104_507_500 * 1_000_000_000_000_000_000_000);
        },
    );
}

#[test]
fn a_player_whose_baseline_is_pending_earns_nothing_until_one_reading_succeeds() {
    on_each_engine(|scene| {
        let (waiting, other) = (scene.linked_player(), scene.player(10));
        scene.earn(other, 4);
        let pending = scene.tally_in(waiting, false).map(|tally| tally.baseline);
        assert!(matches!(pending, None | Some(Baseline::Pending { .. })));
        assert_eq!(kills(scene, other), [4]);
        scene.set_kills(waiting, 9_000);
        scene.earn(other, 1);
        assert_eq!((scene.cursor(waiting), kills(scene, waiting)), (9_000, vec![]));
        scene.earn(waiting, 6);
        assert_eq!(kills(scene, waiting), [6]);
        scene.check();
    });
}

#[test]
fn a_halted_accrual_counts_nothing_and_picks_the_growth_up_later() {
    on_each_engine(|scene| {
        let id = scene.player(0);
        scene.set_switch(ACCRUAL_HALTED, true);
        scene.pass(MINUTE_MS);
        scene.grow(id, 5);
        assert_eq!(scene.accrue(), Run { is_halted: true, ..Run::default() });
        scene.set_switch(ACCRUAL_HALTED, false);
        assert_eq!((scene.accrue().kills, scene.cursor(id)), (5, 5));
    });
}

#[test]
fn a_mode_that_changes_between_reading_and_saving_saves_nothing_and_ends_the_run() {
    on_each_engine(|scene| {
        let id = scene.player(0);
        scene.pass(MINUTE_MS);
        scene.grow(id, 5);
        // The statistics answer slowly; meanwhile an operator forces dry-run.
        let slow = bursar_devnet_faucet::Misbehaviour::Delay(1_000);
        scene.stats.fail_next(slow, 1);
        let run = std::thread::scope(|scope| {
            let running = scope.spawn(|| scene.accrue());
            while scene.stats.calls() == 0 {
                std::thread::yield_now();
            }
            scene.set_switch(FORCE_DRY_RUN, true);
            running.join().unwrap()
        });
        assert!(run.is_halted);
        assert_eq!((run.rows, scene.cursor(id)), (0, 0));
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_reward_accrual"), 0);
        scene.set_switch(FORCE_DRY_RUN, false);
        assert_eq!(scene.accrue().kills, 5);
        scene.check();
    });
}

#[test]
fn two_runs_at_once_count_each_kill_once() {
    on_each_engine(|scene| {
        let players: Vec<i64> = (0..5).map(|_| scene.player(0)).collect();
        scene.pass(MINUTE_MS);
        players.iter().for_each(|id| scene.grow(*id, 3));
        let rows: u64 = std::thread::scope(|scope| {
            let runs = [(); 2].map(|()| scope.spawn(|| scene.accrue().rows));
            runs.into_iter().map(|run| run.join().unwrap()).sum()
        });
        assert_eq!(rows, 5);
        scene.check();
    });
}

#[test]
fn dry_run_and_real_kills_never_mix() {
    on_each_engine_with(
        |config| config.sim_kills = 4,
        |scene| {
            let id = scene.player(0);
            scene.earn(id, 6);
            scene.set_switch(FORCE_DRY_RUN, true);
            for _ in 0..3 {
                scene.pass(MINUTE_MS);
                scene.accrue();
            }
            // The first reading of a mode sets its baseline; the next two add what is simulated.
            let dry = scene.tally_in(id, true).unwrap();
            assert_eq!((dry.holdings.open.kills, scene.tally(id).holdings.open.kills), (8, 6));
            assert_eq!(scene.cursor(id), 6);
            scene.check();
        },
    );
}

#[test]
fn whoever_does_not_meet_the_requirements_is_not_asked_about() {
    on_each_engine(|scene| {
        let id = scene.player(0);
        scene.grow(id, 9);
        scene.change_user(id, |user| user.eligibility = Eligibility::Revoked);
        scene.pass(MINUTE_MS);
        assert_eq!((scene.accrue().rows, scene.stats.calls()), (0, 0));
        scene.change_user(id, |user| user.eligibility = Eligibility::Held);
        scene.pass(MINUTE_MS);
        assert_eq!(scene.accrue().kills, 9, "who is held earns on");
    });
}

#[test]
fn f13_a_spike_raises_one_flag_and_a_hold_keeps_payouts_until_the_review() {
    on_each_engine_with(
        |config| config.policy.abuse_action = AbuseAction::Hold,
        |scene| {
            let id = scene.player(0);
            scene.earn(id, 150);
            assert_eq!(scene.metric("flagged_users_total").as_deref(), Some("0"));
            scene.earn(id, 1);
            scene.earn(id, 1);
            assert_eq!(scene.metric("flagged_users_total").as_deref(), Some("1"));
            let flag = scene.read(|tx| AbuseFlag::newest(tx, id, "kill_rate_spike")).unwrap();
            assert_eq!(flag.detail, "kills=151 window_min=15");
            scene.funded(100 * crate::scene::BAN);
            assert_eq!(scene.settle().payouts, 0);
            scene.check();
        },
    );
}

#[test]
fn kills_that_a_forced_dry_run_invents_make_nobody_suspect() {
    on_each_engine_with(
        |config| (config.policy.abuse_action, config.sim_kills) = (AbuseAction::Hold, 700),
        |scene| {
            let id = scene.player(0);
            scene.set_switch(FORCE_DRY_RUN, true);
            for _ in 0..3 {
                scene.pass(MINUTE_MS);
                scene.accrue();
            }
            assert_eq!(scene.tally_in(id, true).unwrap().holdings.open.kills, 1_400);
            assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_abuse_flag"), 0);
            scene.change_user(id, |user| assert_eq!(user.eligibility, Eligibility::Eligible));
        },
    );
}

#[test]
fn f30_a_run_that_is_told_to_stop_saves_what_it_read_and_the_next_one_goes_on() {
    on_each_engine(|scene| {
        let players: Vec<i64> = (0..40).map(|_| scene.player(0)).collect();
        scene.pass(MINUTE_MS);
        players.iter().for_each(|id| scene.grow(*id, 1));
        scene.stats.fail_next(bursar_devnet_faucet::Misbehaviour::Delay(200), 40);
        let run = scene.faucet.accrue(&|| scene.stats.calls() >= 4).unwrap();
        let asked = scene.stats.calls();
        assert!(asked < 40, "{asked} were asked");
        assert_eq!((run.rows, run.considered), (asked, asked), "each answer is saved, and nobody else noted");
        scene.stats.behave();
        assert_eq!(scene.accrue().rows, 40 - asked);
        scene.check();
    });
}

#[test]
fn growth_that_nothing_can_count_is_refused_alone_and_picked_up_once_it_can() {
    on_each_engine_with(
        |config| config.policy.base_rate = ban("1000000"),
        |scene| {
            let (huge, other) = (scene.player(0), scene.player(0));
            scene.pass(MINUTE_MS);
            scene.grow(huge, 1_000_000);
            scene.grow(other, 1);
            let run = scene.accrue();
            assert_eq!((run.rows, run.refused, run.considered), (1, 1, 2));
            assert_eq!((scene.cursor(huge), scene.cursor(other)), (0, 1));
            let found = |scene: &Scene| {
                let all = scene.read(Finding::all);
                all.iter().find(|finding| finding.kind == "accrual.refused").map(|finding| finding.count)
            };
            assert_eq!(found(scene), Some(1));
            scene.check();
            scene.restart(|config| config.policy.base_rate = ban("0.05"));
            scene.pass(MINUTE_MS);
            assert_eq!(scene.accrue().kills, 1_000_000);
            assert_eq!((scene.cursor(huge), found(scene)), (1_000_000, Some(0)));
            scene.check();
        },
    );
}

#[test]
fn what_everybody_earns_together_is_counted_as_far_as_it_can_be() {
    on_each_engine_with(
        |config| config.policy.base_rate = ban("1000000"),
        |scene| {
            // 1,000 kills are 2,000,000,000 BAN each; the ledger holds 3,402,823,669 of them in raw.
            let players = [scene.player(0), scene.player(0), scene.player(0)];
            scene.pass(MINUTE_MS);
            players.iter().for_each(|id| scene.grow(*id, 1_000));
            let run = scene.accrue();
            assert_eq!((run.rows, run.refused), (1, 2));
            scene.check();
        },
    );
}

#[test]
fn a_clock_that_stepped_back_keeps_nobody_from_being_read() {
    on_each_engine(|scene| {
        let id = scene.player(0);
        scene.pass(MINUTE_MS);
        let now = scene.test.now();
        // Everything noted so far says that it is an hour later than the clock shows now.
        scene.write(|tx, _| {
            tx.open_clock(bursar_faucet::CLOCK)?;
            tx.close_clock(bursar_faucet::CLOCK, now.after_ms(60 * MINUTE_MS))?;
            User::note_read(tx, &[id], now.after_ms(30 * MINUTE_MS))
        });
        scene.grow(id, 5);
        assert_eq!(scene.accrue().kills, 5);
        let read_at = scene.read(|tx| User::peek(tx, &[id])).remove(0).last_read_at;
        assert_eq!(read_at, Some(now.after_ms(60 * MINUTE_MS)), "by the desk's clock, which never goes back");
    });
}
