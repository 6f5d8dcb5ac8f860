//! The form that joins: the same lane, checks, limits and audit as the API's route.

use crate::evidence::Evidence;
use crate::harness::{Answer, Join, Place, START_MS, Server, Setup, wallet};
use crate::operator::{hidden, words};

const ROUND: &str = "SOL-1700000040-5m";

/// The form as the page at hand would send it, with some fields changed.
#[track_caller]
fn send(server: &Server, changes: &[(&str, &str)]) -> Answer {
    let page = server.get("/rounds?market=SOL").text;
    let (id, start) = (hidden(&page, "id"), hidden(&page, "start"));
    let mine = wallet(1);
    let mut fields = vec![
        ("market", "SOL"),
        ("id", id.as_str()),
        ("start", start.as_str()),
        ("bet", "UP-10"),
        ("wallet", mine.as_str()),
    ];
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    server.post_form("/rounds/join", &[], &fields)
}

#[track_caller]
fn refused(answer: &Answer, status: u16, why: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(words(&answer.text).contains(&format!("Not joined. {why}")), "{}", words(&answer.text));
}

#[test]
fn the_form_makes_the_entry_that_the_api_would_and_the_page_confirms_it() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).start();
        let evidence = Evidence::of(place);
        let joined = send(&server, &[]);
        assert_eq!(joined.status, 303, "{}", joined.text);
        let target = joined.header("location").unwrap();
        assert_eq!(target, format!("/rounds?market=SOL&wallet={}&joined={ROUND}#results", wallet(1)));
        let page = words(&server.get(target.split('#').next().unwrap()).text);
        assert!(page.contains(&format!("You are in {ROUND} .")), "{page}");
        assert!(page.contains("SOL 22:14:00 UP 10 PENDING"), "{page}");
        assert_eq!(server.pool(ROUND)["upBucks"], 10);
        assert_eq!(evidence.balance(&format!("rounds/pool/{ROUND}/up")), 1_000);
        let accepted = evidence.events("join.accepted");
        assert_eq!((accepted.len(), &accepted[0]["wallet"]), (1, &wallet(1).into()), "{accepted:?}");
    });
}

#[test]
fn a_form_that_is_sent_twice_makes_one_entry_and_another_bet_by_its_id_is_refused() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let id = [("id", "the-same-id")];
    assert_eq!([send(&server, &id).status, send(&server, &id).status], [303, 303]);
    let pool = server.pool(ROUND);
    assert_eq!((&pool["entries"], &pool["upBucks"]), (&1.into(), &10.into()));
    let other = send(&server, &[("id", "the-same-id"), ("bet", "UP-25")]);
    refused(&other, 409, "This id was used for another entry.");
    assert_ne!(hidden(&other.text, "id"), "the-same-id", "the next try has an id of its own");
    // The same id at the API is the same entry.
    let again = Join::new("the-same-id").up(10).wallet(1).send(&server).expect(200);
    assert_eq!(again["created"], false);
}

#[test]
fn what_the_api_refuses_the_form_refuses_with_the_same_status_and_the_choice_is_kept() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let evidence = Evidence::of(&place);
    let before = evidence.money();
    let bad_wallet = send(&server, &[("wallet", "nonsense"), ("bet", "DOWN-25")]);
    refused(&bad_wallet, 400, "Invalid wallet: use a base58 address of 32 bytes.");
    assert!(bad_wallet.text.contains("value=\"DOWN-25\" required checked"), "{}", bad_wallet.text);
    assert!(bad_wallet.text.contains("name=\"wallet\" value=\"nonsense\""), "{}", bad_wallet.text);
    refused(&send(&server, &[("bet", "UP-20")]), 400, "Invalid stake: use one of the stake tiers up to 250.");
    refused(&send(&server, &[("bet", "")]), 400, "Invalid payload: stakeBucks");
    refused(&send(&server, &[("bet", "up-10")]), 400, "Invalid direction: use UP or DOWN.");
    refused(&send(&server, &[("market", "DOGE")]), 400, "Invalid payload: roundId");
    refused(&send(&server, &[("start", "1")]), 400, "Invalid payload: roundId");
    refused(&send(&server, &[("id", "")]), 400, "Invalid payload: id");
    refused(
        &send(&server, &[("id", &"x".repeat(129))]),
        400,
        "Invalid payload: id takes 1 to 128 characters.",
    );
    let later = (START_MS + 120_000).to_string();
    refused(&send(&server, &[("start", &later)]), 400, "The round is not open for entries.");
    assert_eq!(evidence.money(), before);
}

#[test]
fn r14_forms_and_calls_of_the_api_count_together() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "2").start();
    Join::new("api").wallet(2).accepted(&server);
    assert_eq!(send(&server, &[]).status, 303);
    let limited = send(&server, &[]);
    refused(&limited, 429, "Too many requests.");
    assert_eq!(limited.header("retry-after"), Some("10"));
    assert_eq!(Join::new("api2").wallet(3).send(&server).status, 429);
}

#[test]
fn r31_a_pause_binds_the_form_too() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("PANCHO_PAUSE_JOINS", "on").start();
    refused(&send(&server, &[]), 503, "Joins are paused; try again later.");
    assert_eq!(server.pool(ROUND)["entries"], 0);
}

#[test]
fn another_sites_form_is_refused_and_so_is_what_is_no_form() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let evidence = Evidence::of(&place);
    let before = evidence.domain();
    let mine = wallet(1);
    let start = START_MS.to_string();
    let fields = [("market", "SOL"), ("id", "a"), ("start", &*start), ("bet", "UP-10"), ("wallet", &*mine)];
    for header in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")] {
        let answer = server.post_form("/rounds/join", &[header], &fields);
        assert_eq!(answer.status, 403, "{header:?}");
        assert!(words(&answer.text).contains("This form was sent from another site"), "{}", answer.text);
    }
    let json = server.post_with("/rounds/join", &[], "{}");
    assert_eq!(json.status, 400, "{}", json.text);
    let long = "x".repeat(9_000);
    assert_eq!(server.post_form("/rounds/join", &[], &[("wallet", &long)]).status, 413);
    assert_eq!(evidence.domain(), before);
    let host = server.base().to_owned();
    let own = [("origin", host.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(server.post_form("/rounds/join", &own, &fields).status, 303);
}
