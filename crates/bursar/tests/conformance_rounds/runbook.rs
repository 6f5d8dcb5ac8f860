//! The runbook against a live server: every command block works, and a walk asks, times and records (docs/spec/rounds.md
//! section 6).

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::{Output, Server, Tool, Webhook};
use crate::scene::Scene;

const WALLET: &str = "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd";

/// A server with all that a launch asks for.
fn start(scene: &Scene, webhook: &Webhook) -> Server {
    let treasury =
        scene.setup().env("TREASURY_WALLET", WALLET).env("PANCHO_EXPECTED_TREASURY_WALLET", WALLET);
    treasury.env("AUDIT_WEBHOOK_URL", &webhook.url()).start()
}

fn walk(server: &Server, name: &str, options: &[&str]) -> Output {
    Tool::beside(server).run(&[&["runbook", "run", name, "--advance-clock"], options].concat())
}

#[track_caller]
fn walked(server: &Server, name: &str) -> Value {
    let output = walk(server, name, &["--yes", "--actor", "ann", "--reason", "conformance"]);
    assert_eq!((output.status, &output.json()["outcome"]), (0, &json!("done")), "{}", output.stderr);
    output.json()
}

/// The names of the procedures for alerts, or of the desk's others.
fn listed(server: &Server, of_alerts: bool) -> Vec<String> {
    let listed = Tool::beside(server).json(&["runbook", "list"])["runbooks"].clone();
    let listed = listed.as_array().unwrap().clone();
    let listed =
        listed.iter().filter(|one| one["alert"] == of_alerts && (of_alerts || one["desk"] == "rounds"));
    listed.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_command_block_of_the_runbook_works_on_a_live_server() {
    Scene::for_each_engine(|scene| {
        let webhook = Webhook::start();
        let server = start(scene, &webhook);
        let listed = listed(&server, false);
        // `resume` follows each procedure that leaves everything stopped.
        let order = ["launch", "canary-stages", "pause", "resume", "rollback", "daily", "incident", "resume"];
        assert!(
            listed.iter().all(|name| order.contains(&name.as_str())) && listed.len() == order.len() - 1,
            "{listed:?}"
        );
        for name in order {
            let answer = walked(&server, name);
            for step in answer["steps"].as_array().unwrap() {
                assert_eq!(
                    (&step["outcome"], &step["inTime"]),
                    (&json!("done"), &json!(true)),
                    "{name}: {step}"
                );
            }
        }
        assert_eq!(server.status()["status"], "ok");
        assert_eq!(server.status().get("incident"), None, "the last resume took the words for players away");
    });
}

#[test]
fn every_command_block_of_the_alerts_pages_works_on_a_live_server() {
    Scene::for_each_engine(|scene| {
        let webhook = Webhook::start();
        let server = start(scene, &webhook);
        Tool::beside(&server).json(&["backup", "create"]);
        for name in listed(&server, true) {
            for step in walked(&server, &name)["steps"].as_array().unwrap() {
                assert_eq!(step["outcome"], "done", "{name}: {step}");
                for command in step["commands"].as_array().unwrap() {
                    // A step may say no about a server that is not well. This one is, but not fit for production.
                    let is_about_production = command["command"] == "bursar config check";
                    assert!(is_about_production || command["ok"] == true, "{name}: {command}");
                }
            }
        }
    });
}

#[test]
fn a_walk_leaves_each_step_with_its_time_and_its_budget_in_the_audit_log() {
    let scene = Scene::sqlite();
    let server = start(&scene, &Webhook::start());
    walked(&server, "pause");
    let log = Tool::beside(&server).json(&["audit", "list", "--event", "runbook.", "--oldest"]);
    let events = log["events"].as_array().unwrap();
    let names: Vec<&str> = events.iter().map(|one| one["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["runbook.started", "runbook.step", "runbook.step", "runbook.step", "runbook.ended"]);
    assert!(events.iter().all(|one| one["actor"] == "cli:ann"), "{log}");
    let payloads: Vec<String> = Evidence::of(&scene.place)
        .column("SELECT payload FROM audit_events WHERE event = 'runbook.step' ORDER BY id", &[]);
    let first: Value = serde_json::from_str(&payloads[0]).unwrap();
    assert_eq!(
        (&first["run"]["step"], &first["run"]["budgetMs"]),
        (&json!("Stop everything"), &json!(60_000))
    );
    assert!(first["run"]["tookMs"].is_number() && first["reason"] == "conformance", "{first}");
}

#[test]
fn a_step_that_changes_something_is_asked_for_and_silence_means_no() {
    let scene = Scene::sqlite();
    let server = start(&scene, &Webhook::start());
    let output = walk(&server, "pause", &[]);
    assert_eq!((output.status, &output.json()["outcome"]), (1, &json!("declined")));
    assert!(output.stderr.contains("[y/N]"), "{}", output.stderr);
    assert_eq!(server.status()["joinsPaused"], false);
}

#[test]
fn a_dry_run_shows_every_command_and_does_none() {
    let scene = Scene::sqlite();
    let server = start(&scene, &Webhook::start());
    let before = Evidence::of(&scene.place).domain();
    let shown = Tool::beside(&server).json(&["runbook", "run", "pause", "--dry-run"]);
    assert_eq!(shown["steps"][0]["commands"], json!(["bursar ops pause all --reason \"runbook: pause\""]));
    assert_eq!(
        (&shown["steps"][0]["changesState"], &shown["steps"][0]["budgetMinutes"]),
        (&json!(true), &json!(1))
    );
    assert!(Evidence::of(&scene.place).domain() == before);
    assert_eq!(Tool::beside(&server).json(&["audit", "list", "--event", "runbook."])["events"], json!([]));
}

#[test]
fn a_step_that_fails_ends_the_walk_and_names_itself() {
    let scene = Scene::sqlite();
    let server = start(&scene, &Webhook::start());
    server.switch("all", "on").expect(200);
    let output = walk(&server, "launch", &["--yes"]);
    assert_eq!((output.status, &output.json()["outcome"]), (1, &json!("failed")));
    let steps = output.json()["steps"].as_array().unwrap().clone();
    assert_eq!((steps.len(), &steps[3]["step"]), (4, &json!("The gate is open")));
    assert!(output.stderr.contains("\"The gate is open\": failed"), "{}", output.stderr);
}

#[test]
fn r35_players_are_told_by_command_what_is_going_on_and_until_when() {
    Scene::for_each_engine(|scene| {
        let server = scene.start();
        let tool = Tool::beside(&server);
        tool.json(&["ops", "incident", "tell", "Price feed outage", "--for", "30m", "--reason", "feed"]);
        let shown = json!({"message": "Price feed outage", "etaMs": server.now_ms() + 1_800_000});
        assert_eq!(server.status()["incident"], shown);
        assert_eq!(tool.json(&["ops", "incident", "show"])["incident"], shown);
        tool.json(&["ops", "incident", "clear"]);
        assert_eq!(server.status().get("incident"), None);
        assert_eq!(tool.run(&["ops", "incident", "tell", " "]).status, 1);
    });
}

#[test]
fn a_runbook_that_does_not_exist_is_a_usage_error_that_names_those_that_do() {
    let scene = Scene::sqlite();
    let tool = Tool::of(&scene.setup());
    let output = tool.run(&["runbook", "show", "dance"]);
    assert_eq!((output.status, &output.json()["code"]), (1, &json!("usage")));
    assert!(output.stderr.contains("launch, canary-stages, pause"), "{}", output.stderr);
    let pause = tool.run(&["runbook", "show", "pause"]);
    assert!(pause.status == 0 && pause.stdout.starts_with("## pause: "), "{pause:?}");
    let late = tool.run(&["runbook", "show", "settlement-late"]);
    assert!(late.status == 0 && late.stdout.starts_with("## settlement-late: "), "{late:?}");
}
