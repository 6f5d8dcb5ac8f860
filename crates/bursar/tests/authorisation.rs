//! Who may call what: every documented operation is either meant for anybody, or refuses callers without the right key.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod evidence;
mod harness;

use std::collections::BTreeSet;

use evidence::Evidence;
use harness::{Answer, Join, Place, Prices, START_MS, Server, Setup, Tool};
use serde_json::{Value, json};

const SETTLE_KEY: &str = "settle-key-of-the-tests-0123456789";
const OPS_KEY: &str = "ops-key-of-the-tests-0123456789abc";
const METRICS_TOKEN: &str = "metrics-token-of-the-tests-0123456";

/// Operations for anybody. Whoever adds one here says that strangers may call it.
const PUBLIC: [&str; 26] = [
    "get /",
    "get /api/oracle",
    "get /api/sim/pool",
    "get /api/sim/results",
    "get /api/status",
    "get /assets/icon.svg",
    "get /assets/pages.css",
    "get /assets/pages.js",
    "get /console/sign-in",
    "get /dev/clock",
    "get /docs",
    "get /docs/docs.css",
    "get /docs/docs.js",
    "get /docs/errors",
    "get /docs/errors/{code}",
    "get /health",
    "get /health/live",
    "get /healthz",
    "get /livez",
    "get /openapi.json",
    "get /readyz",
    "get /rounds",
    "post /api/sim/entries",
    "post /console/sign-in",
    "post /dev/clock",
    "post /rounds/join",
];

/// Pages and forms for operators who are signed in: a session's cookie, and for forms its proof.
const CONSOLE: [&str; 13] = [
    "get /console",
    "get /console/approvals",
    "get /console/incidents",
    "get /console/incidents/{id}",
    "get /console/jobs",
    "get /console/ledger",
    "get /console/payouts",
    "get /console/settlements",
    "get /console/switches",
    "post /console/approvals",
    "post /console/incidents",
    "post /console/sign-out",
    "post /console/switches",
];

/// An operation for holders of a key, with a body that it accepts from them.
struct Guarded {
    operation: &'static str,
    header: &'static str,
    credential: String,
    body: Value,
}

fn guarded() -> Vec<Guarded> {
    let ops =
        |operation, body| Guarded { operation, header: "x-ops-key", credential: OPS_KEY.to_owned(), body };
    let pause = json!({"switch": "joins", "state": "on", "actor": "mallory", "reason": "mischief"});
    let incident = json!({"message": "all is lost", "actor": "mallory"});
    let settle = SETTLE_KEY.to_owned();
    vec![
        ops("get /api/ops/health", Value::Null),
        ops("get /api/ops/summary", Value::Null),
        ops("get /api/ops/prelaunch", Value::Null),
        ops("get /api/ops/switches", Value::Null),
        ops("post /api/ops/switches", pause),
        ops("get /api/ops/incident", Value::Null),
        ops("put /api/ops/incident", incident),
        Guarded {
            operation: "post /api/sim/settle",
            header: "x-sim-settle-key",
            credential: settle,
            body: Value::Null,
        },
        Guarded {
            operation: "get /metrics",
            header: "authorization",
            credential: format!("Bearer {METRICS_TOKEN}"),
            body: Value::Null,
        },
    ]
}

impl Guarded {
    fn call(&self, server: &Server, headers: &[(&str, &str)]) -> Answer {
        let (method, path) = self.operation.split_once(' ').unwrap();
        match method {
            "get" => server.get_with(path, headers),
            "put" => server.put_with(path, headers, &self.body),
            "post" => server.post_with(path, headers, &self.body.to_string()),
            other => panic!("no way to send {other}"),
        }
    }

    /// Header values that come close and open nothing: none, an empty one, a wrong one, more and less than the right
    /// one, and what opens other operations.
    fn wrong_headers(&self) -> Vec<Vec<(&'static str, String)>> {
        let right = &self.credential;
        let near =
            ["".to_owned(), "wrong".to_owned(), format!("{right}x"), right[..right.len() - 1].to_owned()];
        let mut wrong: Vec<_> = near.into_iter().map(|value| vec![(self.header, value)]).collect();
        wrong.push(Vec::new());
        let others = guarded().into_iter().filter(|other| other.credential != *right);
        let others: BTreeSet<_> = others.map(|other| (other.header, other.credential)).collect();
        wrong.extend(others.iter().map(|(_, credential)| vec![(self.header, credential.clone())]));
        wrong.push(others.into_iter().collect());
        wrong
    }
}

fn setup(place: &Place, prices: &Prices) -> Setup {
    let setup = Setup::rounds(place).env("HERMES_URL", &prices.url()).env("METRICS_TOKEN", METRICS_TOKEN);
    let setup = setup.env("SIM_SETTLE_API_KEY", SETTLE_KEY).env("OPS_API_KEY", OPS_KEY);
    setup.env("PANCHO_RL_OPS_HEALTH_IP_LIMIT", "1000")
}

/// A server with something to protect: a round that is over and would be settled.
fn with_a_due_round(place: &Place, prices: &Prices) -> Server {
    let server = setup(place, prices).env("PANCHO_PAUSE_SIM_SETTLEMENTS", "on").start();
    Join::new("a").accepted(&server);
    server.move_clock(START_MS + 360_000);
    server.kill();
    setup(place, prices).start()
}

/// Every documented operation as `get /path`, with whether it names a credential.
fn documented(server: &Server) -> Vec<(String, bool)> {
    let document = server.get("/openapi.json").expect(200);
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let security = operation["security"].as_array().unwrap();
            found.push((format!("{method} {path}"), security.iter().any(|one| *one != json!({}))));
        }
    }
    found
}

#[test]
fn every_operation_is_meant_for_anybody_or_has_an_authorisation_test() {
    let (place, prices) = (Place::sqlite(), Prices::start());
    let server = setup(&place, &prices).start();
    let tested: Vec<&str> = guarded().iter().map(|guarded| guarded.operation).chain(CONSOLE).collect();
    let documented = documented(&server);
    assert_eq!(documented.len(), PUBLIC.len() + tested.len(), "something is listed here and not documented");
    for (operation, needs_credential) in documented {
        let (is_public, is_tested) = (PUBLIC.contains(&&*operation), tested.contains(&&*operation));
        assert!(is_public != is_tested, "{operation}: list it as public, or test its authorisation");
        assert_eq!(needs_credential, is_tested, "{operation}: its documentation says otherwise");
    }
}

#[test]
fn callers_without_the_right_key_are_refused_and_change_nothing() {
    Place::for_each_engine(|place| {
        let prices = Prices::start();
        let server = with_a_due_round(place, &prices);
        let evidence = Evidence::of(place);
        let before = evidence.domain();
        for guarded in guarded() {
            for headers in guarded.wrong_headers() {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let refused = guarded.call(&server, &headers);
                assert_eq!(refused.expect_code(401), "unauthorized", "{} {headers:?}", guarded.operation);
            }
        }
        assert_eq!(evidence.domain(), before);
        // With the right key every one of these calls does its work: it was the key that they lacked.
        for guarded in guarded() {
            let answer = guarded.call(&server, &[(guarded.header, &guarded.credential)]);
            assert_eq!(answer.status, 200, "{}: {}", guarded.operation, answer.text);
        }
        assert_ne!(evidence.domain(), before);
    });
}

#[test]
fn without_a_configured_key_nothing_that_changes_anything_opens() {
    let (place, prices) = (Place::sqlite(), Prices::start());
    with_a_due_round(&place, &prices).kill();
    let server = setup(&place, &prices).without("OPS_API_KEY").without("SIM_SETTLE_API_KEY").start();
    let evidence = Evidence::of(&place);
    let before = evidence.domain();
    for guarded in guarded().into_iter().filter(|guarded| !guarded.operation.starts_with("get")) {
        for credential in ["", "undefined", "null", &guarded.credential] {
            let refused = guarded.call(&server, &[(guarded.header, credential)]);
            assert_eq!(refused.expect_code(401), "unauthorized", "{} {credential:?}", guarded.operation);
        }
        assert_eq!(guarded.call(&server, &[]).status, 401, "{}", guarded.operation);
    }
    assert_eq!(evidence.domain(), before);
}

/// A signed-in admin: the cookie, and the token behind it.
fn admin(server: &Server) -> (String, String) {
    let tool = Tool::beside(server);
    tool.json(&["operators", "add", "ann", "--role", "admin"]);
    let token = tool.json(&["operators", "token", "ann"])["token"].as_str().unwrap().to_owned();
    let signed_in = server.post_form("/console/sign-in", &[], &[("token", &token)]);
    (signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned(), token)
}

/// Sends an operation of the console, with fields that it accepts from a signed-in admin.
fn visit(
    server: &Server,
    operation: &str,
    headers: &[(&str, &str)],
    (proof, request): (&str, &str),
) -> Answer {
    let (method, path) = operation.split_once(' ').unwrap();
    match method {
        "get" => server.get_with(&path.replace("{id}", "1"), headers),
        "post" => {
            let switch = [("switch", "all"), ("to", "stop"), ("reason", "mischief")];
            let incident = [("act", "open"), ("class", "P1"), ("title", "mischief"), ("desk", "rounds")];
            let vote = [("request", request), ("vote", "approve")];
            let fields = [&[("proof", proof)], &switch[..], &incident[..], &vote[..]].concat();
            server.post_form(path, headers, &fields)
        }
        other => panic!("no way to send {other}"),
    }
}

/// Another admin asks for approval; the number of the request.
fn ask_for_approval(server: &Server) -> String {
    let tool = Tool::beside(server);
    tool.json(&["operators", "add", "bob", "--role", "admin"]);
    let token = tool.json(&["operators", "token", "bob"])["token"].as_str().unwrap().to_owned();
    let bob = tool.clone().env("BURSAR_OPERATOR_TOKEN", &token);
    let policy =
        ["approvals", "policy", "access.operator.add", "--approvals", "1", "--reason", "r", "--json"];
    tool.json(&policy);
    let asked = ["approvals", "request", "act", "--reason", "r", "--json", "--", "operators", "add", "eve"];
    bob.json(&asked)["request"]["id"].to_string()
}

#[test]
fn the_console_opens_to_a_session_only_and_changes_nothing_without_one() {
    Place::for_each_engine(|place| {
        let prices = Prices::start();
        let server = setup(place, &prices).start();
        let (cookie, token) = admin(&server);
        let page = server.get_with("/console/switches", &[("cookie", &cookie)]).text;
        Tool::beside(&server).json(&["ops", "incident", "open", "P3", "There is one to look at"]);
        let (_, rest) = page.split_once("name=\"proof\" value=\"").unwrap();
        let proof = rest.split('"').next().unwrap();
        let request = ask_for_approval(&server);
        let evidence = Evidence::of(place);
        let before = evidence.domain();
        let near = format!("{}0", &cookie[..cookie.len() - 1]);
        let other = if near == cookie { format!("{}1", &cookie[..cookie.len() - 1]) } else { near };
        let wrong: Vec<Vec<(&str, String)>> = vec![
            vec![],
            vec![("cookie", "bursar_console=".to_owned())],
            vec![("cookie", other)],
            vec![("cookie", format!("{cookie}0"))],
            vec![("cookie", format!("bursar_console={token}"))],
            vec![("cookie", format!("x_{cookie}"))],
            vec![("authorization", format!("Bearer {token}"))],
            vec![("x-ops-key", OPS_KEY.to_owned()), ("x-sim-settle-key", SETTLE_KEY.to_owned())],
        ];
        for operation in CONSOLE {
            for headers in &wrong {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let answer = visit(&server, operation, &headers, (proof, &request));
                assert_eq!(answer.status, 401, "{operation} {headers:?}");
                assert!(!answer.text.contains("ann (admin)"), "{operation} {headers:?}");
            }
        }
        assert_eq!(evidence.domain(), before);
        // With the session every one of these does its work; signing out comes last.
        let mut all = CONSOLE.to_vec();
        all.sort_by_key(|operation| *operation == "post /console/sign-out");
        for operation in all {
            let answer = visit(&server, operation, &[("cookie", &cookie)], (proof, &request));
            assert!(matches!(answer.status, 200 | 303), "{operation}: {} {}", answer.status, answer.text);
        }
        assert_ne!(evidence.domain(), before);
    });
}

#[test]
fn a_session_of_the_console_opens_no_desks_route() {
    let (place, prices) = (Place::sqlite(), Prices::start());
    let server = with_a_due_round(&place, &prices);
    let (cookie, token) = admin(&server);
    for guarded in guarded() {
        for headers in [[("cookie", cookie.clone())], [("authorization", format!("Bearer {token}"))]] {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let refused = guarded.call(&server, &headers);
            assert_eq!(refused.expect_code(401), "unauthorized", "{} {headers:?}", guarded.operation);
        }
    }
}
