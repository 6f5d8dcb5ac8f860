//! When the faucet's jobs run, what they note, and what keeps them from it (docs/spec/faucet.md section 6).

use bursar_devnet_faucet::Misbehaviour;
use bursar_faucet::record::Heartbeat;
use bursar_faucet::settlement::Skipped;
use bursar_faucet::switches::{ACCRUAL_HALTED, FORCE_DRY_RUN, SCHEDULER_HALTED};
use bursar_test_stores::START_MS;

use crate::scene::{BAN, MINUTE_MS, Scene, on_each_engine};

fn due(scene: &Scene, job: &str) -> Option<i64> {
    let job = scene.jobs.iter().find(|known| known.name == job).unwrap();
    let at = scene.read(|tx| (job.work_at.as_ref().unwrap())(tx));
    at.map(|at| at.ms() - scene.test.now().ms())
}

fn run(scene: &Scene, name: &str) -> bool {
    let job = scene.jobs.iter().find(|known| known.name == name).unwrap();
    let turn = bursar_desk::job::JobTurn::alone(scene.lease_of(name), scene.test.now());
    (job.run)(&turn).is_ok()
}

fn beat(scene: &Scene, phase: &str) -> Heartbeat {
    scene.read(|tx| Heartbeat::find(tx, phase)).unwrap()
}

#[test]
fn accrual_is_due_at_the_start_and_settlement_half_an_interval_later() {
    on_each_engine(|scene| {
        assert_eq!((due(scene, "faucet.accrual"), due(scene, "faucet.settlement")), (Some(0), Some(600_000)));
        assert!(run(scene, "faucet.accrual"));
        assert_eq!(due(scene, "faucet.accrual"), Some(1_200_000));
        assert_eq!(beat(scene, "accrual").status, "ok");
        assert!(run(scene, "faucet.settlement"));
        scene.restart(|_| {});
        assert_eq!(due(scene, "faucet.settlement"), Some(1_200_000), "a restart postpones nothing");
    });
}

#[test]
fn a_halted_scheduler_starts_no_cycle_and_the_lag_alert_sees_it() {
    on_each_engine(|scene| {
        run(scene, "faucet.accrual");
        scene.set_switch(SCHEDULER_HALTED, true);
        for job in ["faucet.accrual", "faucet.settlement", "faucet.reconcile", "faucet.prune"] {
            assert_eq!(due(scene, job), None, "{job}");
        }
        let last = scene.metric("faucet_last_cycle_timestamp_seconds{job=\"accrual\"}").unwrap();
        assert_eq!(last, (START_MS / 1_000).to_string());
        assert_eq!(scene.metric("faucet_cycle_interval_seconds{job=\"accrual\"}").as_deref(), Some("1200"));
        assert_eq!(scene.metric("faucet_switch{name=\"scheduler_halted\"}").as_deref(), Some("1"));
    });
}

#[test]
fn f45_a_cycle_under_way_ends_and_none_that_waited_begins_once_the_scheduler_is_halted() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(5);
        scene.grow(id, 5);
        scene.stats.fail_next(Misbehaviour::Delay(1_000), 1);
        std::thread::scope(|scope| {
            let running = scope.spawn(|| scene.accrue());
            while scene.stats.calls() == 0 {
                std::thread::yield_now();
            }
            let waiting = scope.spawn(|| scene.accrue());
            scene.set_switch(SCHEDULER_HALTED, true);
            assert_eq!(running.join().unwrap().rows, 1);
            assert!(waiting.join().unwrap().is_halted);
        });
        assert_eq!(scene.settle().skipped, Some(Skipped::SchedulerHalted));
        // As when the job was found due right before the switch was set.
        for (job, phase) in [("faucet.accrual", "accrual"), ("faucet.settlement", "settlement")] {
            assert!(run(scene, job));
            assert_eq!(beat(scene, phase).status, "halted");
        }
        assert_eq!(scene.stats.calls(), 1);
        scene.set_switch(SCHEDULER_HALTED, false);
        assert_eq!(scene.settle().payouts, 1);
    });
}

#[test]
fn a_halted_accrual_is_no_success() {
    on_each_engine(|scene| {
        scene.set_switch(ACCRUAL_HALTED, true);
        run(scene, "faucet.accrual");
        let beat = beat(scene, "accrual");
        assert_eq!((beat.status.as_str(), beat.last_ok_at), ("halted", None));
    });
}

#[test]
fn statistics_that_fail_are_no_failed_run_and_earn_nobody_anything() {
    on_each_engine(|scene| {
        let id = scene.player(5);
        scene.grow(id, 5);
        scene.stats.fail_next(Misbehaviour::Status(404), 1);
        assert!(run(scene, "faucet.accrual"));
        assert_eq!(scene.cursor(id), 5);
        assert_eq!(scene.metric("fortnite_calls_total").as_deref(), Some("1"));
    });
}

#[test]
fn a_scan_of_token_holders_follows_each_accrual_and_keeps_what_it_cannot_read() {
    on_each_engine(|scene| {
        let id = scene.player(0);
        scene.change_user(id, |user| {
            (user.solana_address, user.token_balance) = (Some("1".repeat(32)), 10_000);
        });
        assert_eq!(due(scene, "faucet.hodl_scan"), None);
        run(scene, "faucet.accrual");
        assert_eq!(due(scene, "faucet.hodl_scan"), Some(0));
        // No Solana node answers here, and while dry-run is forced no stand-in answers for it.
        for forced in [false, true] {
            scene.set_switch(FORCE_DRY_RUN, forced);
            assert!(run(scene, "faucet.hodl_scan"));
            scene.change_user(id, |user| assert_eq!(user.token_balance, 10_000));
        }
        scene.set_switch(FORCE_DRY_RUN, false);
        scene.earn(id, 1);
        assert_eq!(scene.open_accruals(id)[0].rate.to_string(), "0.11000000", "Bronze");
    });
}

#[test]
fn a_holding_beyond_what_can_be_stored_counts_as_the_most_and_stops_nobody() {
    on_each_engine(|scene| {
        let id = scene.player(0);
        scene.change_user(id, |user| {
            (user.solana_address, user.token_balance) = (Some("1".repeat(32)), u64::MAX);
        });
        scene.change_user(id, |user| assert_eq!(user.token_balance, u64::MAX / 2));
        scene.earn(id, 1);
        assert_eq!(scene.open_accruals(id)[0].kills, 1);
    });
}

#[test]
fn the_lag_is_the_age_of_the_oldest_accrual_that_could_be_paid() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 151);
        scene.pass(31 * MINUTE_MS);
        assert_eq!(scene.metric("payout_accrual_lag_minutes").as_deref(), Some("31"));
        assert_eq!(scene.metric("faucet_open_accrual_ban").as_deref(), Some("15.1"));
        scene.settle();
        std::thread::sleep(std::time::Duration::from_millis(250));
        assert_eq!(
            scene.metric("payout_accrual_lag_minutes").as_deref(),
            Some("0"),
            "who is at a cap cannot be paid"
        );
        assert_eq!(scene.metric("faucet_inflight_payout_ban").as_deref(), Some("15"));
    });
}

#[test]
fn the_cadence_counts_from_the_begin_of_a_run_however_long_it_takes() {
    on_each_engine(|scene| {
        scene.player(0);
        let began = scene.test.now();
        scene.stats.fail_next(Misbehaviour::Delay(1_000), 1);
        std::thread::scope(|scope| {
            let running = scope.spawn(|| run(scene, "faucet.accrual"));
            while scene.stats.calls() == 0 {
                std::thread::yield_now();
            }
            let under_way = beat(scene, "accrual");
            assert_eq!((under_way.status.as_str(), under_way.ran_at), ("started", began));
            scene.pass(5 * MINUTE_MS);
            assert!(running.join().unwrap());
        });
        let ended = beat(scene, "accrual");
        assert_eq!((ended.status.as_str(), ended.ran_at), ("ok", began));
        assert_eq!(ended.last_ok_at, Some(scene.test.now()));
        assert_eq!(due(scene, "faucet.accrual"), Some(15 * MINUTE_MS));
    });
}

#[test]
fn a_run_whose_process_died_is_due_again_at_once() {
    on_each_engine(|scene| {
        run(scene, "faucet.prune");
        scene.write(|tx, _| tx.execute("UPDATE faucet_heartbeat SET status = 'started'", &[]));
        scene.pass(MINUTE_MS);
        assert_eq!(due(scene, "faucet.prune"), Some(-MINUTE_MS));
        run(scene, "faucet.prune");
        assert!(due(scene, "faucet.prune").unwrap() > 0);
    });
}
