//! One question to the statistics: what each answer means.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use bursar_devnet_faucet::{Misbehaviour, StandIn, Stats as StatsService, StatsAccount};

use super::{LONG, SHORT, check_troubles, problem, unavailable};
use crate::upstream::{NoData, Problem, Reading, Stats, StatsConfig, StatsSource, Unobserved, Upstream};

struct Scene {
    service: StandIn<StatsService>,
    client: Stats,
}

fn config(service: &StandIn<StatsService>) -> StatsConfig {
    StatsConfig { base_url: service.base_url(), timeout: LONG, ..StatsConfig::new("k3y".into()) }
}

impl Scene {
    /// Account `ep1c` has 1208 kills.
    fn new() -> Scene {
        let service = StandIn::start(StatsService::new("k3y")).unwrap();
        service.set_kills("ep1c", 1_208);
        let client = Stats::new(config(&service), Arc::new(Unobserved)).unwrap();
        Scene { service, client }
    }

    fn ask_about(&self, says: StatsAccount) -> Reading<u64> {
        self.service.set_account("ep1c", says);
        self.client.ask("ep1c")
    }
}

#[test]
fn kills_are_read_and_grow() {
    let scene = Scene::new();
    assert_eq!(scene.client.ask("ep1c"), Reading::Found(1_208));
    assert_eq!(scene.service.grow_kills("ep1c", 7), 1_215);
    assert_eq!(scene.client.ask("ep1c"), Reading::Found(1_215));
    assert_eq!(scene.ask_about(StatsAccount::Kills(0)), Reading::Found(0));
}

#[test]
fn w11_whatever_is_no_number_of_kills_is_no_data_and_never_zero() {
    let scene = Scene::new();
    assert_eq!(scene.ask_about(StatsAccount::Private), Reading::NoData(NoData::Private));
    assert_eq!(scene.ask_about(StatsAccount::NullOverall), Reading::NoData(NoData::NoTotals));
    assert_eq!(scene.ask_about(StatsAccount::NoKills), Reading::NoData(NoData::NoKills));
    assert_eq!(scene.ask_about(StatsAccount::Odd("null".to_owned())), Reading::NoData(NoData::NoKills));
    assert_eq!(scene.client.ask("somebody"), Reading::NotFound);
    assert_eq!(scene.client.ask("ab"), Reading::NoData(NoData::BadAccount));
}

#[test]
fn totals_may_be_missing_at_any_depth() {
    let scene = Scene::new();
    for data in
        ["{}", r#"{"stats":null}"#, r#"{"stats":{}}"#, r#"{"stats":{"all":null}}"#, r#"{"stats":{"all":{}}}"#]
    {
        scene.service.fail_next(Misbehaviour::Body(format!(r#"{{"status":200,"data":{data}}}"#)), 1);
        assert_eq!(scene.client.ask("ep1c"), Reading::NoData(NoData::NoTotals), "{data}");
    }
}

#[test]
fn kills_that_nobody_can_have_are_an_error_of_the_service() {
    let scene = Scene::new();
    let why = "the kills are no whole number that anybody can have";
    for text in ["-1", "12.0", "1e2", "1000000001", "99999999999999999999"] {
        let odd = scene.ask_about(StatsAccount::Odd(text.to_owned()));
        assert_eq!(problem(odd), Problem::Invalid(why), "{text}");
    }
    assert_eq!(scene.ask_about(StatsAccount::Odd("1000000000".to_owned())), Reading::Found(1_000_000_000));
    let text = problem(scene.ask_about(StatsAccount::Odd("\"7\"".to_owned())));
    assert!(matches!(text, Problem::Invalid(_)));
}

#[test]
fn another_account_s_kills_are_not_taken() {
    let scene = Scene::new();
    let swapped = problem(scene.ask_about(StatsAccount::Swapped(9)));
    assert_eq!(swapped, Problem::Invalid("it is about another account"));
}

#[test]
fn an_account_id_that_is_none_is_not_asked_about() {
    let scene = Scene::new();
    for account in ["", "a/b", "a?b", "../../x", "a b", "ä", &"a".repeat(65)] {
        assert_eq!(scene.client.ask(account), Reading::NoData(NoData::BadAccount), "{account}");
    }
    assert_eq!(scene.service.calls(), 0);
}

#[test]
fn every_question_can_go_wrong_and_none_turns_into_an_answer() {
    let scene = Scene::new();
    check_troubles(&scene.service, "stats", || scene.client.ask("ep1c"));
    assert_eq!(scene.client.ask("ep1c"), Reading::Found(1_208));
}

#[test]
fn a_busy_service_may_tell_how_long_to_wait() {
    let scene = Scene::new();
    scene.service.fail_next(Misbehaviour::TooManyRequests { retry_after_ms: Some(30_000) }, 1);
    let failure = unavailable(scene.client.ask("ep1c"));
    assert_eq!((failure.upstream, failure.problem), (Upstream::Fortnite, Problem::RateLimited));
    assert_eq!(failure.retry_after.map(|wait| wait.as_secs()), Some(30));
}

#[test]
fn a_refused_key_is_our_problem_and_no_private_account() {
    let scene = Scene::new();
    let wrong = StatsConfig { api_key: "Bearer k3y".into(), ..config(&scene.service) };
    let wrong = Stats::new(wrong, Arc::new(Unobserved)).unwrap();
    assert_eq!(problem(wrong.ask("ep1c")), Problem::KeyRefused(401));
}

#[test]
fn silence_ends_at_the_time_limit() {
    let scene = Scene::new();
    scene.service.fail_next(Misbehaviour::Silence, 1);
    let hasty = StatsConfig { timeout: SHORT, ..config(&scene.service) };
    assert_eq!(problem(Stats::new(hasty, Arc::new(Unobserved)).unwrap().ask("ep1c")), Problem::Timeout);
}

#[test]
fn an_answer_of_one_mebibyte_is_read_and_a_longer_one_is_not() {
    let scene = Scene::new();
    let body = r#"{"data":{}}"#;
    let padded = |bytes: usize| Misbehaviour::Body(format!("{body}{}", " ".repeat(bytes - body.len())));
    scene.service.fail_next(padded(1 << 20), 1);
    assert_eq!(scene.client.ask("ep1c"), Reading::NoData(NoData::NoTotals));
    scene.service.fail_next(padded((1 << 20) + 1), 1);
    assert_eq!(problem(scene.client.ask("ep1c")), Problem::TooLarge);
}

#[test]
fn of_a_refusal_the_status_is_enough() {
    let scene = Scene::new();
    scene.service.fail_next(Misbehaviour::CutBody, 1);
    assert_eq!(scene.ask_about(StatsAccount::Private), Reading::NoData(NoData::Private));
}

#[test]
fn an_answer_in_another_protocol_is_broken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"220 mail.example ESMTP\r\n\r\n").unwrap();
    });
    let config = StatsConfig { base_url, timeout: LONG, ..StatsConfig::new("k".into()) };
    let client = Stats::new(config, Arc::new(Unobserved)).unwrap();
    assert_eq!(problem(client.ask("ep1c")), Problem::Broken);
    server.join().unwrap();
}

#[test]
fn a_closed_port_is_unreachable() {
    // Port 1 is never handed out, so nothing on this machine can come to listen there in the meantime.
    let nowhere = StatsConfig { base_url: "http://127.0.0.1:1".to_owned(), ..StatsConfig::new("k".into()) };
    assert_eq!(problem(Stats::new(nowhere, Arc::new(Unobserved)).unwrap().ask("ep1c")), Problem::Unreachable);
}

#[test]
fn the_time_limit_is_five_seconds_and_the_key_never_shows() {
    let scene = Scene::new();
    assert_eq!(StatsConfig::new("k".into()).timeout.as_secs(), 5);
    let shown = format!("{:?} {:?}", scene.client, config(&scene.service));
    assert!(!shown.contains("k3y"), "{shown}");
}
