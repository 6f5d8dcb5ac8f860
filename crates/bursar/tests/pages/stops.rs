//! The stop page: a stop binds the next join, says who and why, and takes the right and a reason.

use std::time::{Duration, Instant};

use bursar_control::ControlFile;
use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::{Answer, Join, Place, START_MS, Setup};
use crate::operator::{Operator, words};

#[track_caller]
fn says(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(words(&answer.text).contains(text), "{text} in {}", words(&answer.text));
}

/// The audit events of changed switches, oldest first.
fn changes(evidence: &Evidence) -> Vec<Value> {
    evidence.events("control.switch_changed")
}

#[test]
fn r31_a_stop_from_the_page_binds_the_very_next_join_and_says_who_and_why() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).start();
        let session = Operator::add(&server, "ola", "operator").sign_in(&server);
        Join::new("before").accepted(&server);
        says(
            &session.change("stop", "joins", "feed <wrong>", &[]),
            200,
            "Stopped: joins. It binds the next write.",
        );
        assert_eq!(Join::new("after").send(&server).expect_code(503), "joins_paused");
        let page = words(&session.get("/console/switches").text);
        assert!(page.contains("joins stopped by ola 2023-11-14 22:14:00 feed <wrong>"), "{page}");
        let evidence = Evidence::of(place);
        let change = &changes(&evidence)[0];
        assert_eq!(
            (&change["key"], &change["new"], &change["reason"]),
            (&json!("pause_joins"), &json!("on"), &json!("feed <wrong>"))
        );
        assert!(change["actor"].as_str().unwrap().starts_with("operator:"), "{change}");
        if place.is_embedded() {
            assert_eq!(ControlFile::beside(&place.file()).stops().unwrap(), [], "the row has taken over");
        }
        says(&session.change("resume", "joins", "feed is right", &[]), 200, "Resumed: joins.");
        Join::new("after").accepted(&server);
        assert_eq!(changes(&evidence).len(), 2);
    });
}

#[test]
fn r36_everything_is_stopped_and_resumed_in_one_change() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let session = Operator::add(&server, "ola", "operator").sign_in(&server);
    says(&session.change("stop", "all", "drill", &[]), 200, "Stopped: all.");
    let status = server.get("/api/status").expect(200);
    assert_eq!((&status["status"], &status["settleApiPaused"]), (&json!("paused"), &json!(true)));
    says(&session.change("resume", "all", "over", &[]), 200, "Resumed: all.");
    assert_eq!(server.get("/api/status").expect(200)["status"], "ok");
}

#[test]
fn a_stop_takes_a_reason_a_switch_and_the_proof_of_the_session() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let ola = Operator::add(&server, "ola", "operator");
    let session = ola.sign_in(&server);
    let evidence = Evidence::of(&place);
    let config = || evidence.column::<String>("SELECT key || value FROM rounds_config ORDER BY key", &[]);
    let before = config();
    for reason in ["", "  ", &"x".repeat(201)] {
        says(&session.change("stop", "joins", reason, &[]), 400, "A reason of 1 to 200 characters is needed");
    }
    says(&session.change("stop", "everything", "drill", &[]), 400, "No such switch");
    says(&session.change("pause", "joins", "drill", &[]), 400, "Say stop or resume");
    let others = ola.sign_in(&server).proof();
    let cookie = [("cookie", session.cookie.as_str())];
    for proof in ["", "wrong", &others] {
        let fields = [("proof", proof), ("to", "stop"), ("switch", "joins"), ("reason", "drill")];
        says(&server.post_form("/console/switches", &cookie, &fields), 403, "not of your present session");
    }
    let proof = session.proof();
    let fields = [("proof", proof.as_str()), ("to", "stop"), ("switch", "joins"), ("reason", "drill")];
    let foreign = [cookie[0], ("sec-fetch-site", "same-site")];
    says(&server.post_form("/console/switches", &foreign, &fields), 403, "from another site");
    says(&server.post_form("/console/switches", &[], &fields), 401, "Your token");
    assert_eq!(config(), before);
    assert!(!place.folder().join("bursar.db.control").exists());
    Join::new("a").accepted(&server);
}

#[test]
fn a_viewer_sees_the_switches_and_can_stop_nothing() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).start();
        let session = Operator::add(&server, "vic", "viewer").sign_in(&server);
        let page = session.get("/console/switches");
        says(&page, 200, "The role viewer does not include operate_switch.");
        assert!(!page.text.contains("action=\"/console/switches\""), "{}", page.text);
        says(
            &session.change("stop", "joins", "mischief", &[]),
            403,
            "The role viewer does not include operate_switch.",
        );
        assert!(!place.is_embedded() || ControlFile::beside(&place.file()).stops().unwrap().is_empty());
        Join::new("a").accepted(&server);
        let refused: Vec<i64> =
            Evidence::of(place).column("SELECT id FROM audit_events WHERE event = 'console.refused'", &[]);
        assert_eq!(refused.len(), 1);
    });
}

#[test]
fn r49_joins_come_back_only_when_no_overdue_round_waits_unless_it_is_meant() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("HERMES_URL", "http://127.0.0.1:9").start();
    let session = Operator::add(&server, "ola", "operator").sign_in(&server);
    Join::new("a").up(10).accepted(&server);
    Join::new("b").down(10).wallet(2).accepted(&server);
    says(&session.change("stop", "joins", "no prices", &[]), 200, "Stopped");
    server.move_clock(START_MS + 360_000);
    says(&session.change("resume", "joins", "hope", &[]), 409, "Not resumed: 1 overdue round waits");
    assert_eq!(server.get("/api/status").expect(200)["joinsPaused"], true);
    says(&session.get("/console/switches"), 200, "although 1 overdue round waits");
    says(&session.change("resume", "joins", "it is meant", &[("force", "yes")]), 200, "Resumed: joins.");
    assert_eq!(server.get("/api/status").expect(200)["joinsPaused"], false);
}

#[test]
fn v7_what_the_environment_holds_stopped_is_named_when_it_is_resumed() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("PANCHO_PAUSE_JOINS", "on").start();
    let session = Operator::add(&server, "ola", "operator").sign_in(&server);
    says(&session.get("/console/switches"), 200, "joins stopped by PANCHO_PAUSE_JOINS");
    let text = "PANCHO_PAUSE_JOINS in the server's environment still says stop";
    says(&session.change("resume", "joins", "over", &[]), 409, text);
}

#[test]
fn where_policy_asks_for_approval_nobody_resumes_alone_and_stops_stay_free() {
    let place = Place::postgres();
    let server = Setup::rounds(&place).start();
    let session = Operator::add(&server, "ola", "operator").sign_in(&server);
    let policy =
        "INSERT INTO access_policy (action, approvals_needed, changed_at) VALUES ('switch.resume', 1, now())";
    place.psql().batch_execute(policy).unwrap();
    says(&session.change("stop", "joins", "drill", &[]), 200, "Stopped: joins.");
    says(
        &session.change("resume", "joins", "over", &[]),
        409,
        "This takes the approval of 1 other people and has 0.",
    );
    assert_eq!(Join::new("a").send(&server).status, 503);
}

#[test]
fn v7_a_stop_binds_by_the_control_file_while_the_database_hangs() {
    let place = Place::sqlite();
    let folder = place.folder().join("failpoints");
    std::fs::create_dir_all(&folder).unwrap();
    let server = Setup::rounds(&place).env("BURSAR_FAILPOINTS", folder.to_str().unwrap()).start();
    let session = Operator::add(&server, "ola", "operator").sign_in(&server);
    std::fs::write(folder.join("console.toggle.commit"), "").unwrap();
    says(
        &session.change("stop", "joins", "it hangs", &[]),
        200,
        "Recorded: joins is stopped by the control file",
    );
    let stops = ControlFile::beside(&place.file()).stops().unwrap();
    assert_eq!((stops.len(), &*stops[0].key, &*stops[0].reason), (1, "pause_joins", "it hangs"));
    let page = words(&session.get("/console/switches").text);
    assert!(page.contains("joins stopped by the control file by ola"), "{page}");
    std::fs::remove_file(folder.join("console.toggle.commit.held")).unwrap();
    assert_eq!(Join::new("a").send(&server).expect_code(503), "joins_paused");
}

#[test]
fn v7_a_stop_that_was_answered_as_recorded_stays_though_its_operator_loses_the_right_before_its_rows_are_written()
 {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let session = Operator::add(&server, "ola", "operator").sign_in(&server);
    let form = [("proof", &*session.proof()), ("to", "stop"), ("switch", "joins"), ("reason", "drill")];
    let cookie = [("cookie", &*session.cookie)];
    let evidence = Evidence::of(&place);
    evidence.execute_while("UPDATE access_operator SET enabled = 0 WHERE name = 'ola'", || {
        let answer = server.post_form("/console/switches", &cookie, &form);
        says(&answer, 200, "Recorded: joins is stopped by the control file");
    });
    let row = "SELECT value FROM rounds_config WHERE key = 'pause_joins'";
    let file = ControlFile::beside(&place.file());
    let began = Instant::now();
    while evidence.column::<String>(row, &[]) != ["on"] || !file.stops().unwrap().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "the stop is {:?}", file.stops());
        assert_eq!(Join::new("a").send(&server).expect_code(503), "joins_paused");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(Join::new("a").send(&server).expect_code(503), "joins_paused");
}
