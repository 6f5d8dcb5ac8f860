//! Signing in with Discord.

use std::sync::Arc;

use bursar_devnet_faucet::{Discord as DiscordService, DiscordApp as ServiceApp, Misbehaviour, StandIn};

use super::{LONG, Recorder, SHORT, check_troubles, problem, unavailable};
use crate::upstream::{
    Discord, DiscordApp, DiscordConfig, Identity, Problem, Reading, Unobserved, Upstream, Visitor,
};

const GUILD: u64 = 1_000_000_000_000_007;
const ALICE: u64 = 80_351_110_224_678_912;
const REDIRECT: &str = "https://faucet.example/auth/discord/callback?from=discord";

struct Scene {
    service: StandIn<DiscordService>,
    client: Discord,
}

fn config(service: &StandIn<DiscordService>) -> DiscordConfig {
    let app = DiscordApp { base_url: service.base_url(), ..DiscordApp::new("app-1", REDIRECT) };
    DiscordConfig { timeout: LONG, ..DiscordConfig::new(app, "s3cret".into(), GUILD.to_string()) }
}

impl Scene {
    /// Alice is in the guild and in one other.
    fn new() -> Scene {
        let app = ServiceApp {
            client_id: "app-1".to_owned(),
            client_secret: "s3cret".to_owned(),
            redirect_uri: REDIRECT.to_owned(),
        };
        let service = StandIn::start(DiscordService::new(app)).unwrap();
        service.set_person(ALICE, "alice", [5, GUILD]);
        let client = Discord::new(config(&service), Arc::new(Unobserved)).unwrap();
        Scene { service, client }
    }

    fn sign_in(&self) -> Reading<Visitor> {
        self.client.identify(&self.service.issue_code(ALICE))
    }

    /// Whether Alice counts as a member, and how many pages that took.
    fn membership_among(&self, guilds: impl IntoIterator<Item = u64>) -> (bool, u64) {
        self.service.set_person(ALICE, "alice", guilds);
        let before = self.service.calls_of("guilds");
        let is_member = self.sign_in().found().unwrap().guild_member;
        (is_member, self.service.calls_of("guilds") - before)
    }
}

fn alice(guild_member: bool) -> Reading<Visitor> {
    let (discord_user_id, username) = (ALICE.to_string(), "alice".to_owned());
    Reading::Found(Visitor { discord_user_id, username, guild_member })
}

#[test]
fn a_code_tells_who_the_visitor_is() {
    let scene = Scene::new();
    assert_eq!(scene.sign_in(), alice(true));
    scene.service.set_person(ALICE, "alice", [5]);
    assert_eq!(scene.sign_in(), alice(false));
}

#[test]
fn the_authorize_page_sends_the_visitor_back_with_code_and_state() {
    let scene = Scene::new();
    scene.service.sign_in(Some(ALICE));
    let agent: ureq::Agent = ureq::Agent::config_builder().max_redirects(0).build().into();
    let answer = agent.get(config(&scene.service).app.authorize_url("st.ate&=1")).call().unwrap();
    let location = answer.headers()["location"].to_str().unwrap();
    let code = location.strip_prefix(&format!("{REDIRECT}&code=")).unwrap();
    let code = code.strip_suffix("&state=st.ate%26%3D1").unwrap();
    assert_eq!((answer.status().as_u16(), scene.client.identify(code)), (302, alice(true)));
}

#[test]
fn the_authorize_address_is_discord_s_own_unless_told_otherwise() {
    let app = DiscordApp::new("1", "https://f.example/cb");
    let expected = "https://discord.com/api/oauth2/authorize?client_id=1&redirect_uri=https%3A%2F%2Ff.example%2Fcb\
        &response_type=code&scope=identify+guilds&state=x";
    assert_eq!(app.authorize_url("x"), expected);
}

#[test]
fn a_code_works_once_and_an_invented_one_never() {
    let scene = Scene::new();
    let code = scene.service.issue_code(ALICE);
    assert_eq!(scene.client.identify(&code), alice(true));
    assert_eq!(scene.client.identify(&code), Reading::NotFound);
    assert_eq!(scene.client.identify("invented"), Reading::NotFound);
}

#[test]
fn a_code_that_cannot_be_one_is_not_even_asked_about() {
    let scene = Scene::new();
    for code in [String::new(), "x".repeat(257)] {
        assert_eq!(scene.client.identify(&code), Reading::NotFound);
    }
    assert_eq!(scene.service.calls(), 0);
    assert_eq!(scene.client.identify(&"x".repeat(256)), Reading::NotFound);
    assert_eq!(scene.service.calls(), 1);
}

#[test]
fn membership_is_looked_for_on_every_page() {
    let scene = Scene::new();
    assert_eq!(scene.membership_among((1..=450).chain([GUILD])), (true, 3));
    assert_eq!(scene.membership_among((1..=200).chain([GUILD])), (true, 2));
    assert_eq!(scene.membership_among(1..=199), (false, 1));
    assert_eq!(scene.membership_among(1..=200), (false, 2));
    assert_eq!(scene.membership_among([]), (false, 1));
}

#[test]
fn a_service_that_repeats_a_page_is_not_followed_forever() {
    let scene = Scene::new();
    let page: Vec<String> = (1..=200).map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    let body = format!("[{}]", page.join(","));
    scene.service.fail_next_of("guilds", Misbehaviour::Body(body), 100);
    assert_eq!(scene.sign_in(), alice(false));
    assert_eq!(scene.service.calls_of("guilds"), 2);
}

#[test]
fn a_list_of_guilds_without_end_is_no_answer() {
    let scene = Scene::new();
    scene.service.set_person(ALICE, "alice", 1..=2_001);
    assert_eq!(problem(scene.sign_in()), Problem::Invalid("its list of guilds does not end"));
    assert_eq!(scene.service.calls_of("guilds"), 10);
}

#[test]
fn our_own_mistakes_are_not_the_visitor_s() {
    let scene = Scene::new();
    let with = |config: DiscordConfig| Discord::new(config, Arc::new(Unobserved)).unwrap();
    let code = scene.service.issue_code(ALICE);
    let wrong_secret = with(DiscordConfig { client_secret: "other".into(), ..config(&scene.service) });
    assert_eq!(problem(wrong_secret.identify(&code)), Problem::KeyRefused(401));
    let mut elsewhere = config(&scene.service);
    elsewhere.app.redirect_uri = "https://other.example".to_owned();
    assert_eq!(problem(with(elsewhere).identify(&code)), Problem::Status(400));
    assert_eq!(scene.client.identify(&code), alice(true));
}

#[test]
fn every_question_can_go_wrong_and_none_turns_into_an_answer() {
    let scene = Scene::new();
    for operation in ["token", "me", "guilds"] {
        check_troubles(&scene.service, operation, || scene.sign_in());
    }
    assert_eq!(scene.sign_in(), alice(true));
}

#[test]
fn a_limited_rate_tells_how_long_to_wait() {
    let scene = Scene::new();
    let limited = Misbehaviour::TooManyRequests { retry_after_ms: Some(1_337) };
    scene.service.fail_next_of("guilds", limited, 1);
    let failure = unavailable(scene.sign_in());
    assert_eq!((failure.upstream, failure.problem), (Upstream::Discord, Problem::RateLimited));
    assert_eq!(failure.retry_after.map(|wait| wait.as_millis()), Some(1_337));
}

#[test]
fn silence_and_delay_end_at_the_time_limit() {
    let scene = Scene::new();
    let hasty = DiscordConfig { timeout: SHORT, ..config(&scene.service) };
    let hasty = Discord::new(hasty, Arc::new(Unobserved)).unwrap();
    for misbehaviour in [Misbehaviour::Silence, Misbehaviour::Delay(60_000)] {
        scene.service.fail_next_of("token", misbehaviour, 1);
        assert_eq!(problem(hasty.identify("any")), Problem::Timeout);
    }
}

#[test]
fn ids_and_names_that_are_none_are_refused() {
    let scene = Scene::new();
    let long = "n".repeat(101);
    let people = [
        (r#"{"id":"abc","username":"a"}"#.to_owned(), "the user's id is no snowflake"),
        (r#"{"id":"007","username":"a"}"#.to_owned(), "the user's id is no snowflake"),
        (r#"{"id":"99999999999999999999","username":"a"}"#.to_owned(), "the user's id is no snowflake"),
        (
            format!(r#"{{"id":"7","username":"{long}"}}"#),
            "the user's name is empty, too long or holds control characters",
        ),
        (
            r#"{"id":"7","username":"a\u0000"}"#.to_owned(),
            "the user's name is empty, too long or holds control characters",
        ),
        (r#"{"id":7,"username":"a"}"#.to_owned(), "it is no JSON of the documented shape"),
    ];
    for (body, why) in people {
        scene.service.fail_next_of("me", Misbehaviour::Body(body.clone()), 1);
        assert_eq!(problem(scene.sign_in()), Problem::Invalid(why), "{body}");
    }
    scene.service.fail_next_of("guilds", Misbehaviour::Body(r#"[{"id":"x"}]"#.to_owned()), 1);
    assert_eq!(problem(scene.sign_in()), Problem::Invalid("a guild's id is no snowflake"));
}

#[test]
fn a_token_that_is_no_bearer_token_is_refused() {
    let scene = Scene::new();
    for (body, why) in [
        (r#"{"access_token":"t","token_type":"MAC"}"#, "its token is no bearer token"),
        (r#"{"access_token":"a\nb","token_type":"Bearer"}"#, "its token does not fit a header"),
    ] {
        scene.service.fail_next_of("token", Misbehaviour::Body(body.to_owned()), 1);
        assert_eq!(problem(scene.sign_in()), Problem::Invalid(why));
    }
}

#[test]
fn neither_secrets_nor_what_the_service_wrote_show() {
    let scene = Scene::new();
    scene.service.fail_next(Misbehaviour::Status(500), 1);
    let failure = unavailable(scene.sign_in());
    let shown = format!("{failure} {failure:?} {:?} {:?}", scene.client, config(&scene.service));
    assert!(
        shown.contains("discord gave no answer that can be used: it answered with status 500"),
        "{shown}"
    );
    assert!(!shown.contains("s3cret") && !shown.contains("secret detail"), "{shown}");
}

#[test]
fn the_observer_hears_of_every_call_and_of_each_error() {
    let scene = Scene::new();
    let observer = Arc::new(Recorder::default());
    let client = Discord::new(config(&scene.service), Arc::clone(&observer) as _).unwrap();
    assert_eq!(client.identify(&scene.service.issue_code(ALICE)), alice(true));
    assert_eq!(client.identify("invented"), Reading::NotFound);
    scene.service.fail_next(Misbehaviour::Garbage, 1);
    let failure = problem(client.identify("any"));
    let told: Vec<_> = observer.calls.lock().iter().map(|(_, error)| *error).collect();
    assert_eq!(told, [None, None, None, None, Some(failure)]);
}
