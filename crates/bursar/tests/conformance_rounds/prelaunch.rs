//! The prelaunch gate (docs/spec/rounds.md section 6, rows R22, R29, R41).

use bursar_devnet::prices::Faults;
use serde_json::{Value, json};

use crate::harness::{Output, START_MS, Server, Setup, Tool};
use crate::scene::{END_MS, OPS_KEY, SETTLE_KEY, Scene, play};

const WALLET: &str = "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd";
const OTHER: &str = "52nguesHaBuF4psFr2uybVnW4angLW2ZtsBRSRmdF8k3";

/// A server that nothing keeps from launching.
fn clean(scene: &Scene) -> Setup {
    scene.setup().env("TREASURY_WALLET", WALLET).env("PANCHO_EXPECTED_TREASURY_WALLET", WALLET)
}

/// The gate from another machine: of the server's environment only its address and the operators' key are there.
fn gate(scene: &Scene, server: &Server, options: &[&str]) -> Output {
    let elsewhere = Tool::of(&Setup::bare(&scene.place).without("DATABASE_URL"));
    let elsewhere = elsewhere.env("OPS_BASE", server.base()).env("OPS_API_KEY", OPS_KEY);
    elsewhere.run(&[&["ops", "prelaunch"], options].concat())
}

fn codes(output: &Output, list: &str) -> Vec<String> {
    let found = output.json()[list].as_array().unwrap().clone();
    found.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

/// The blockers, when the exit is 1 and each is told with its rule and its fix.
#[track_caller]
fn blockers(output: &Output) -> Vec<String> {
    assert_eq!((output.status, &output.json()["ok"]), (1, &json!(false)), "{output:?}");
    let codes = codes(output, "blockers");
    for code in &codes {
        assert!(output.stderr.contains(&format!("- {code}: ")), "{}", output.stderr);
    }
    for one in output.json()["blockers"].as_array().unwrap() {
        assert!(
            ["rule", "fix"].iter().all(|part| one[part].as_str().is_some_and(|text| text.len() > 10)),
            "{one}"
        );
    }
    codes
}

#[test]
fn r41_the_gate_passes_a_clean_server() {
    Scene::for_each_engine(|scene| {
        let server = clean(scene).start();
        let output = gate(scene, &server, &[]);
        assert_eq!((output.status, &*output.stderr), (0, ""), "{}", output.stdout);
        let answer = output.json();
        assert_eq!((&answer["ok"], &answer["base"]), (&json!(true), &json!(server.base())));
        assert_eq!(answer["blockers"], json!([]));
        let warnings = ["settle_key_unset", "escrow_unset", "not_production", "alerts_unsent", "stage_young"];
        assert_eq!(codes(&output, "warnings"), warnings);
        let passed = answer["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == true).count();
        assert_eq!(passed, 4, "{answer}");
    });
}

#[test]
fn r41_each_single_blocker_is_exit_1_and_named() {
    let scene = Scene::sqlite();
    for (setup, code) in [
        (clean(&scene).without("SIM_SETTLE_API_KEY"), "sim_settle_key_missing"),
        (clean(&scene).without("OPS_API_KEY"), "ops_key_missing"),
        (clean(&scene).without("PANCHO_EXPECTED_TREASURY_WALLET"), "expected_treasury_missing"),
        (clean(&scene).env("TREASURY_WALLET", OTHER), "treasury_mismatch"),
        (clean(&scene).env("PANCHO_PAUSE_JOINS", "on"), "joins_paused"),
        (clean(&scene).env("PANCHO_PAUSE_SIM_SETTLEMENTS", "on"), "sim_settlement_paused"),
        (clean(&scene).env("PANCHO_PAUSE_SETTLE_API", "on"), "settle_api_paused"),
    ] {
        let server = setup.start();
        assert_eq!(blockers(&gate(&scene, &server, &[])), [code]);
    }
}

#[test]
fn r41_switches_are_read_as_they_bind_on_the_server_and_not_from_the_operators_environment() {
    let scene = Scene::sqlite();
    let server = clean(&scene).start();
    server.switch("all", "on").expect(200);
    let stopped = ["joins_paused", "sim_settlement_paused", "settle_api_paused"];
    assert_eq!(blockers(&gate(&scene, &server, &[])), stopped);
    server.switch("all", "off").expect(200);
    // The operator's own environment says stop and names another treasury; the server does neither.
    let confused = Tool::beside(&server).env("PANCHO_PAUSE_JOINS", "on").env("TREASURY_WALLET", OTHER);
    assert_eq!(confused.run(&["ops:prelaunch"]).status, 0);
}

#[test]
fn r41_a_degraded_desk_a_failing_smoke_and_an_onchain_wish_each_block() {
    let scene = Scene::sqlite();
    let server = clean(&scene).start();
    play(&server, "SOL", START_MS);
    server.switch("sim-settlement", "on").expect(200);
    server.move_clock(END_MS);
    server.switch("sim-settlement", "off").expect(200);
    assert_eq!(blockers(&gate(&scene, &server, &[])), ["health_degraded"]);
    server.post_with("/api/sim/settle", &[("x-sim-settle-key", SETTLE_KEY)], "").expect(200);
    assert_eq!(gate(&scene, &server, &[]).status, 0);

    let onchain = Tool::beside(&server).env("PANCHO_PRELAUNCH_ONCHAIN", "true");
    assert_eq!(blockers(&onchain.run(&["ops", "prelaunch"])), ["onchain_preflight_failed"]);

    scene.prices.set_faults(Faults { required_key: Some("nobody has it".to_owned()), ..Faults::default() });
    let server = server.restart();
    assert_eq!(blockers(&gate(&scene, &server, &[])), ["smoke_failed"]);
    let left_out = gate(&scene, &server, &["--skip-smoke"]);
    assert_eq!(left_out.status, 0, "{left_out:?}");
    assert!(codes(&left_out, "warnings").contains(&"smoke_skipped".to_owned()));
}

#[test]
fn r41_all_blockers_are_listed_at_once() {
    let scene = Scene::sqlite();
    let setup = clean(&scene).without("SIM_SETTLE_API_KEY").env("TREASURY_WALLET", OTHER);
    let server = setup.start();
    server.switch("joins", "on").expect(200);
    let expected = ["joins_paused", "sim_settle_key_missing", "treasury_mismatch"];
    assert_eq!(blockers(&gate(&scene, &server, &[])), expected);
}

#[test]
fn r41_a_server_that_does_not_answer_or_refuses_the_key_blocks() {
    let scene = Scene::sqlite();
    let server = clean(&scene).start();
    let tool = Tool::beside(&server).env("OPS_API_KEY", "another-key-0123456789-0123456789");
    let refused = tool.run(&["ops", "prelaunch", "--skip-smoke"]);
    assert_eq!(blockers(&refused), ["server_state_unreadable", "health_unavailable"]);
    drop(server);
    let silent = tool.run(&["ops", "prelaunch", "--skip-smoke", "--base", "http://127.0.0.1:1"]);
    assert_eq!(blockers(&silent), ["server_state_unreadable", "health_unavailable", "not_ready"]);
}

#[test]
fn r22_the_report_shows_the_treasury_in_use_beside_the_expected_one() {
    let scene = Scene::sqlite();
    let shown = |setup: Setup| gate(&scene, &setup.start(), &["--skip-smoke"]).json()["treasury"].clone();
    assert_eq!(shown(clean(&scene)), json!({"configured": WALLET, "expected": WALLET, "equal": true}));
    let other = clean(&scene).without("TREASURY_WALLET").env("PANCHO_TREASURY_WALLET", OTHER);
    assert_eq!(shown(other), json!({"configured": OTHER, "expected": WALLET, "equal": false}));
    let unset = clean(&scene).without("TREASURY_WALLET").without("PANCHO_EXPECTED_TREASURY_WALLET");
    assert_eq!(shown(unset), json!({"configured": null, "expected": null, "equal": false}));
}

#[test]
fn r29_the_report_shows_since_when_the_stage_runs_and_for_how_much_of_it_the_server_was_up() {
    let scene = Scene::sqlite();
    let server = clean(&scene).start();
    let stage = |server: &Server| -> Value {
        let answer = gate(&scene, server, &["--skip-smoke"]).json();
        json!([
            answer["stage"]["startedAtMs"],
            answer["stage"]["ageMs"],
            answer["stage"]["upMs"],
            answer["uptimeMs"]
        ])
    };
    let day = 86_400_000;
    server.move_clock(START_MS + day);
    assert_eq!(stage(&server), json!([START_MS, day, day, day]));
    assert!(
        !codes(&gate(&scene, &server, &["--skip-smoke"]), "warnings").contains(&"stage_young".to_owned())
    );
    // A raised tier begins the next stage, a restart does not.
    Tool::beside(&server).json(&["settings", "set", "stake_max_bucks", "100", "--reason", "next stage"]);
    server.move_clock(START_MS + day + 60_000);
    assert_eq!(stage(&server), json!([START_MS + day, 60_000, 60_000, day + 60_000]));
    let server = server.restart();
    server.move_clock(START_MS + day + 90_000);
    assert_eq!(stage(&server), json!([START_MS + day, 90_000, 30_000, 30_000]));
}
