//! What is counted stays for days, over restarts (docs/spec/rounds.md R29, R50 to R52).

use bursar_ops::rollup::{Bucket, Daily, Limited, RefusedCaller, daily};
use bursar_store::Timestamp;

use crate::evidence::Evidence;
use crate::harness::{Join, START_MS, Server, wallet};
use crate::scene::{END_MS, Scene, play};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn counted(evidence: &Evidence, until_ms: i64) -> Daily {
    let (from, until) = (Timestamp::from_ms(START_MS - HOUR_MS), Timestamp::from_ms(until_ms));
    evidence.read(|tx| daily(tx, from, until, 2))
}

fn bucket(le: &str, count: i64) -> Bucket {
    Bucket { le: le.to_owned(), count }
}

/// What was counted is stored when a server ends in order, whatever was stored before.
fn stop(server: Server) {
    assert!(server.stop().success());
}

#[test]
fn r29_success_answer_times_and_refusals_of_a_day_outlive_restarts_and_go_after_the_days_that_are_set() {
    Scene::for_each_engine(|scene| {
        let limited = scene.setup().env("PANCHO_RL_STATUS_IP_LIMIT", "2");
        for _ in 0..2 {
            let server = limited.start();
            let statuses: Vec<u16> = (0..3).map(|_| server.get("/api/status").status).collect();
            assert_eq!(statuses.iter().filter(|status| **status == 200).count() + 1, 3);
            stop(server);
            scene_time_passes(scene);
        }
        let evidence = Evidence::of(&scene.place);
        let day = counted(&evidence, START_MS + DAY_MS);
        let statuses = day.statuses();
        assert_eq!((statuses["200"], statuses["429"]), (4, 2));
        assert_eq!(day.success_bps(), Some(10_000));
        assert_eq!(day.latency().iter().map(|bucket| bucket.count).sum::<i64>(), 6);
        assert!(day.latency_at_bps(9_500).is_some());
        let setup = scene.setup().env("BURSAR_ROLLUP_DAYS", "2");
        let server = setup.clone().manual_clock(START_MS + DAY_MS).start();
        server.move_clock(START_MS + DAY_MS + HOUR_MS);
        assert_eq!(counted(&evidence, START_MS + DAY_MS).statuses()["429"], 2);
        server.kill();
        let server = setup.manual_clock(START_MS + 3 * DAY_MS).start();
        server.move_clock(START_MS + 3 * DAY_MS + HOUR_MS);
        assert_eq!(counted(&evidence, START_MS + DAY_MS).statuses().len(), 0);
    });
}

/// The next window of limits.
fn scene_time_passes(scene: &Scene) {
    let evidence = Evidence::of(&scene.place);
    evidence.execute("DELETE FROM web_rate_windows");
}

#[test]
fn r50_settled_void_and_failed_rounds_and_their_lag_are_kept() {
    let scene = Scene::sqlite();
    scene.rises("SOL", START_MS);
    let server = scene.start();
    play(&server, "SOL", START_MS);
    server.move_clock(END_MS);
    stop(server);
    let day = counted(&Evidence::of(&scene.place), START_MS + DAY_MS);
    let counts =
        ["settled", "voided", "settle_failures"].map(|name| day.counter(&format!("rounds_{name}_total")));
    assert_eq!(counts, [1, 0, 0]);
    assert_eq!(day.histogram("rounds_settlement_lag_seconds"), [bucket("0.1", 1)]);
    assert_eq!(day.by_label("rounds_joins_total", "result"), [("created".to_owned(), 2)].into());
}

#[test]
fn r51_refusals_by_rate_limit_are_kept_by_route_and_kind_of_bucket() {
    let scene = Scene::sqlite();
    let server = scene.setup().env("PANCHO_RL_STATUS_IP_LIMIT", "1").start();
    (0..4).for_each(|_| _ = server.get("/api/status"));
    stop(server);
    let [desk, route, bucket] = ["rounds", "/api/status", "status:ip"].map(str::to_owned);
    let expected = [Limited { desk, route, bucket, calls: 3 }];
    assert_eq!(counted(&Evidence::of(&scene.place), START_MS + DAY_MS).limited(), expected);
}

#[test]
fn r52_the_wallets_that_are_refused_most_are_listed_with_the_reasons() {
    let scene = Scene::sqlite();
    let setup = scene.setup().env("PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT", "2");
    let server = setup.env("PANCHO_RL_SIM_RESULTS_WALLET_LIMIT", "1").start();
    let join = |id: &str, player: u64| Join::new(id).wallet(player);
    for (player, calls) in [(1, 6), (2, 3), (3, 2)] {
        (0..calls).for_each(|call| _ = join(&format!("{player}-{call}"), player).send(&server));
    }
    join("spoilt", 2).with("stakeBucks", 7).send(&server).expect(400);
    (0..2).for_each(|_| _ = server.get(&format!("/api/sim/results?wallet={}", wallet(1))));
    join("nobody", 9).with("wallet", "no wallet").send(&server).expect(400);
    stop(server);
    let refused = counted(&Evidence::of(&scene.place), START_MS + DAY_MS).refused;
    let caller = |player, calls, codes: &[(&str, i64)]| RefusedCaller {
        desk: "rounds".to_owned(),
        subject: wallet(player),
        calls,
        codes: codes.iter().map(|(code, calls)| ((*code).to_owned(), *calls)).collect(),
    };
    let expected = [
        caller(1, 5, &[("rate_limited", 5)]),
        caller(2, 2, &[("invalid_stake_tier", 1), ("rate_limited", 1)]),
    ];
    assert_eq!(refused, expected);
}
