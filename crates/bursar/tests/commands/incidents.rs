//! `bursar ops incident`: opening, telling, resolving, reviewing, and what the audit log keeps of it.

use bursar_audit::Level;
use serde_json::{Value, json};

use crate::scene::{Scene, on_each_engine, parse};

const HALF_HOUR_MS: i64 = 1_800_000;

fn told(scene: &Scene) -> Value {
    scene.yes("ops incident show")["incident"].clone()
}

fn listed(scene: &Scene, options: &str) -> Vec<i64> {
    let answer = scene.yes(&format!("ops incident list {options}"));
    answer["incidents"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect()
}

#[test]
fn an_incident_goes_from_open_over_resolved_to_reviewed_and_each_step_is_an_event_with_actor_and_reason() {
    on_each_engine(|scene| {
        let opened =
            scene.yes("ops incident open P1 feed-down --tell late --for 30m --reason drill")["incident"]
                .clone();
        assert_eq!(
            [&opened["id"], &opened["class"], &opened["desk"], &opened["state"], &opened["openedBy"]],
            [&json!(1), &json!("P1"), &json!("rounds"), &json!("open"), &json!("cli:ann")]
        );
        let ends = opened["openedAtMs"].as_i64().unwrap() + HALF_HOUR_MS;
        assert_eq!(told(scene), json!({"message": "late", "etaMs": ends}));
        let ack = scene.yes("ops incident ack 1 --actor bob")["incident"].clone();
        assert!(ack["acknowledgedAtMs"].is_i64());
        scene.yes("ops incident update 1 asked-the-provider --tell nearly --end-unknown --class P2");
        assert_eq!(told(scene), json!({"message": "nearly", "etaMs": null}));
        scene.yes("ops incident resolve 1 feed-is-back");
        assert_eq!(told(scene), Value::Null);
        scene.yes("ops incident reopen 1 gone-again");
        scene.yes("ops incident resolve 1 feed-is-back");
        scene.yes("ops incident review 1 two-feeds");
        let shown = scene.yes("ops incident show 1")["incident"].clone();
        let acts: Vec<_> =
            shown["timeline"].as_array().unwrap().iter().map(|line| line["act"].clone()).collect();
        assert_eq!(
            acts,
            ["opened", "acknowledged", "updated", "resolved", "reopened", "resolved", "reviewed"]
        );
        assert_eq!((&shown["timeline"][1]["actor"], &shown["timers"]), (&json!("cli:bob"), &json!([])));
        let events = scene.events();
        let names: Vec<_> = events.iter().map(|event| event.event.as_str()).collect();
        assert_eq!(
            names,
            acts.iter().map(|act| format!("incident.{}", act.as_str().unwrap())).collect::<Vec<_>>()
        );
        assert!(events.iter().all(|event| event.level == Level::Warn && event.desk == "rounds"));
        let payload: Value = serde_json::from_str(events[0].payload.as_deref().unwrap()).unwrap();
        assert_eq!((&payload["reason"], &payload["actor"]), (&json!("drill"), &json!("cli:ann")));
    });
}

#[test]
fn what_does_not_fit_is_exit_1_with_a_code_and_changes_nothing() {
    on_each_engine(|scene| {
        scene.yes("ops incident open P2 slow");
        scene.yes("ops incident resolve 1 over");
        let code = |line: &str| {
            let (answer, why) = scene.no(line);
            assert!(why.starts_with("Nothing was changed: "), "{why}");
            answer["code"].clone()
        };
        assert_eq!(code("ops incident update 1 more"), "incident_state");
        assert_eq!(code("ops incident resolve 2 over"), "incident_not_found");
        assert_eq!(scene.no("ops incident show 2").0["code"], "incident_not_found");
        assert_eq!(code("ops incident open P1 slow --desk casino"), "invalid_incident");
        assert_eq!(scene.events().len(), 2);
        for usage in [
            "ops incident open P4 slow",
            "ops incident open p1 slow",
            "ops incident open P1",
            "ops incident resolve 1",
            "ops incident update 1 --for 30m --end-unknown",
            "ops incident list --state closed",
            "ops incident list --limit 0",
        ] {
            assert!(parse(usage).is_err(), "{usage}");
        }
    });
}

#[test]
fn tell_opens_or_updates_and_clear_or_the_last_resume_resolves() {
    on_each_engine(|scene| {
        scene.yes("ops pause all");
        let first = scene.yes("ops incident tell late --for 30m");
        assert_eq!((&first["id"], &first["incident"]["message"]), (&json!(1), &json!("late")));
        assert_eq!(scene.yes("ops incident tell later")["id"], 1);
        assert_eq!(
            told(scene),
            json!({"message": "later", "etaMs": null}),
            "an end that is not said again is unknown"
        );
        scene.yes("ops resume sim-settlement");
        assert_eq!(told(scene)["message"], "later");
        scene.yes("ops resume all");
        assert_eq!((told(scene), listed(scene, "--state open")), (Value::Null, vec![]));
        let second = scene.yes("ops incident tell maintenance --class P3")["id"].clone();
        assert_eq!(second, 2);
        assert_eq!(scene.yes("ops incident clear")["resolved"], json!([2]));
        assert_eq!(scene.yes("ops incident clear")["resolved"], json!([]));
        let shown = scene.yes("ops incident show 1")["incident"].clone();
        assert_eq!(
            (&shown["state"], &shown["timeline"][2]["note"]),
            (&json!("resolved"), &json!("Service was resumed."))
        );
    });
}

#[test]
fn the_stop_of_its_time_is_linked_to_an_incident() {
    on_each_engine(|scene| {
        scene.yes("ops pause joins --reason drill");
        scene.yes("ops incident open P2 slow");
        let linked = scene.yes("ops incident show 1")["incident"]["linked"].clone();
        let shown: Vec<_> =
            linked.as_array().unwrap().iter().map(|one| (&one["name"], &one["target"])).collect();
        assert_eq!(shown, [(&json!("control.switch_changed"), &json!("rounds/pause_joins"))]);
    });
}

#[test]
fn incidents_are_listed_by_state_and_desk_the_newest_first() {
    on_each_engine(|scene| {
        scene.yes("ops incident open P2 one");
        scene.yes("ops incident open S3 two --desk faucet");
        scene.yes("ops incident open P0 three --desk platform --tell all-down");
        scene.yes("ops incident resolve 1 over");
        assert_eq!(listed(scene, ""), [3, 2, 1]);
        assert_eq!(listed(scene, "--state open"), [3, 2]);
        assert_eq!(listed(scene, "--desk faucet"), [2]);
        assert_eq!(listed(scene, "--limit 1 --before 3"), [2]);
        assert_eq!(told(scene)["message"], "all-down", "the platform's words are every desk's");
    });
}
