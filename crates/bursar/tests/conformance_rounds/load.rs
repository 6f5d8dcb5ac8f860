//! The load profiles against the real server (docs/spec/rounds.md section 5, rows R23 to R25).

use serde_json::{Value, json};

use crate::harness::{Join, Output, START_MS, Server, Setup, Tool};
use crate::scene::{END_MS, MARKETS, ROUND, Scene};

/// The server with the address limits that a load from one host needs.
fn raised(scene: &Scene) -> Setup {
    ["SIM_ENTRIES", "SIM_RESULTS", "SIM_POOL"]
        .iter()
        .fold(scene.setup(), |setup, bucket| setup.env(&format!("PANCHO_RL_{bucket}_IP_LIMIT"), "1000000"))
}

/// Up, down and a tie.
fn set_prices(scene: &Scene, start_ms: i64) {
    for (market, at_end) in MARKETS.iter().zip([101, 99, 100, 102, 98, 100]) {
        scene.prices.set_round(market, start_ms, 100, at_end);
    }
}

fn load(server: &Server, line: &str) -> Output {
    let mut arguments = vec!["load"];
    arguments.extend(line.split(' '));
    arguments.extend(["--base", server.base(), "--advance-clock"]);
    Tool::beside(server).run(&arguments)
}

#[track_caller]
fn passed(output: &Output) -> Value {
    assert_eq!((output.status, &*output.stderr), (0, ""), "{}", output.stdout);
    assert_eq!((&output.json()["ok"], &output.json()["breaches"]), (&json!(true), &json!([])));
    output.json()
}

/// The checks that failed, in order.
#[track_caller]
fn failed(output: &Output) -> Vec<String> {
    assert_eq!((output.status, &output.json()["ok"]), (1, &json!(false)), "{output:?}");
    let breaches = output.json()["breaches"].as_array().unwrap().clone();
    let names = breaches.iter().map(|breach| breach["check"].as_str().unwrap().to_owned());
    let mut names: Vec<String> = names.collect();
    assert!(names.iter().all(|name| output.stderr.contains(name)), "{}", output.stderr);
    names.dedup();
    names
}

/// The sum of a field over all rounds of a report.
fn sum(report: &Value, field: &str) -> i64 {
    report["rounds"].as_array().unwrap().iter().map(|round| round[field].as_i64().unwrap()).sum()
}

#[test]
fn r23_5000_wallets_join_in_one_window_without_a_failure_and_the_pools_are_exact() {
    let scene = Scene::sqlite();
    set_prices(&scene, START_MS);
    let server = raised(&scene).start();
    let report = passed(&load(&server, "entries --seed 23"));
    let entries = &report["entries"];
    let counts =
        ["planned", "accepted", "failed", "unsent", "networkErrors"].map(|name| entries[name].clone());
    assert_eq!(counts, [5_000, 5_000, 0, 0, 0]);
    assert_eq!(
        (&report["profile"], &report["seed"], &report["postponed"]),
        (&json!("entries"), &json!("23"), &json!(0))
    );
    // What the load says it has sent is in the pools, in the summary and in the book alike.
    let pools = MARKETS.map(|market| server.pool(&format!("{market}-1700000040-5m")));
    let in_pools = |field: &str| pools.iter().map(|pool| pool[field].as_i64().unwrap()).sum::<i64>();
    assert_eq!((in_pools("entries"), in_pools("players"), sum(&report, "entries")), (5_000, 5_000, 5_000));
    assert_eq!(in_pools("totalBucks") * 100, sum(&report, "poolCents"));
    let summary = server.ops("/api/ops/summary");
    assert_eq!(summary["totals"]["entries"], 5_000);
    for (market, pool) in MARKETS.iter().zip(&pools) {
        assert_eq!(summary["marketBreakdown"][market]["stakeBucks"], pool["totalBucks"], "{market}");
        assert!(pool["upBucks"].as_i64() > Some(0) && pool["downBucks"].as_i64() > Some(0), "{pool}");
    }
}

#[test]
fn r24_4500_entries_settle_and_all_wallets_show_final_results_that_add_up() {
    let scene = Scene::sqlite();
    set_prices(&scene, START_MS);
    let server = raised(&scene).start();
    let report = passed(&load(&server, "settlement"));
    assert_eq!((&report["entries"]["accepted"], &report["entries"]["failed"]), (&json!(4_500), &json!(0)));
    assert_eq!((&report["reads"]["count"], &report["rereads"]["count"]), (&json!(4_500), &json!(4_500)));
    let modes: Vec<Value> =
        report["rounds"].as_array().unwrap().iter().map(|round| round["mode"].clone()).collect();
    assert_eq!(modes, ["WIN", "WIN", "REFUND", "WIN", "WIN", "REFUND"]);
    for round in report["rounds"].as_array().unwrap() {
        let cents = |field: &str| round[field].as_i64().unwrap();
        assert_eq!(cents("paidCents") + cents("feeCents"), cents("poolCents"), "{round}");
        // The fee stands in the server's own summary too.
        assert_eq!(round["feeCompared"], true, "{round}");
    }
    assert!(sum(&report, "feeCents") > 0);
}

#[test]
fn r24_the_batched_profile_reads_all_wallets_in_batches_with_the_same_verdict() {
    let scene = Scene::sqlite();
    set_prices(&scene, START_MS);
    let server = raised(&scene).start();
    let report = passed(&load(&server, "all-wallets --total 700 --batch-size 100"));
    assert_eq!((&report["reads"]["count"], &report["rereads"]["count"]), (&json!(700), &json!(700)));
    // Two times six pauses between seven batches, and one before the second reading.
    assert_eq!(server.now_ms(), END_MS + 3_000 + 2 * 6 * 250 + 600);
}

#[test]
fn r25_three_seconds_after_the_end_no_entry_of_a_load_is_pending_or_missing() {
    let scene = Scene::sqlite();
    set_prices(&scene, START_MS);
    let server = raised(&scene).start();
    let report = passed(&load(&server, "settlement --total 300 --recheck-delay-ms 0"));
    let counts = ["PENDING", "MISSING", "WIN", "LOSS", "REFUND"]
        .map(|status| report["statuses"][status].as_i64().unwrap());
    assert_eq!((counts[0], counts[1], counts.iter().sum::<i64>()), (0, 0, 300));
    assert_eq!((&report["readAfterGraceMs"], server.now_ms()), (&json!(0), END_MS + 3_000));
}

#[test]
fn stages_go_on_over_as_many_windows_as_their_limit_a_window_demands() {
    let scene = Scene::sqlite();
    let server = raised(&scene).start();
    let report = passed(&load(&server, "staged --stages 30,70 --per-round 20"));
    let stage = |target: i64, windows: i64| json!({"target": target, "accepted": target, "failed": 0, "unsent": 0, "windows": windows});
    assert_eq!(report["stages"], json!([stage(30, 2), stage(70, 4)]));
    assert_eq!(report["reads"]["count"], 100);
    // The sixth window opened ten minutes after the first and ended six minutes later; every price is a tie.
    assert_eq!(server.now_ms(), END_MS + 5 * 120_000 + 3_000 + 600);
    assert_eq!(report["statuses"]["REFUND"], 100);
}

#[test]
fn limits_are_obeyed_and_told_and_do_not_count_as_failures_while_the_window_lasts() {
    let scene = Scene::sqlite();
    set_prices(&scene, START_MS);
    let setup = scene.setup().env("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "50");
    let setup = setup.env("PANCHO_RL_SIM_RESULTS_IP_LIMIT", "50");
    let server = setup.start();
    let report = passed(&load(&server, "entries --total 120 --concurrency 10 --results-concurrency 10"));
    assert_eq!(report["entries"]["accepted"], 120);
    assert!(report["postponed"].as_i64().unwrap() > 0, "{report}");
}

#[test]
fn entries_that_the_limits_keep_out_of_their_window_are_a_breach() {
    let scene = Scene::sqlite();
    let server = scene.setup().env("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "10").start();
    let output = load(&server, "entries --total 70 --concurrency 4");
    assert_eq!(failed(&output), ["joins_unsent"]);
    let report = output.json();
    assert_eq!((&report["entries"]["accepted"], &report["entries"]["unsent"]), (&json!(60), &json!(10)));
    assert_eq!(
        server.pool(ROUND)["entries"].as_i64(),
        report["rounds"]
            .as_array()
            .unwrap()
            .iter()
            .find(|round| round["roundId"] == ROUND)
            .map_or(Some(0), |round| round["entries"].as_i64())
    );
}

#[test]
fn refused_joins_are_a_breach_that_names_the_refusal() {
    let scene = Scene::sqlite();
    let server = raised(&scene).start();
    server.switch("joins", "on").expect(200);
    let output = load(&server, "entries --total 20");
    assert_eq!(failed(&output), ["joins_failed"]);
    assert!(
        output.stderr.contains("20 cases") && output.stderr.contains("503 joins_paused"),
        "{}",
        output.stderr
    );
}

#[test]
fn entries_that_stay_pending_are_a_breach() {
    let scene = Scene::sqlite();
    let server = raised(&scene).start();
    server.switch("sim-settlement", "on").expect(200);
    let output = load(&server, "settlement --total 20");
    assert_eq!(failed(&output), ["results_pending"]);
    assert_eq!(output.json()["statuses"]["PENDING"], 20);
}

#[test]
fn a_stake_of_somebody_else_in_the_pool_is_a_breach() {
    let scene = Scene::sqlite();
    set_prices(&scene, START_MS);
    let server = raised(&scene).start();
    Join::new("stranger").up(5).accepted(&server);
    let output = load(&server, "entries --total 60 --seed 1");
    // The stranger's stake changes shares and fee of the round too.
    let names = failed(&output);
    assert!(
        names.contains(&"pool_differs".to_owned()) && names.contains(&"pool_not_conserved".to_owned()),
        "{names:?}"
    );
    assert!(output.json()["breaches"].as_array().unwrap().iter().all(|breach| breach["roundId"] == ROUND));
}

#[test]
fn a_clock_that_is_no_real_time_and_a_server_that_is_not_there_end_a_load_before_it_begins() {
    let scene = Scene::sqlite();
    let server = scene.start();
    let tool = Tool::beside(&server);
    let still = tool.run(&["load", "entries", "--base", server.base()]);
    assert_eq!(still.status, 1);
    assert!(still.stderr.contains("--advance-clock"), "{}", still.stderr);
    assert_eq!(server.pool(ROUND)["entries"], 0);
    let nobody = tool.run(&["load", "entries", "--base", "http://127.0.0.1:1"]);
    assert_eq!((nobody.status, &nobody.json()["base"]), (1, &json!("http://127.0.0.1:1")));
    assert!(nobody.stderr.contains("--base"), "{}", nobody.stderr);
    drop(server);
    let server = scene.setup().without("BURSAR_CLOCK").start();
    let real = load(&server, "entries");
    assert_eq!(real.status, 1);
    assert!(real.stderr.contains("409"), "{}", real.stderr);
    drop(server);
    let server = scene.setup().env("BURSAR_CLOCK", "x20").start();
    let fast = tool.run(&["load", "entries", "--base", server.base()]);
    assert_eq!(fast.status, 1);
    assert!(fast.stderr.contains("faster than real time"), "{}", fast.stderr);
}
