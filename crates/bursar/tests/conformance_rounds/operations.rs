//! What operators read and tune: health, summary, live settings (docs/spec/rounds.md 4.10, 4.11, section 6).

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::{Answer, Join, Place, Server, START_MS, Setup, Tool, wallet};
use crate::scene::{END_MS, Scene, play, round_id};

#[test]
fn r38_the_health_command_exits_0_when_healthy_and_1_when_degraded_unreachable_or_refused() {
    let scene = Scene::sqlite();
    let server = scene.start();
    let tool = Tool::beside(&server);
    let health = tool.run(&["ops", "health"]);
    assert_eq!((health.status, &health.json()["ok"], &health.json()["statusCode"]), (0, &json!(true), &json!(200)));

    let refused = tool.clone().env("OPS_API_KEY", "another-key-0123456789-0123456789").run(&["ops", "health"]);
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
    let totals = json!({"entries": 5, "distinctRoundsInLedger": 3, "pendingDueRounds": 0, "maxSettlementLagMs": 0});
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

fn set(server: &Server, key: &str, value: i64) {
    let reason = ["--reason", "canary goes well"];
    let arguments = ["settings", "set", key, &value.to_string(), reason[0], reason[1]];
    Tool::beside(server).json(&arguments);
}
