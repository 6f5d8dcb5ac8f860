//! What administrators see of the log.

use bursar_faucet::identity::admin;
use bursar_faucet::rules::session_token::ADMIN_TTL_S;
use bursar_store::EngineKind;
use serde_json::json;

use crate::scene::{ADMIN, SECRET, Scene};

/// A line as the server writes it for a request.
fn line(request: &str, correlation: &str, trace: &str) -> String {
    let line = json!({
        "event": "http_request", "requestId": request, "correlation_id": correlation, "trace_id": trace, "status": 200,
    });
    format!("{line}\n")
}

fn scene() -> (Scene, String) {
    let scene = Scene::on(EngineKind::Sqlite, false, |_| {});
    let cookie = scene.admin();
    (scene, cookie)
}

fn lines(scene: &Scene, cookie: &str, query: &str) -> Vec<String> {
    let answer = scene.get(&format!("/admin/logs/recent{query}"), cookie).ok();
    let lines: Vec<String> =
        answer["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect();
    assert_eq!(answer["count"], lines.len());
    lines
}

#[test]
fn f42_one_request_id_leads_to_all_its_lines_and_no_others() {
    let (scene, cookie) = scene();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let ours = [line("r-1", "c-1", trace), line("r-1", "c-1", trace)];
    for line in
        [&ours[0], &line("r-2", "c-1", "f00"), &ours[1], &line("r-11", "c-2", "f01"), "r-1 is no JSON\n"]
    {
        scene.log.push(line);
    }
    let trimmed: Vec<&str> = ours.iter().map(|line| line.trim_end()).collect();
    assert_eq!(lines(&scene, &cookie, "?request_id=r-1"), trimmed);
    assert_eq!(lines(&scene, &cookie, &format!("?trace_id={trace}")), trimmed);
    assert_eq!(lines(&scene, &cookie, "?correlation_id=c-1").len(), 3);
    assert_eq!(lines(&scene, &cookie, "?correlation_id=c-1&request_id=r-2").len(), 1);
    assert_eq!(lines(&scene, &cookie, "?request_id=nobody"), Vec::<String>::new());
}

#[test]
fn the_newest_lines_come_oldest_first_and_tail_is_held_between_1_and_5000() {
    let (scene, cookie) = scene();
    for number in 0..100 {
        scene.log.push(&format!("line {number}"));
    }
    assert_eq!(lines(&scene, &cookie, "?tail=2"), ["line 98", "line 99"]);
    assert_eq!(lines(&scene, &cookie, "?tail=-7"), ["line 99"]);
    assert_eq!(lines(&scene, &cookie, "?tail=999999").len(), 100);
    assert_eq!(scene.get("/admin/logs/recent?tail=x", &cookie).status, 422);
}

#[test]
fn a_secret_that_slipped_into_the_log_is_not_shown() {
    let (scene, cookie) = scene();
    scene.log.push(&format!("oops {SECRET}"));
    assert_eq!(lines(&scene, &cookie, ""), ["oops ***"]);
    let streamed = scene.stream("/admin/logs/tail", &cookie, || {}, |text| text.contains("oops"));
    assert!(streamed.text.ends_with("data: oops ***\n\n"), "{}", streamed.text);
}

#[test]
fn the_stream_begins_with_the_newest_lines_and_goes_on_with_those_that_come() {
    let (scene, cookie) = scene();
    scene.log.push("before");
    scene.log.push(&line("r-1", "r-1", "f00"));
    let add = || {
        scene.log.push(&line("r-2", "r-2", "f01"));
        scene.log.push(&line("r-1", "r-1", "f02"));
    };
    let streamed =
        scene.stream("/admin/logs/tail?tail=5&request_id=r-1", &cookie, add, |text| text.contains("f02"));
    assert_eq!(streamed.header("content-type"), Some("text/event-stream"));
    let events: Vec<&str> = streamed.text.split("\n\n").filter(|event| event.starts_with("data: ")).collect();
    assert_eq!(events.len(), 2, "{}", streamed.text);
    let none = scene.stream(
        "/admin/logs/tail?tail=0",
        &cookie,
        || scene.log.push("after"),
        |text| text.contains("after"),
    );
    assert!(!none.text.contains("before"), "{}", none.text);
}

#[test]
fn only_administrators_read_the_log() {
    let (scene, _) = scene();
    let player = scene.alice();
    for path in ["/admin/logs/recent", "/admin/logs/tail"] {
        scene.get(path, "").refused(401, "unauthorized");
        scene.get(path, &player).refused(401, "unauthorized");
    }
}

#[test]
fn a_stream_ends_when_its_administrator_is_shut_out_or_its_session_has_run_out() {
    let head = ": lines of the log\n\n";
    let until_a_beat = |text: &str| text.contains("still here");
    let (shut_out, cookie) = scene();
    let disable = || {
        assert!(shut_out.write(|tx, now| admin::disable(tx, ADMIN, now)));
    };
    assert_eq!(shut_out.stream("/admin/logs/tail?tail=0", &cookie, disable, until_a_beat).text, head);
    let (run_out, cookie) = scene();
    let wait = || {
        run_out.test.advance_ms((ADMIN_TTL_S + 1) * 1_000);
    };
    assert_eq!(run_out.stream("/admin/logs/tail?tail=0", &cookie, wait, until_a_beat).text, head);
}

#[test]
fn a_stream_ends_when_the_process_stops() {
    let (scene, cookie) = scene();
    let stop = || scene.faucet.platform.stopping.begin();
    let streamed = scene.stream("/admin/logs/tail?tail=0", &cookie, stop, |_| false);
    assert_eq!(streamed.text, ": lines of the log\n\n");
}
