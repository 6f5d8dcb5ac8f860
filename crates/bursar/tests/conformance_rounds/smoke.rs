//! The smoke test and the canary (docs/spec/rounds.md sections 5 and 6, rows R40, R48, R55).

use bursar_devnet::prices::Faults;
use serde_json::{Value, json};

use crate::harness::{Output, START_MS, Server, Tool};
use crate::scene::{END_MS, LOCK_MS, ROUND, Scene};

fn smoke(server: &Server, options: &[&str]) -> Output {
    Tool::beside(server).run(&[&["ops", "smoke"], options].concat())
}

/// What was found, when the exit is 0.
#[track_caller]
fn passed(output: &Output) -> Value {
    assert_eq!((output.status, &*output.stderr), (0, ""), "{}", output.stdout);
    assert_eq!(output.json()["ok"], true);
    output.json()
}

/// The step at which it failed, when the exit is 1.
#[track_caller]
fn failed(output: &Output) -> String {
    assert_eq!((output.status, &output.json()["ok"]), (1, &json!(false)), "{output:?}");
    assert!(!output.stderr.is_empty());
    output.json()["step"].as_str().unwrap().to_owned()
}

#[test]
fn r40_the_smoke_command_joins_and_reads_pool_and_results_of_a_healthy_server() {
    let scene = Scene::sqlite();
    let server = scene.start();
    let answer = passed(&smoke(&server, &[]));
    assert_eq!((&answer["base"], &answer["market"]), (&json!(server.base()), &json!("SOL")));
    assert_eq!((&answer["roundId"], &answer["price"]), (&json!(ROUND), &json!(100)));
    let stakes = answer["joins"].as_array().unwrap().iter().map(|join| {
        (join["direction"].as_str().unwrap(), join["stakeBucks"].as_i64().unwrap(), join["created"].clone())
    });
    assert_eq!(stakes.collect::<Vec<_>>(), [("UP", 10, json!(true)), ("DOWN", 25, json!(true))]);
    assert_eq!(answer["statuses"], json!(["PENDING", "PENDING"]));
    let pool = server.pool(ROUND);
    let figures = ["totalBucks", "upBucks", "downBucks", "players", "entries"].map(|name| pool[name].clone());
    assert_eq!(
        (figures.map(|figure| figure.as_i64().unwrap()), &answer["pool"]),
        ([35, 10, 25, 2, 2], &pool)
    );
    // The operators' key is there, so that the stakes are marked as a canary's.
    assert_eq!((&answer["marked"], &pool["canary"]["totalBucks"]), (&json!(true), &json!(35)));
    // Other wallets each time, and others' stakes beside them do no harm.
    let again = passed(&smoke(&server, &[]));
    assert_eq!(again["pool"]["entries"], 4);
    let wallet = |answer: &Value| answer["joins"][0]["wallet"].as_str().unwrap().to_owned();
    assert!(wallet(&answer).starts_with("Canary") && wallet(&answer) != wallet(&again));
}

#[test]
fn r40_the_smoke_command_exits_1_while_joins_are_paused() {
    let scene = Scene::sqlite();
    let server = scene.start();
    server.switch("joins", "on").expect(200);
    let output = smoke(&server, &[]);
    assert_eq!(failed(&output), "joins");
    assert_eq!((&output.json()["statusCode"], &output.json()["code"]), (&json!(503), &json!("joins_paused")));
    assert_eq!(server.pool(ROUND)["entries"], 0);
    server.switch("joins", "off").expect(200);
    passed(&smoke(&server, &[]));
}

#[test]
fn r40_the_smoke_command_exits_1_without_a_price() {
    let scene = Scene::sqlite();
    scene.prices.set_faults(Faults { required_key: Some("nobody has it".to_owned()), ..Faults::default() });
    let server = scene.start();
    let output = smoke(&server, &[]);
    assert_eq!((failed(&output), &output.json()["statusCode"]), ("price".to_owned(), &json!(503)));
}

#[test]
fn r48_after_a_rollback_a_wallet_joins_sees_pending_and_then_its_entry_settled() {
    Scene::for_each_engine(|scene| {
        scene.rises("SOL", START_MS);
        let server = scene.start();
        let answer = passed(&smoke(&server, &["--wait-settled", "--advance-clock"]));
        assert_eq!(answer["statuses"], json!(["PENDING", "PENDING"]));
        let settled = json!([{"status": "WIN", "payoutCents": 3_290}, {"status": "LOSS", "payoutCents": 0}]);
        assert_eq!((&answer["settled"], server.now_ms()), (&settled, END_MS + 3_000));
        // A tie gives both their stakes back.
        let answer = passed(&smoke(&server, &["--wait-settled", "--advance-clock", "--market", "btc"]));
        let refunded =
            json!([{"status": "REFUND", "payoutCents": 1_000}, {"status": "REFUND", "payoutCents": 2_500}]);
        assert_eq!((&answer["market"], &answer["settled"]), (&json!("BTC"), &refunded));
    });
}

#[test]
fn r48_a_server_that_does_not_settle_fails_the_rollback_smoke() {
    let scene = Scene::sqlite();
    let server = scene.start();
    server.switch("sim-settlement", "on").expect(200);
    let output = smoke(&server, &["--wait-settled", "--advance-clock"]);
    assert_eq!(failed(&output), "settled");
    assert_eq!(output.json()["statuses"], json!(["PENDING", "PENDING"]));
    assert!(output.stderr.contains("PENDING"), "{}", output.stderr);
}

#[test]
fn r55_a_deployment_is_smoke_tested_by_its_base_address_with_the_same_verdicts() {
    let scene = Scene::sqlite();
    let server = scene.start();
    // From another machine: nothing of the server's environment is there.
    let elsewhere = Tool::of(&scene.setup().without("DATABASE_URL").without("OPS_API_KEY"));
    let base = format!("{}/", server.base());
    let run = |arguments: &[&str]| elsewhere.run(arguments);
    assert_eq!(passed(&run(&["ops", "smoke", "--base", &base]))["base"], server.base());
    passed(&run(&["ops", "canary", "--base", &base]));
    let unmarked = passed(&run(&["canary:workers", "--base", &base]));
    assert_eq!((&unmarked["marked"], &unmarked["pool"]["canary"]["entries"]), (&json!(false), &json!(0)));
    // The canary's own variable goes before that of the other commands.
    let configured =
        elsewhere.clone().env("CANARY_BASE", server.base()).env("OPS_BASE", "http://127.0.0.1:1");
    assert_eq!(passed(&configured.run(&["ops", "canary"]))["pool"]["entries"], 8);
    server.switch("joins", "on").expect(200);
    assert_eq!(failed(&run(&["ops", "smoke", "--base", &base])), "joins");
    let unreachable = run(&["ops", "smoke", "--base", "http://127.0.0.1:1"]);
    assert_eq!(
        (failed(&unreachable), &unreachable.json()["base"]),
        ("clock".to_owned(), &json!("http://127.0.0.1:1"))
    );
    let unnamed = run(&["ops", "smoke"]);
    assert_eq!((unnamed.status, &unnamed.json()["code"]), (1, &json!("usage")));
}

#[test]
fn the_canary_joins_only_with_enough_time_left_and_waits_for_the_next_window_otherwise() {
    let scene = Scene::sqlite();
    let server = scene.setup().manual_clock(LOCK_MS - 8_001).start();
    assert_eq!(passed(&smoke(&server, &["--advance-clock"]))["roundId"], ROUND);
    server.move_clock(LOCK_MS - 8_000);
    let standing = smoke(&server, &[]);
    assert_eq!(failed(&standing), "window");
    assert_eq!(passed(&smoke(&server, &["--advance-clock"]))["roundId"], "SOL-1700000160-5m");
    assert_eq!(server.now_ms(), START_MS + 120_000);
    server.move_clock(START_MS + 120_000 + 59_000);
    let impatient = Tool::beside(&server).env("CANARY_WAIT_TIMEOUT_MS", "60000");
    let output = impatient.run(&["ops", "smoke", "--advance-clock"]);
    assert_eq!(failed(&output), "window");
    assert!(output.stderr.contains("60000 ms"), "{}", output.stderr);
}
