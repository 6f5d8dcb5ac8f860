//! Requests for approval at the console: another operator's vote there is the vote of the command line.

use serde_json::json;

use crate::evidence::Evidence;
use crate::harness::{Answer, Place, Server, Setup, Tool};
use crate::operator::{Operator, Session, words};

/// An admin of this name, and the command line as that one.
fn admin(server: &Server, name: &str) -> (Operator, Tool) {
    let operator = Operator::add(server, name, "admin");
    let tool = Tool::beside(server).env("BURSAR_OPERATOR_TOKEN", &operator.token);
    (operator, tool)
}

/// Asks for approval of adding an operator; the number of the request.
fn ask(tool: &Tool, name: &str) -> String {
    let line = ["approvals", "request", "act", "--reason", "r", "--json", "--", "operators", "add", name];
    tool.json(&line)["request"]["id"].to_string()
}

fn send(server: &Server, session: &Session<'_>, fields: &[(&str, &str)]) -> Answer {
    server.post_form("/console/approvals", &[("cookie", &session.cookie)], fields)
}

#[track_caller]
fn says(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(words(&answer.text).contains(text), "{text} in {}", words(&answer.text));
}

#[test]
fn another_operator_approves_and_declines_at_the_console_and_nobody_for_themselves() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).start();
        let ((ann, ann_tool), (bob, bob_tool)) = (admin(&server, "ann"), admin(&server, "bob"));
        let set =
            ["approvals", "policy", "access.operator.add", "--approvals", "1", "--reason", "r", "--json"];
        ann_tool.json(&set);
        let (first, second) = (ask(&ann_tool, "cay"), ask(&ann_tool, "dee"));
        let (ann, bob) = (ann.sign_in(&server), bob.sign_in(&server));
        let page = words(&ann.get("/console/approvals").text);
        assert!(
            page.contains(&format!("{second}: access.operator.add platform dee role=viewer asked by ann"))
        );
        assert!(page.contains("This request is your own"), "{page}");
        let (proof, others) = (bob.proof(), ann.proof());
        let vote = |session, proof, request, vote| {
            send(&server, session, &[("proof", proof), ("request", request), ("vote", vote)])
        };
        says(&vote(&ann, &others, &first, "approve"), 403, "This request is your own");
        assert_eq!(vote(&bob, &others, &first, "approve").status, 403, "another session's form");
        assert_eq!(vote(&bob, &proof, &first, "perhaps").status, 400);
        assert_eq!(vote(&bob, &proof, "x", "approve").status, 400);
        says(&vote(&bob, &proof, "99999", "approve"), 404, "There is no approval request with this id");
        says(&vote(&bob, &proof, &first, "approve"), 200, &format!("Approved: request {first}."));
        // The same person at the command line is no second vote.
        let again = bob_tool.run(&["approvals", "approve", &first]);
        assert_eq!((again.status, &again.json()["code"]), (1, &json!("nothing_to_change")));
        says(&vote(&bob, &proof, &second, "decline"), 200, &format!("Declined: request {second}."));
        says(&vote(&bob, &proof, &second, "approve"), 409, "it was declined");
        let add =
            |name: &str, request: &str| ann_tool.run(&["operators", "add", name, "--approval", request]);
        assert_eq!(add("dee", &second).json()["code"], "approval_ended");
        assert_eq!(add("cay", &first).status, 0);
        let evidence = Evidence::of(place);
        let kept = |name: &str| {
            evidence.column::<String>("SELECT actor FROM audit_events WHERE event = $1", &[name.into()])
        };
        assert_eq!((kept("access.approved").len(), kept("access.approval_declined").len()), (1, 1));
        assert!(kept("access.approved")[0].starts_with("operator:"));
    });
}
