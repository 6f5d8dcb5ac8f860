//! What operators are told: gauges of a running server, and the rules that come with it over its scrapes.

use bursar_devnet_banano::Misbehaviour as NodeFault;
use bursar_devnet_faucet::Misbehaviour;
use serde_json::json;

use crate::harness::{LiveFaucet, Place, Setup};
use crate::scrapes::Scrapes;

const MINUTE_MS: i64 = 60_000;

/// Both cycles every 20 minutes.
fn every_20_minutes(setup: Setup) -> Setup {
    setup.env("P2S_INTERVAL_SECONDS", "1200")
}

#[test]
fn f6_accrual_that_stands_still_for_more_than_two_intervals_is_told_and_no_longer_once_it_runs() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 99, |setup| setup.env("P2S_INTERVAL_SECONDS", "120"));
    faucet.switch("scheduler_halted", "on");
    let (mut at_the_bound, mut past_it) = (Scrapes::default(), Scrapes::default());
    faucet.pass_ms(MINUTE_MS - since_accrual_ms(&faucet));
    for minute in 1..=4 {
        at_the_bound.take(&faucet);
        faucet.pass_ms(1_000);
        past_it.take(&faucet);
        if minute < 4 {
            faucet.pass_ms(MINUTE_MS - 1_000);
        }
    }
    assert_eq!(since_accrual_ms(&faucet), 241_000, "the intervals are 120 s long");
    assert!(!at_the_bound.fire("FaucetAccrualStale"), "240 s");
    assert!(past_it.fire("FaucetAccrualStale"), "241 s");
    faucet.switch("scheduler_halted", "off");
    past_it.take_for(&faucet, 1);
    assert!(!past_it.fire("FaucetAccrualStale"));
}

/// How long ago an accrual run last succeeded, by the metrics.
fn since_accrual_ms(faucet: &LiveFaucet) -> i64 {
    let series = "faucet_last_cycle_timestamp_seconds{job=\"accrual\"}";
    let text = faucet.server.get("/metrics").text;
    let at_s = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse::<i64>().ok()).unwrap();
    faucet.server.now_ms() - 1_000 * at_s
}

#[test]
fn f15_the_lag_is_the_age_of_what_waits_and_0_once_it_is_paid() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 99, every_20_minutes);
    let player = faucet.player(1, 0);
    assert_eq!(faucet.metric("payout_accrual_lag_minutes"), 0.0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.switch("payouts_halted", "on");
    faucet.trigger();
    faucet.pass_ms(31 * MINUTE_MS);
    assert!(faucet.metric("payout_accrual_lag_minutes") >= 31.0);
    faucet.switch("payouts_halted", "off");
    faucet.trigger();
    faucet.pass_ms(MINUTE_MS);
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
    assert_eq!(faucet.metric("payout_accrual_lag_minutes"), 0.0);
}

#[test]
fn f18_the_gauge_of_the_mode_follows_the_switch_without_a_restart() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let mut modes = vec![faucet.metric("app_dry_run_mode")];
    for state in ["on", "off"] {
        faucet.switch("force_dry_run", state);
        modes.push(faucet.metric("app_dry_run_mode"));
    }
    assert_eq!(modes, [0.0, 1.0, 0.0]);
}

#[test]
fn f19_five_minutes_of_dry_run_are_told_and_health_names_the_mode_and_who_set_it() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 99, every_20_minutes);
    let mut scrapes = Scrapes::default();
    scrapes.take_for(&faucet, 1);
    faucet.switch("force_dry_run", "on");
    scrapes.take_for(&faucet, 5);
    assert!(!scrapes.fire("FaucetDryRun"), "for four minutes");
    scrapes.take_for(&faucet, 1);
    assert!(scrapes.fire("FaucetDryRun"));
    let health = faucet.admin_get("/admin/health/extended");
    let switches = health["switches"].as_array().unwrap();
    let forced = switches.iter().find(|switch| switch["switch"] == "force_dry_run").unwrap();
    assert_eq!((&health["dry_run"], &forced["stopped_by"]), (&json!(true), &json!("row")));
    assert_eq!(forced["reason"], "a test");
    assert!(forced["actor"].as_str().unwrap().starts_with("admin-"), "{forced}");
    faucet.switch("force_dry_run", "off");
    scrapes.take_for(&faucet, 1);
    assert!(!scrapes.fire("FaucetDryRun"));
}

#[test]
fn f21_players_who_wait_for_a_locked_database_are_told_of_and_health_shows_where_it_stands() {
    let place = Place::postgres();
    // The first settlement is due half an interval after the start.
    let faucet = LiveFaucet::start_with(&place, 99, |setup| setup.env("P2S_INTERVAL_SECONDS", "3840"));
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.switch("payouts_halted", "on");
    faucet.trigger();
    faucet.switch("payouts_halted", "off");
    let mut scrapes = Scrapes::default();
    faucet.pass_ms(29 * MINUTE_MS);
    scrapes.take(&faucet);
    assert!(!scrapes.fire("FaucetAccrualLag"), "29 minutes");
    let mut psql = place.psql();
    let mut lock = psql.transaction().unwrap();
    lock.batch_execute("LOCK TABLE faucet_payout IN EXCLUSIVE MODE").unwrap();
    let cookie = faucet.admin();
    std::thread::scope(|scope| {
        // The settlement waits for the lock, and whoever moves the clock for the settlement.
        let moves = scope.spawn(|| faucet.pass_ms(4 * MINUTE_MS));
        faucet.wait_until("the lag", || faucet.metric("payout_accrual_lag_minutes") > 30.0);
        scrapes.take(&faucet);
        assert!(scrapes.fire("FaucetAccrualLag"));
        assert!(!moves.is_finished(), "nothing is settled past the lock");
        let health = faucet.server.get_with("/admin/health/extended", &[("cookie", &cookie)]).expect(200);
        assert!(health["db_latency_ms"].is_u64(), "{health}");
        let beats = health["heartbeats"].as_array().unwrap();
        let accrual = beats.iter().find(|beat| beat["job"] == "accrual").unwrap();
        assert!(accrual["age_sec"].as_i64().unwrap() >= 30 * 60, "{accrual}");
        lock.rollback().unwrap();
    });
    faucet.pass_ms(MINUTE_MS);
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
    scrapes.take(&faucet);
    assert!(!scrapes.fire("FaucetAccrualLag"));
}

#[test]
fn f22_1_failure_in_19_attempts_is_told_and_1_in_20_is_not() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 99, every_20_minutes);
    let players: Vec<_> = (1..=9).map(|number| faucet.player(number, 0)).collect();
    let mut scrapes = Scrapes::default();
    scrapes.take(&faucet);
    // The node refuses one block, and takes it when it is sent once more.
    faucet.outside.node_fault("process", NodeFault::Refuse("Bad signature".to_owned()), 1);
    for _ in 0..2 {
        for player in &players {
            faucet.outside.stats.grow_kills(&player.epic, 1);
        }
        faucet.trigger();
        scrapes.take_for(&faucet, 1);
    }
    let counted = || {
        ["success", "failed"]
            .map(|result| faucet.metric(&format!("payout_attempts_total{{result=\"{result}\"}}")))
    };
    assert_eq!(counted(), [18.0, 1.0]);
    assert!(scrapes.fire("FaucetPayoutsFailing"), "5.26 %");
    faucet.outside.stats.grow_kills(&players[0].epic, 1);
    faucet.trigger();
    scrapes.take_for(&faucet, 1);
    assert_eq!(counted(), [19.0, 1.0]);
    assert!(!scrapes.fire("FaucetPayoutsFailing"), "5.00 %");
}

#[test]
fn f23_answers_that_take_800_ms_are_told_and_shown_by_route_and_by_upstream() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 99, every_20_minutes);
    let player = faucet.player(1, 0);
    let mut scrapes = Scrapes::default();
    scrapes.take(&faucet);
    for _ in 0..4 {
        faucet.outside.discord.fail_next_of("token", Misbehaviour::Delay(800), 1);
        faucet.sign_in(player.id, &[]);
        scrapes.take_for(&faucet, 4);
    }
    assert!(scrapes.fire("FaucetSlow"));
    let slow = |bound: &str| {
        let labels = "method=\"GET\",path=\"/auth/discord/callback\"";
        faucet.metric(&format!("http_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}}"))
    };
    assert_eq!(slow("1") - slow("0.75"), 4.0);
    let asked = |upstream: &str, bound: &str| {
        let labels = format!("upstream=\"{upstream}\",le=\"{bound}\"");
        faucet.metric(&format!("faucet_upstream_latency_seconds_bucket{{{labels}}}"))
    };
    assert_eq!(asked("discord", "1") - asked("discord", "0.75"), 4.0);
    assert_eq!(asked("yunite", "0.75"), asked("yunite", "+Inf"));
}

#[test]
fn f24_eleven_flags_within_an_hour_are_told_listed_and_reviewed() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 99, every_20_minutes);
    let mut scrapes = Scrapes::default();
    scrapes.take(&faucet);
    let players: Vec<_> = (1..=11).map(|number| faucet.player(number, 0)).collect();
    for player in &players[..10] {
        faucet.outside.stats.grow_kills(&player.epic, 151);
    }
    faucet.trigger();
    scrapes.take_for(&faucet, 1);
    assert_eq!(faucet.metric("flagged_users_total"), 10.0);
    assert!(!scrapes.fire("FaucetFlagSpike"), "ten");
    faucet.outside.stats.grow_kills(&players[10].epic, 151);
    faucet.trigger();
    scrapes.take_for(&faucet, 1);
    assert_eq!(faucet.metric("flagged_users_total"), 11.0);
    assert!(scrapes.fire("FaucetFlagSpike"));
    let flags = faucet.admin_get("/admin/flags");
    assert_eq!(flags["count"], 11);
    let review = format!("/admin/flags/{}/review", flags["flags"][0]["id"]);
    let wish = json!({"verdict": "false_positive", "reason": "a tournament"});
    faucet.admin_post(&review, &wish).expect(200);
    assert_eq!(faucet.admin_get("/admin/flags")["count"], 10);
    assert_eq!(faucet.admin_get("/admin/flags?state=false_positive")["count"], 1);
}
