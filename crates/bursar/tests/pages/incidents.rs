//! The console's page of incidents: forms without scripts, through the code of the command line.

use crate::evidence::Evidence;
use crate::harness::{Answer, Place, Server, Setup, Tool};
use crate::operator::{Operator, Session, words};

#[track_caller]
fn send(server: &Server, session: &Session<'_>, fields: &[(&str, &str)]) -> Answer {
    let proof = session.proof();
    let fields: Vec<_> = [("proof", proof.as_str())].iter().chain(fields).copied().collect();
    server.post_form("/console/incidents", &[("cookie", &session.cookie)], &fields)
}

#[track_caller]
fn done(server: &Server, session: &Session<'_>, fields: &[(&str, &str)]) -> String {
    let answer = send(server, session, fields);
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/console/incidents/1")),
        "{}",
        answer.text
    );
    words(&session.get("/console/incidents/1").text)
}

const OPEN: [(&str, &str); 6] = [
    ("act", "open"),
    ("title", "Feed <down>"),
    ("class", "P1"),
    ("desk", "rounds"),
    ("message", "Prices are late."),
    ("minutes", "30"),
];

#[test]
fn r35_an_incident_is_opened_updated_resolved_opened_again_and_reviewed_by_forms() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).start();
        let session = Operator::add(&server, "ola", "operator").sign_in(&server);
        assert!(words(&session.get("/console/incidents").text).contains("There are none."));
        let page = done(&server, &session, &OPEN);
        assert!(page.contains("Incident 1: Feed <down>") && page.contains("P1 on rounds, open"), "{page}");
        assert!(
            page.contains("Somebody has to take care of it until 2023-11-14 22:29:00 (15:00 left)"),
            "{page}"
        );
        assert!(page.contains("opened by ola"), "{page}");
        let told = server.get("/api/status").expect(200)["incident"].clone();
        assert_eq!(
            (&told["message"], &told["etaMs"]),
            (&"Prices are late.".into(), &(server.now_ms() + 1_800_000).into())
        );
        let page = done(&server, &session, &[("act", "acknowledge"), ("id", "1")]);
        assert!(!page.contains("I take care of it"), "{page}");
        let news =
            [("act", "update"), ("id", "1"), ("note", "asked them"), ("class", "P2"), ("withdraw", "yes")];
        let page = done(&server, &session, &news);
        assert!(
            page.contains("updated by ola, now P2 asked them Users are told nothing from now on."),
            "{page}"
        );
        assert_eq!(server.get("/api/status").expect(200).get("incident"), None);
        done(&server, &session, &[("act", "resolve"), ("id", "1"), ("note", "it is back")]);
        let page = done(&server, &session, &[("act", "reopen"), ("id", "1"), ("note", "gone again")]);
        assert!(page.contains("reopened by ola gone again"), "{page}");
        done(&server, &session, &[("act", "resolve"), ("id", "1"), ("note", "it is back")]);
        let page = done(&server, &session, &[("act", "review"), ("id", "1"), ("note", "two feeds")]);
        assert!(
            page.contains("P2 on rounds, reviewed") && page.contains("reviewed by ola two feeds"),
            "{page}"
        );
        assert!(!page.contains("It is over"), "{page}");
        let list = words(&session.get("/console/incidents").text);
        assert!(list.contains("1: Feed <down> P2 rounds reviewed 2023-11-14 22:14:00"), "{list}");
        // The command line sees the same incident, and the log names the operator by number.
        let shown = Tool::beside(&server).json(&["ops", "incident", "show", "1"]);
        let by = shown["incident"]["openedBy"].as_str().unwrap();
        assert!(by.starts_with("operator:") && !by.contains("ola"), "{by}");
        assert_eq!(Evidence::of(place).events("incident.opened").len(), 1);
    });
}

#[test]
fn a_stop_made_meanwhile_stands_on_the_incidents_page() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let session = Operator::add(&server, "ola", "operator").sign_in(&server);
    done(&server, &session, &OPEN);
    assert_eq!(session.change("stop", "joins", "feed", &[]).status, 200);
    let page = words(&session.get("/console/incidents/1").text);
    assert!(page.contains("control.switch_changed rounds/pause_joins by ola"), "{page}");
}

#[test]
fn what_is_overdue_is_marked() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let session = Operator::add(&server, "ola", "operator").sign_in(&server);
    done(&server, &session, &OPEN);
    server.move_clock(server.now_ms() + 900_000);
    let page = words(&session.get("/console/incidents/1").text);
    assert!(page.contains("Somebody has to take care of it overdue since 2023-11-14 22:29:00"), "{page}");
}

#[test]
fn a_viewer_reads_and_may_not_act_and_refusals_say_why_and_change_nothing() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).start();
        let operator = Operator::add(&server, "ola", "operator").sign_in(&server);
        done(&server, &operator, &OPEN);
        let viewer = Operator::add(&server, "vic", "viewer").sign_in(&server);
        let page = viewer.get("/console/incidents/1").text;
        assert!(words(&page).contains("Prices are late.") && !page.contains("name=\"act\""), "{page}");
        let evidence = Evidence::of(place);
        let rows = || evidence.column::<i64>("SELECT entries FROM incident ORDER BY id", &[]);
        assert_eq!(send(&server, &viewer, &[("act", "resolve"), ("id", "1"), ("note", "n")]).status, 403);
        let long = "x".repeat(121);
        for (fields, status, why) in [
            (vec![("act", "review"), ("id", "1"), ("note", "n")], 409, "so it cannot be reviewed"),
            (
                vec![("act", "resolve"), ("id", "1"), ("note", "")],
                400,
                "The text takes 1 to 4000 characters.",
            ),
            (vec![("act", "resolve"), ("id", "9"), ("note", "n")], 404, "There is no incident 9"),
            (vec![("act", "resolve"), ("id", "x"), ("note", "n")], 400, "Use the buttons"),
            (vec![("act", "dance"), ("id", "1")], 400, "Use the buttons"),
            (vec![("act", "update"), ("id", "1"), ("minutes", "soon")], 400, "The end lies"),
            (
                vec![("act", "update"), ("id", "1"), ("withdraw", "yes"), ("message", "m")],
                400,
                "Either tell users",
            ),
            (vec![("act", "open"), ("class", "P9"), ("title", "t"), ("desk", "rounds")], 400, "A class is"),
            (
                vec![("act", "open"), ("class", "P1"), ("title", &long), ("desk", "rounds")],
                400,
                "The title takes",
            ),
            (
                vec![("act", "open"), ("class", "P1"), ("title", "t"), ("desk", "casino")],
                400,
                "No desk is called",
            ),
        ] {
            let answer = send(&server, &operator, &fields);
            assert_eq!(answer.status, status, "{fields:?}: {}", answer.text);
            assert!(words(&answer.text).contains(why), "{fields:?}: {}", words(&answer.text));
        }
        assert_eq!(operator.get("/console/incidents/9").status, 404);
        assert_eq!(operator.get("/console/incidents/one").status, 404);
        let unproven = [("act", "resolve"), ("id", "1"), ("note", "n"), ("proof", "wrong")];
        let answer = server.post_form("/console/incidents", &[("cookie", &operator.cookie)], &unproven);
        assert_eq!((answer.status, rows()), (403, vec![1]));
    });
}
