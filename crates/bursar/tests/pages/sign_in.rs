//! Signing in at the console: only by an operator's token, into a cookie that other sites cannot use.

use crate::evidence::Evidence;
use crate::harness::{Place, Setup, Tool};
use crate::operator::{Operator, sign_in, words};

const PAGES: [&str; 5] =
    ["/console", "/console/settlements", "/console/jobs", "/console/ledger", "/console/switches"];

fn payloads(evidence: &Evidence, event: &str) -> Vec<String> {
    evidence.column(
        "SELECT COALESCE(payload, '') FROM audit_events WHERE event = $1 ORDER BY id",
        &[event.into()],
    )
}

#[test]
fn strangers_see_the_form_to_sign_in_and_nothing_of_the_console() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    for page in PAGES {
        let answer = server.get(page);
        assert_eq!((answer.status, answer.header("cache-control")), (401, Some("no-store")), "{page}");
        let text = words(&answer.text);
        assert!(
            text.contains("Operators Your token Sign in") && !text.contains("Overview"),
            "{page}: {text}"
        );
    }
}

#[test]
fn a_token_opens_a_session_whose_cookie_only_the_console_gets() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).start();
        let ann = Operator::add(&server, "ann", "viewer");
        let answer = sign_in(&server, &ann.token);
        let cookie = answer.header("set-cookie").unwrap();
        let (session, attributes) = cookie.split_once("; ").unwrap();
        assert!(
            session.starts_with("bursar_console=burses_") && session.len() == 15 + 7 + 16 + 1 + 64,
            "{cookie}"
        );
        assert_eq!(attributes, "Path=/console; Max-Age=43200; HttpOnly; SameSite=Strict");
        let page = server.get_with("/console", &[("cookie", session)]);
        assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
        assert!(words(&page.text).contains("ann (viewer)"), "{}", page.text);
        let opened = payloads(&Evidence::of(place), "access.session_opened");
        assert_eq!(opened.len(), 1);
        assert!(!opened[0].contains(session.rsplit('_').next().unwrap()), "the log holds no secret");
        assert!(
            !server.log().contains(&ann.token) && !server.log().contains(session.rsplit('_').next().unwrap())
        );
    });
}

#[test]
fn outside_dev_the_cookie_is_sent_over_tls_only() {
    let place = Place::sqlite();
    let setup = Setup::rounds(&place).env("BURSAR_ENV", "test");
    Tool::of(&setup).json(&["migrate", "up"]);
    let server = setup.start();
    let ann = Operator::add(&server, "ann", "viewer");
    let answer = sign_in(&server, &ann.token);
    assert!(answer.header("set-cookie").unwrap().ends_with("; SameSite=Strict; Secure"), "{answer:?}");
}

#[test]
fn whatever_is_no_live_token_is_refused_and_recorded_without_it() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let ann = Operator::add(&server, "ann", "admin");
    let session = ann.sign_in(&server).cookie.split_once('=').unwrap().1.to_owned();
    let last = if ann.token.ends_with('0') { '1' } else { '0' };
    let near = format!("{}{last}", &ann.token[..ann.token.len() - 1]);
    let one_time = server.stderr().split("burone_").nth(1).map(|rest| format!("burone_{}", rest.trim()));
    let wrong = ["", "bur_", "nonsense", &near, &session, &one_time.unwrap()];
    for token in wrong {
        let answer = sign_in(&server, token);
        assert_eq!((answer.status, answer.header("set-cookie")), (401, None), "{token}");
        assert!(words(&answer.text).contains("These credentials are not accepted"), "{}", answer.text);
    }
    Tool::beside(&server).json(&["operators", "add", "ola", "--role", "admin"]);
    Tool::beside(&server).json(&["operators", "disable", "ann"]);
    assert_eq!(sign_in(&server, &ann.token).status, 401);
    let refusals = payloads(&Evidence::of(&place), "console.sign_in_refused");
    assert_eq!(refusals.len(), wrong.len() + 1);
    assert!(
        refusals.iter().all(|payload| payload.contains("127.0.0.1") && !payload.contains("bur_")),
        "{refusals:?}"
    );
}

#[test]
fn attempts_are_limited_by_address_and_another_sites_form_does_not_sign_in() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("BURSAR_RL_SIGN_IN_IP_LIMIT", "3").start();
    let ann = Operator::add(&server, "ann", "viewer");
    let cross = [("sec-fetch-site", "cross-site")];
    let foreign = server.post_form("/console/sign-in", &cross, &[("token", &ann.token)]);
    assert_eq!((foreign.status, foreign.header("set-cookie")), (403, None));
    assert_eq!(sign_in(&server, "wrong").status, 401);
    assert_eq!(sign_in(&server, &ann.token).status, 303);
    let limited = sign_in(&server, &ann.token);
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("60")));
    server.move_clock(server.now_ms() + 60_000);
    assert_eq!(sign_in(&server, &ann.token).status, 303);
}

#[test]
fn signing_out_ends_the_session_for_good() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).start();
        let session = Operator::add(&server, "ann", "viewer").sign_in(&server);
        let cookie = [("cookie", session.cookie.as_str())];
        let unproven = server.post_form("/console/sign-out", &cookie, &[("proof", "wrong")]);
        assert_eq!((unproven.status, session.get("/console").status), (403, 200));
        let proof = session.proof();
        let out = server.post_form("/console/sign-out", &cookie, &[("proof", &proof)]);
        assert_eq!((out.status, out.header("location")), (303, Some("/console/sign-in")));
        assert_eq!(
            out.header("set-cookie"),
            Some("bursar_console=; Path=/console; Max-Age=0; HttpOnly; SameSite=Strict")
        );
        assert_eq!(session.get("/console").status, 401);
    });
}

#[test]
fn a_session_lasts_while_it_is_used_and_ends_with_its_operator() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    Operator::add(&server, "ola", "admin");
    let session = Operator::add(&server, "ann", "viewer").sign_in(&server);
    let evidence = Evidence::of(&place);
    let uses =
        || evidence.column::<bursar_store::Timestamp>("SELECT last_used_at FROM access_session", &[])[0];
    for _ in 0..3 {
        let before = uses();
        server.move_clock(server.now_ms() + 20 * 60_000);
        assert_eq!(session.get("/console/jobs").status, 200, "30 minutes without use are not over");
        // The use is noted behind the answer.
        while uses() == before {
            std::thread::yield_now();
        }
    }
    Tool::beside(&server).json(&["operators", "disable", "ann"]);
    assert_eq!(session.get("/console").status, 401);
}
