//! What operators read and tune: health, summary, live settings (docs/spec/rounds.md 4.10, 4.11, section 6).

use serde_json::json;

use crate::evidence::Evidence;
use crate::harness::{Join, START_MS, Server, Tool, wallet};
use crate::scene::{END_MS, OPS_KEY, Scene, play, round_id};

#[test]
fn r38_the_health_command_exits_0_when_healthy_and_1_when_degraded_unreachable_or_refused() {
    let scene = Scene::sqlite();
    let server = scene.start();
    let tool = Tool::beside(&server);
    let health = tool.run(&["ops", "health"]);
    assert_eq!(
        (health.status, &health.json()["ok"], &health.json()["statusCode"]),
        (0, &json!(true), &json!(200))
    );

    let refused =
        tool.clone().env("OPS_API_KEY", "another-key-0123456789-0123456789").run(&["ops", "health"]);
    assert_eq!((refused.status, &refused.json()["statusCode"]), (1, &json!(401)));

    play(&server, "SOL", START_MS);
    server.switch("sim-settlement", "on").expect(200);
    server.move_clock(END_MS);
    let degraded = tool.run(&["ops", "health"]);
    assert_eq!((degraded.status, &degraded.json()["ok"]), (1, &json!(false)));
    assert_eq!(degraded.json()["health"]["status"], "degraded");

    drop(server);
    let unreachable = tool.run(&["ops", "health"]);
    assert_eq!((unreachable.status, &unreachable.json()["ok"]), (1, &json!(false)));
}

#[test]
fn r56_operations_health_is_readable_at_any_time_and_judges_as_the_command_does() {
    let scene = Scene::sqlite();
    let server = scene.start();
    let verdicts = || {
        let health = server.ops("/api/ops/health");
        (health["status"].clone(), health["ok"] == true, Tool::beside(&server).run(&["ops", "health"]).status)
    };
    assert_eq!(verdicts(), (json!("ok"), true, 0));
    play(&server, "SOL", START_MS);
    server.switch("all", "on").expect(200);
    assert_eq!(verdicts(), (json!("ok"), true, 0));
    server.move_clock(END_MS + 1_500);
    assert_eq!(verdicts(), (json!("degraded"), false, 1));
    let health = server.ops("/api/ops/health");
    assert_eq!(health["totals"], json!({"entries": 2, "dueRoundCount": 1, "pendingDueRounds": 1}));
    assert_eq!(health["settlement"], json!({"maxSettlementLagMs": 1_500}));
    server.switch("all", "off").expect(200);
    server.move_clock(END_MS + 5_000);
    assert_eq!(verdicts(), (json!("ok"), true, 0));
}

#[test]
fn r39_the_summary_command_shows_what_was_played() {
    let scene = Scene::sqlite();
    scene.rises("SOL", START_MS);
    let server = scene.start();
    play(&server, "SOL", START_MS);
    Join::new("alone").round("BTC", START_MS).wallet(3).up(50).accepted(&server);
    server.move_clock(END_MS);
    play(&server, "SOL", END_MS);
    let answer = Tool::beside(&server).json(&["ops", "summary"]);
    let summary = &answer["summary"];
    let totals =
        json!({"entries": 5, "distinctRoundsInLedger": 3, "pendingDueRounds": 0, "maxSettlementLagMs": 0});
    assert_eq!(summary["totals"], totals);
    let markets = json!({"SOL": {"entries": 4, "stakeBucks": 70}, "BTC": {"entries": 1, "stakeBucks": 50}});
    assert_eq!(summary["marketBreakdown"], markets);
    let sol = json!({"roundId": round_id("SOL", START_MS), "mode": "WIN", "winnerSide": "UP", "reason": null,
                     "startPrice": 100, "endPrice": 101, "feeCents": 210, "settledAtMs": END_MS});
    let btc = json!({"roundId": round_id("BTC", START_MS), "mode": "REFUND", "winnerSide": null,
                     "reason": "one_sided", "startPrice": 0, "endPrice": 0, "feeCents": 0, "settledAtMs": END_MS});
    let settled = summary["recentSettlements"].as_array().unwrap();
    assert_eq!(settled.len(), 2);
    assert!(settled.contains(&sol) && settled.contains(&btc), "{settled:?}");
}

#[test]
fn r27_a_canary_starts_with_a_low_highest_tier_that_is_raised_while_running() {
    let scene = Scene::sqlite();
    let server = scene.setup().env("PANCHO_MAX_STAKE_TIER", "25").start();
    assert_eq!(Join::new("fifty").up(50).send(&server).expect_code(400), "invalid_stake_tier");
    Join::new("twenty-five").up(25).accepted(&server);
    set(&server, "stake_max_bucks", 100);
    Join::new("fifty").up(50).accepted(&server);
    assert_eq!(Join::new("most").up(250).send(&server).expect_code(400), "invalid_stake_tier");
}

/// One limit: its setting, and how call number `n` against it is made.
type Limited = (&'static str, fn(&Server, u64) -> u16);

const LIMITS: [Limited; 8] = [
    ("rl_sim_entries_ip_limit", |server, n| Join::new(&format!("ip-{n}")).wallet(n).send(server).status),
    ("rl_sim_entries_wallet_limit", |server, n| Join::new(&format!("w-{n}")).wallet(99).send(server).status),
    ("rl_sim_results_ip_limit", |server, n| read_results(server, n)),
    ("rl_sim_results_wallet_limit", |server, _| read_results(server, 99)),
    ("rl_sim_pool_ip_limit", |server, _| server.get("/api/sim/pool?roundId=x").status),
    ("rl_status_ip_limit", |server, _| server.get("/api/status").status),
    ("rl_ops_health_ip_limit", |server, _| read_ops(server, "health")),
    ("rl_ops_summary_ip_limit", |server, _| read_ops(server, "summary")),
];

fn read_results(server: &Server, player: u64) -> u16 {
    server.get(&format!("/api/sim/results?wallet={}", wallet(player))).status
}

fn read_ops(server: &Server, name: &str) -> u16 {
    server.get_with(&format!("/api/ops/{name}"), &[("x-ops-key", OPS_KEY)]).status
}

fn set(server: &Server, key: &str, value: i64) {
    Tool::beside(server).json(&["settings", "set", key, &value.to_string(), "--reason", "canary goes well"]);
}

#[test]
fn r30_each_raised_limit_binds_without_a_restart_and_is_audited_with_its_old_and_new_value() {
    let scene = Scene::sqlite();
    let server = LIMITS
        .iter()
        .fold(scene.setup(), |setup, (key, _)| setup.env(&format!("PANCHO_{}", key.to_uppercase()), "2"));
    let server = server.start();
    for (key, call) in LIMITS {
        assert_eq!([1, 2, 3].map(|n| call(&server, n)), [200, 200, 429], "{key} = 2");
        // Refused calls count too: of five calls three are made.
        set(&server, key, 5);
        assert_eq!([4, 5, 6].map(|n| call(&server, n)), [200, 200, 429], "{key} = 5");
        set(&server, key, 1_000);
        assert_eq!(call(&server, 7), 200, "{key} = 1000");
    }
    let events = Evidence::of(&scene.place).events("control.setting_changed");
    let seen = events.iter().map(|event| json!([event["key"], event["old"], event["new"], event["reason"]]));
    let change = |key: &str, old: &str, new: &str| json!([key, old, new, "canary goes well"]);
    let expected = LIMITS.iter().flat_map(|(key, _)| [change(key, "2", "5"), change(key, "5", "1000")]);
    assert_eq!(seen.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}
