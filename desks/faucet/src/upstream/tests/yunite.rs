//! Epic accounts by Discord user.

use std::sync::Arc;

use bursar_devnet_faucet::{EpicSpelling, Misbehaviour, StandIn, Yunite as YuniteService};

use super::{LONG, SHORT, check_troubles, problem, unavailable};
use crate::upstream::{
    EpicAccount, Link, Links, NoData, Problem, Reading, Unobserved, Upstream, Yunite, YuniteConfig,
};

struct Scene {
    service: StandIn<YuniteService>,
    client: Yunite,
}

fn config(service: &StandIn<YuniteService>) -> YuniteConfig {
    let config = YuniteConfig::new("77", "k3y".into());
    YuniteConfig { base_url: service.base_url(), timeout: LONG, ..config }
}

impl Scene {
    /// User 1 is linked, user 2 is in the guild, nobody else is.
    fn new() -> Scene {
        let service = StandIn::start(YuniteService::new("77", "k3y")).unwrap();
        service.link("1", "ep1c");
        service.with(|yunite| yunite.join("2"));
        let client = Yunite::new(config(&service), Arc::new(Unobserved)).unwrap();
        Scene { service, client }
    }

    fn one(&self) -> Reading<Link> {
        self.client.look_up(&["1"]).remove(0)
    }

    /// What comes of user 1 when the service answers this.
    fn told(&self, body: &str) -> Reading<Link> {
        self.service.fail_next(Misbehaviour::Body(body.to_owned()), 1);
        self.one()
    }
}

fn linked(epic: &str) -> Reading<Link> {
    Reading::Found(Link::Linked(EpicAccount { id: epic.to_owned(), name: Some(format!("name of {epic}")) }))
}

#[test]
fn each_user_is_linked_not_linked_or_not_in_the_guild() {
    let expected = [Reading::Found(Link::NotInGuild), linked("ep1c"), Reading::Found(Link::NotLinked)];
    assert_eq!(Scene::new().client.look_up(&["3", "1", "2"]), expected);
}

#[test]
fn leaving_and_unlinking_show() {
    let scene = Scene::new();
    scene.service.with(|yunite| yunite.unlink("1"));
    assert_eq!(scene.one(), Reading::Found(Link::NotLinked));
    scene.service.with(|yunite| yunite.leave("1"));
    assert_eq!(scene.one(), Reading::Found(Link::NotInGuild));
}

#[test]
fn both_spellings_of_the_epic_id_are_read() {
    let scene = Scene::new();
    for spelling in [EpicSpelling::UpperCase, EpicSpelling::CamelCase] {
        scene.service.with(|yunite| yunite.spell(spelling));
        assert_eq!(scene.one(), linked("ep1c"));
    }
}

#[test]
fn many_users_take_few_calls() {
    let scene = Scene::new();
    let ids: Vec<String> = (1..=120).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let readings = scene.client.look_up(&ids);
    assert_eq!(scene.service.batch_sizes(), [50, 50, 20]);
    assert_eq!(
        (readings.len(), &readings[0], &readings[1]),
        (120, &linked("ep1c"), &Reading::Found(Link::NotLinked))
    );
    assert!(scene.client.look_up(&[]).is_empty());
    assert_eq!(scene.service.calls(), 3);
}

#[test]
fn once_a_call_fails_the_rest_is_not_asked_for() {
    let scene = Scene::new();
    let ids: Vec<String> = (1..=101).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    scene.service.fail_next(Misbehaviour::TooManyRequests { retry_after_ms: Some(2_000) }, 2);
    let readings = scene.client.look_up(&ids);
    let failures = readings.into_iter().map(|reading| unavailable(reading).problem);
    assert_eq!(failures.collect::<Vec<_>>(), [Problem::RateLimited; 101]);
    assert_eq!(scene.service.calls(), 1);
}

#[test]
fn what_was_learnt_before_a_failure_is_kept() {
    let scene = Scene::new();
    let ids: Vec<&str> = std::iter::repeat_n("1", 51).collect();
    scene.service.fail_next(Misbehaviour::Delay(0), 1);
    scene.service.fail_next(Misbehaviour::Status(500), 1);
    let mut readings = scene.client.look_up(&ids);
    assert_eq!(problem(readings.remove(50)), Problem::Status(500));
    assert_eq!(readings, vec![linked("ep1c"); 50]);
}

#[test]
fn a_refused_key_is_our_problem_and_nobody_s_loss() {
    let scene = Scene::new();
    let wrong = YuniteConfig { api_key: "other".into(), ..config(&scene.service) };
    let wrong = Yunite::new(wrong, Arc::new(Unobserved)).unwrap();
    assert_eq!(problem(wrong.look_up(&["1"]).remove(0)), Problem::KeyRefused(403));
    scene.service.fail_next(Misbehaviour::Status(401), 1);
    assert_eq!(problem(scene.one()), Problem::KeyRefused(401));
}

#[test]
fn a_404_means_the_user_only_when_one_user_was_asked_for() {
    let scene = Scene::new();
    scene.service.fail_next(Misbehaviour::Status(404), 2);
    assert_eq!(scene.one(), Reading::NotFound);
    assert_eq!(scene.client.look_up(&["1", "2"]), [(); 2].map(|()| Reading::NoData(NoData::NothingFound)));
}

#[test]
fn every_question_can_go_wrong_and_none_turns_into_an_answer() {
    let scene = Scene::new();
    check_troubles(&scene.service, "links", || scene.one());
    assert_eq!(scene.one(), linked("ep1c"));
}

#[test]
fn a_limited_rate_tells_how_long_to_wait() {
    let scene = Scene::new();
    scene.service.fail_next(Misbehaviour::TooManyRequests { retry_after_ms: Some(250) }, 1);
    let failure = unavailable(scene.one());
    assert_eq!(
        (failure.upstream, failure.retry_after.map(|wait| wait.as_millis())),
        (Upstream::Yunite, Some(250))
    );
}

#[test]
fn silence_ends_at_the_time_limit() {
    let scene = Scene::new();
    scene.service.fail_next(Misbehaviour::Silence, 1);
    let hasty = YuniteConfig { timeout: SHORT, ..config(&scene.service) };
    let hasty = Yunite::new(hasty, Arc::new(Unobserved)).unwrap();
    assert_eq!(problem(hasty.look_up(&["1"]).remove(0)), Problem::Timeout);
}

#[test]
fn an_answer_that_leaves_the_user_out_or_contradicts_itself_tells_nothing() {
    let scene = Scene::new();
    let user =
        |epic: &str| format!(r#"{{"users":[{{"discord":{{"id":"1"}},"epic":{epic}}}],"notLinked":[]}}"#);
    let cases = [
        (r#"{"users":[],"notLinked":["2"],"notFound":["3"]}"#.to_owned(), NoData::NotMentioned),
        (user("null"), NoData::NoEpicAccount),
        (user(r#"{"epicName":"x"}"#), NoData::NoEpicAccount),
        (user(r#"{"epicID":""}"#), NoData::NoEpicAccount),
        (user(r#"{"epicID":"../x"}"#), NoData::NoEpicAccount),
        (user(&format!(r#"{{"epicID":"{}"}}"#, "a".repeat(65))), NoData::NoEpicAccount),
        (user(r#"{"epicID":"a","epicId":"b"}"#), NoData::Contradiction),
        (
            r#"{"users":[{"discord":{"id":"1"},"epic":{"epicID":"a"}}],"notLinked":["1"]}"#.to_owned(),
            NoData::Contradiction,
        ),
        (r#"{"users":[],"notLinked":["1"],"notFound":["1"]}"#.to_owned(), NoData::Contradiction),
    ];
    for (body, why) in cases {
        assert_eq!(scene.told(&body), Reading::NoData(why), "{body}");
    }
}

#[test]
fn saying_the_same_twice_is_no_contradiction() {
    let scene = Scene::new();
    let account = EpicAccount { id: "a".to_owned(), name: None };
    let body = r#"{"users":[{"discord":{"id":"1"},"epic":{"epicID":"a","epicId":"a"}}]}"#;
    assert_eq!(scene.told(body), Reading::Found(Link::Linked(account)));
    assert_eq!(scene.told(r#"{"users":[],"notLinked":["1","1"]}"#), Reading::Found(Link::NotLinked));
}

#[test]
fn an_answer_without_a_list_of_users_is_no_answer() {
    let scene = Scene::new();
    for body in ["{}", "[]", "null", r#"{"users":null}"#] {
        assert!(matches!(problem(scene.told(body)), Problem::Invalid(_)), "{body}");
    }
}

#[test]
fn the_key_never_shows() {
    let scene = Scene::new();
    let shown = format!("{:?} {:?}", scene.client, config(&scene.service));
    assert!(shown.contains("127.0.0.1") && !shown.contains("k3y"), "{shown}");
}
