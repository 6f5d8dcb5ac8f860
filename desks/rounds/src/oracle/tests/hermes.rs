//! The client and the whole lookup against a price feed on loopback, healthy and faulty.

use std::net::SocketAddr;
use std::time::Duration;

use bursar_devnet::prices::{BodyFault, Faults, PriceFeed, Scripted};
use bursar_money::Price;

use super::WANTED_S;
use crate::market::Market;
use crate::oracle::{
    AcceptPolicy, Exhausted, HermesClient, HermesConfig, HermesConfigError, MissReason, ParseFailure,
    PriceEvidence, PriceSource, Refusal, UpstreamError, find_price, parse,
};

struct Scene {
    script: Scripted,
    feed: PriceFeed,
    client: HermesClient,
}

fn client(base_url: String, timeout_ms: u64) -> HermesClient {
    let config = HermesConfig { timeout: Duration::from_millis(timeout_ms), ..HermesConfig::new(base_url) };
    HermesClient::new(config).unwrap()
}

impl Scene {
    /// SOL exists in the feed, without any price yet.
    fn new() -> Scene {
        let script = Scripted::new();
        script.add_feed(Market::Sol.feed_id());
        let feed = PriceFeed::start(script.clone(), SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let client = client(feed.base_url(), 5_000);
        Scene { script, feed, client }
    }

    fn with_price() -> Scene {
        let scene = Scene::new();
        scene.script.set_always(Market::Sol.feed_id(), Price::new(2_171_251, -2));
        scene
    }

    fn find(&self) -> Result<PriceEvidence, Exhausted> {
        find_price(&self.client, Market::Sol, WANTED_S, AcceptPolicy::default())
    }

    fn ask(&self) -> Result<String, UpstreamError> {
        self.client.at(Market::Sol, WANTED_S)
    }

    fn first_miss(&self, faults: Faults) -> MissReason {
        self.feed.set_faults(faults);
        self.find().unwrap_err().misses.remove(0).reason
    }

    fn upstream_error(&self, body: BodyFault) -> UpstreamError {
        self.feed.set_faults(Faults { body, ..Faults::default() });
        self.ask().unwrap_err()
    }
}

#[test]
fn w31_a_price_comes_with_its_evidence() {
    let scene = Scene::with_price();
    let expected = PriceEvidence {
        requested_second: WANTED_S,
        publish_time: WANTED_S,
        mantissa: 2_171_251,
        exponent: -2,
        confidence: 1_085,
    };
    assert_eq!(scene.find(), Ok(expected));
    assert_eq!(scene.feed.asked(), ["1700000100"]);
}

#[test]
fn the_question_is_worded_as_hermes_expects_it() {
    let scene = Scene::with_price();
    scene.ask().unwrap();
    let feed = Market::Sol.feed_id();
    assert_eq!(scene.feed.requests(), [format!("/v2/updates/price/1700000100?ids[]={feed}&parsed=true")]);
}

#[test]
fn w1_all_nine_offsets_are_asked_in_order_and_the_latest_price_never() {
    let scene = Scene::new();
    let exhausted = scene.find().unwrap_err();
    let offsets = [0, -1, -2, -5, -10, 1, 2, 5, 10];
    assert_eq!(scene.feed.asked(), offsets.map(|offset| (WANTED_S + offset).to_string()));
    assert_eq!((exhausted.misses.len(), exhausted.upstream_was_down()), (9, false));
}

#[test]
fn w33_a_feed_unknown_to_the_service_gets_no_other_market_s_price() {
    let scene = Scene::with_price();
    assert_eq!(scene.client.at(Market::Bonk, WANTED_S), Err(UpstreamError::NotFound));
    assert!(find_price(&scene.client, Market::Bonk, WANTED_S, AcceptPolicy::default()).is_err());
}

#[test]
fn a_gap_is_bridged_by_the_nearest_offset_in_order() {
    let scene = Scene::new();
    scene.script.set(Market::Sol.feed_id(), WANTED_S - 5, Price::new(7, 0));
    scene.script.set(Market::Sol.feed_id(), WANTED_S + 1, Price::new(8, 0));
    let evidence = scene.find().unwrap();
    assert_eq!((evidence.requested_second, evidence.mantissa), (WANTED_S - 5, 7));
    assert_eq!(scene.feed.request_count(), 4);
}

#[test]
fn the_latest_price_is_asked_for_by_name() {
    let scene = Scene::with_price();
    scene.feed.set_now(WANTED_S + 777);
    let sample = parse(&scene.client.latest(Market::Sol).unwrap()).unwrap();
    assert_eq!(sample.publish_time_s, WANTED_S + 777);
    assert_eq!(scene.feed.asked(), ["latest"]);
}

#[test]
fn a_server_error_is_passed_over_by_the_next_offset() {
    let scene = Scene::with_price();
    scene.feed.fail_next(500, 1);
    assert_eq!(scene.find().unwrap().requested_second, WANTED_S - 1);
    scene.feed.fail_next(503, 1);
    assert_eq!(scene.ask(), Err(UpstreamError::Status(503)));
}

#[test]
fn a_refused_key_is_told_by_its_status() {
    let scene = Scene::with_price();
    scene.feed.fail_next(401, 1);
    assert_eq!(scene.ask(), Err(UpstreamError::Status(401)));
}

#[test]
fn a_limited_rate_stops_the_questions() {
    let scene = Scene::with_price();
    scene.feed.fail_next(429, 9);
    let exhausted = scene.find().unwrap_err();
    let limited = MissReason::Upstream(UpstreamError::RateLimited { retry_after_s: Some(60) });
    assert_eq!(exhausted.misses[0].reason, limited);
    assert_eq!((scene.feed.request_count(), exhausted.upstream_was_down()), (1, true));
}

#[test]
fn a_redirect_is_not_followed() {
    let scene = Scene::with_price();
    scene.feed.fail_next(302, 1);
    assert_eq!(scene.ask(), Err(UpstreamError::Status(302)));
    assert_eq!(scene.feed.request_count(), 1);
}

#[test]
fn a_silent_service_is_a_timeout_and_costs_two_questions() {
    let scene = Scene::with_price();
    scene.feed.set_faults(Faults { silent: true, ..Faults::default() });
    let hasty = client(scene.feed.base_url(), 100);
    let exhausted = find_price(&hasty, Market::Sol, WANTED_S, AcceptPolicy::default()).unwrap_err();
    assert_eq!(exhausted.misses.len(), 2);
    assert_eq!(exhausted.misses[0].reason, MissReason::Upstream(UpstreamError::Timeout));
    assert!(exhausted.upstream_was_down());
}

#[test]
fn lag_beyond_the_time_limit_is_a_timeout_and_lag_below_it_is_not() {
    let scene = Scene::with_price();
    scene.feed.set_faults(Faults { lag_ms: 20, ..Faults::default() });
    assert!(scene.find().is_ok());
    scene.feed.set_faults(Faults { lag_ms: 60_000, ..Faults::default() });
    let hasty = client(scene.feed.base_url(), 100);
    assert_eq!(hasty.at(Market::Sol, WANTED_S), Err(UpstreamError::Timeout));
}

#[test]
fn a_closed_port_is_unreachable() {
    // Port 1 is never handed out, so nothing on this machine can come to listen there in the meantime.
    let error = client("http://127.0.0.1:1".to_owned(), 5_000).at(Market::Sol, WANTED_S).unwrap_err();
    assert_eq!(error, UpstreamError::Unreachable("connection refused".to_owned()));
}

#[test]
fn a_price_under_a_wrong_id_is_refused() {
    let reason = Scene::with_price().first_miss(Faults { wrong_id: true, ..Faults::default() });
    assert_eq!(reason, MissReason::Refused(Refusal::WrongFeed { got: "a".repeat(64) }));
}

#[test]
fn a_stale_price_is_refused_until_an_offset_brings_it_near_enough() {
    let scene = Scene::with_price();
    let reason = scene.first_miss(Faults { stale_by_seconds: 30, ..Faults::default() });
    let too_far = Refusal::TooFar { publish_time_s: WANTED_S - 30, wanted_s: WANTED_S };
    assert_eq!(reason, MissReason::Refused(too_far));
    scene.feed.set_faults(Faults { stale_by_seconds: 11, ..Faults::default() });
    assert_eq!(scene.find().unwrap().publish_time, WANTED_S - 10);
}

#[test]
fn a_wide_confidence_is_refused() {
    let reason = Scene::with_price().first_miss(Faults { confidence_bps: Some(101), ..Faults::default() });
    let too_wide = Refusal::TooWide { confidence: 21_930, mantissa: 2_171_251, max_bps: 100 };
    assert_eq!(reason, MissReason::Refused(too_wide));
}

#[test]
fn bodies_that_are_no_price_update_are_refused() {
    let scene = Scene::with_price();
    for body in [BodyFault::Garbage, BodyFault::CutJson] {
        let reason = scene.first_miss(Faults { body, ..Faults::default() });
        let unreadable =
            matches!(reason, MissReason::Refused(Refusal::Unreadable(ParseFailure::Shape { .. })));
        assert!(unreadable, "{body:?}: {reason:?}");
    }
}

#[test]
fn bodies_that_break_off_or_never_end_are_errors_of_the_service() {
    let scene = Scene::with_price();
    assert_eq!(scene.upstream_error(BodyFault::CutTransfer), UpstreamError::BrokenBody);
    assert_eq!(scene.upstream_error(BodyFault::Oversized), UpstreamError::BodyTooLarge);
}

#[test]
fn the_client_recovers_as_soon_as_the_service_does() {
    let scene = Scene::with_price();
    for body in [BodyFault::CutTransfer, BodyFault::Oversized, BodyFault::Garbage] {
        scene.feed.set_faults(Faults { body, ..Faults::default() });
        assert!(scene.find().is_err());
        scene.feed.set_faults(Faults::default());
        assert!(scene.find().is_ok());
    }
}

#[test]
fn an_api_key_is_sent_as_a_bearer_token() {
    let scene = Scene::with_price();
    scene.feed.set_faults(Faults { required_key: Some("k3y".to_owned()), ..Faults::default() });
    assert_eq!(scene.ask(), Err(UpstreamError::Status(401)));
    let config = HermesConfig { api_key: Some("k3y".into()), ..HermesConfig::new(scene.feed.base_url()) };
    assert!(HermesClient::new(config).unwrap().at(Market::Sol, WANTED_S).is_ok());
}

#[test]
fn a_base_url_may_end_in_a_slash_and_carry_a_path() {
    let scene = Scene::with_price();
    let slashed = client(format!("{}/", scene.feed.base_url()), 5_000);
    assert!(slashed.at(Market::Sol, WANTED_S).is_ok());
    let nested = client(format!("{}/token/hermes", scene.feed.base_url()), 5_000);
    assert_eq!(nested.at(Market::Sol, WANTED_S), Err(UpstreamError::NotFound));
}

#[test]
fn base_urls_that_cannot_be_meant_are_refused() {
    for url in [
        "",
        "hermes",
        "ftp://host",
        "http://",
        "https://user:pass@host",
        "https://host?x=1",
        "https://host#x",
    ] {
        let refused = HermesClient::new(HermesConfig::new(url)).unwrap_err();
        assert_eq!(refused, HermesConfigError::BaseUrl, "{url}");
    }
}

#[test]
fn an_api_key_must_fit_a_header_and_is_never_shown() {
    let config =
        |key: &str| HermesConfig { api_key: Some(key.into()), ..HermesConfig::new("https://host/token") };
    assert_eq!(HermesClient::new(config("line\nbreak")).unwrap_err(), HermesConfigError::ApiKey);
    let shown = format!("{:?}", HermesClient::new(config("k3y")).unwrap());
    assert_eq!(shown, r#"HermesClient { host: "host", .. }"#);
}
