//! The price feed over HTTP: the reply shape of Hermes, its refusals, and each fault.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

use std::net::SocketAddr;

use bursar_devnet::prices::{BodyFault, Faults, PriceFeed, Quote, Scripted};
use bursar_money::Price;
use serde_json::{Value, json};

const SOL: &str = "ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d";
const BTC: &str = "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43";

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn feed() -> PriceFeed {
    let script = Scripted::new();
    script.set_quote(
        SOL,
        100,
        Quote { price: Price::new(2_171_251, -2), confidence: 1_085, publish_time: 100 },
    );
    PriceFeed::start_with_control(script, loopback()).unwrap()
}

fn get(feed: &PriceFeed, path: &str) -> (u16, String) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let mut reply = agent.get(format!("{}{path}", feed.base_url())).call().unwrap();
    (reply.status().as_u16(), reply.body_mut().read_to_string().unwrap())
}

fn sol_at(second: &str) -> String {
    format!("/v2/updates/price/{second}?ids[]={SOL}&parsed=true")
}

fn parsed(feed: &PriceFeed, path: &str) -> Value {
    let (status, body) = get(feed, path);
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn a_price_has_the_reply_shape_of_hermes() {
    let price = json!({ "price": "2171251", "conf": "1085", "expo": -2, "publish_time": 100 });
    let reply = parsed(&feed(), &sol_at("100"));
    assert_eq!(reply["binary"]["encoding"], "hex");
    assert!(reply["binary"]["data"][0].is_string());
    assert_eq!(
        reply["parsed"],
        json!([{
            "id": SOL, "price": price, "ema_price": price,
            "metadata": { "slot": 200, "proof_available_time": 101, "prev_publish_time": 99 },
        }])
    );
}

#[test]
fn ids_may_carry_a_prefix_capitals_or_escaped_brackets() {
    let feed = feed();
    for ids in [format!("ids[]=0x{SOL}"), format!("ids[]={}", SOL.to_uppercase()), format!("ids%5B%5D={SOL}")]
    {
        let reply = parsed(&feed, &format!("/v2/updates/price/100?{ids}&parsed=true"));
        assert_eq!(reply["parsed"][0]["id"], SOL);
    }
}

#[test]
fn parsed_false_leaves_the_parsed_part_out() {
    let reply = parsed(&feed(), &format!("/v2/updates/price/100?ids[]={SOL}&parsed=false"));
    assert!(reply.get("parsed").is_none());
}

#[test]
fn the_latest_price_follows_the_clock_it_is_given() {
    let feed = feed();
    feed.set_now(99);
    assert_eq!(get(&feed, &sol_at("latest")).0, 404);
    feed.set_now(5_000);
    assert_eq!(parsed(&feed, &sol_at("latest"))["parsed"][0]["price"]["publish_time"], 100);
}

#[test]
fn refusals_are_worded_like_those_of_hermes() {
    let feed = feed();
    let unknown = format!("/v2/updates/price/100?ids[]={BTC}");
    assert_eq!(get(&feed, &unknown), (404, format!("Price ids not found: 0x{BTC}")));
    assert_eq!(get(&feed, &sol_at("101")), (404, "Update data not found".to_owned()));
    assert_eq!(get(&feed, &sol_at("soon")).0, 400);
    assert_eq!(get(&feed, "/v2/updates/price/100?parsed=true").0, 400);
    assert_eq!(get(&feed, "/v2/updates/price/100?ids[]=ab").0, 400);
}

#[test]
fn the_log_keeps_the_requests_in_order_of_arrival() {
    let feed = feed();
    for when in ["100", "99", "latest"] {
        get(&feed, &sol_at(when));
    }
    assert_eq!(feed.asked(), ["100", "99", "latest"]);
    assert_eq!(feed.requests()[1], sol_at("99"));
    assert_eq!(feed.request_count(), 3);
    feed.forget_requests();
    assert_eq!((feed.asked().len(), feed.request_count()), (0, 0));
}

#[test]
fn a_status_fault_lasts_for_its_requests() {
    let feed = feed();
    feed.fail_next(429, 2);
    assert_eq!([(); 3].map(|()| get(&feed, &sol_at("100")).0), [429, 429, 200]);
}

#[test]
fn a_redirect_fault_leads_to_the_latest_price() {
    let feed = feed();
    feed.fail_next(302, 1);
    let agent: ureq::Agent =
        ureq::Agent::config_builder().max_redirects(0).max_redirects_will_error(false).build().into();
    let reply = agent.get(format!("{}{}", feed.base_url(), sol_at("100"))).call().unwrap();
    assert_eq!(reply.headers()["location"], sol_at("latest").as_str());
}

#[test]
fn a_required_key_is_asked_for_as_a_bearer_token() {
    let feed = feed();
    feed.set_faults(Faults { required_key: Some("k3y".to_owned()), ..Faults::default() });
    assert_eq!(get(&feed, &sol_at("100")).0, 401);
    let url = format!("{}{}", feed.base_url(), sol_at("100"));
    assert_eq!(ureq::get(&url).header("Authorization", "Bearer k3y").call().unwrap().status(), 200);
    assert!(ureq::get(&url).header("Authorization", "Bearer other").call().is_err());
}

#[test]
fn lies_appear_in_the_reply() {
    let feed = feed();
    feed.set_faults(Faults {
        wrong_id: true,
        stale_by_seconds: 11,
        confidence_bps: Some(200),
        ..Faults::default()
    });
    let reply = &parsed(&feed, &sol_at("100"))["parsed"][0];
    assert_ne!(reply["id"], SOL);
    assert_eq!(reply["price"]["publish_time"], 89);
    assert_eq!(reply["price"]["conf"], "43426");
}

#[test]
fn spoiled_bodies_are_no_whole_json() {
    let feed = feed();
    for body in [BodyFault::Garbage, BodyFault::CutJson] {
        feed.set_faults(Faults { body, ..Faults::default() });
        let (status, text) = get(&feed, &sol_at("100"));
        assert_eq!(status, 200);
        assert!(serde_json::from_str::<Value>(&text).is_err(), "{text}");
    }
    feed.set_faults(Faults { body: BodyFault::Oversized, ..Faults::default() });
    assert_eq!(get(&feed, &sol_at("100")).1.len(), 1 << 20);
}

#[test]
fn a_cut_transfer_breaks_the_connection() {
    let feed = feed();
    feed.set_faults(Faults { body: BodyFault::CutTransfer, ..Faults::default() });
    let mut reply = ureq::get(format!("{}{}", feed.base_url(), sol_at("100"))).call().unwrap();
    assert!(reply.body_mut().read_to_string().is_err());
}

#[test]
fn control_sets_faults_and_tells_what_was_asked() {
    let feed = feed();
    let control = format!("{}/control", feed.base_url());
    let reply =
        ureq::post(&control).content_type("application/json").send(r#"{"staleBySeconds": 30}"#).unwrap();
    assert_eq!(reply.status(), 204);
    assert_eq!(parsed(&feed, &sol_at("100"))["parsed"][0]["price"]["publish_time"], 70);
    let told = parsed(&feed, "/control");
    assert_eq!((&told["requestCount"], &told["faults"]["staleBySeconds"]), (&json!(1), &json!(30)));
    assert_eq!(told["requests"], json!([sol_at("100")]));
}

#[test]
fn control_exists_only_where_enabled() {
    let feed = PriceFeed::start(Scripted::new(), loopback()).unwrap();
    assert_eq!(get(&feed, "/control").0, 404);
}

#[test]
fn a_feed_serves_loopback_only() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    assert!(PriceFeed::start(Scripted::new(), everywhere).is_err());
}

#[test]
fn dropping_the_feed_closes_its_port_even_with_a_silent_request_open() {
    let feed = feed();
    feed.set_faults(Faults { silent: true, ..Faults::default() });
    let url = format!("{}{}", feed.base_url(), sol_at("100"));
    let waiting = std::thread::spawn(move || ureq::get(url).call().is_err());
    while feed.request_count() == 0 {
        std::thread::yield_now();
    }
    let base = feed.base_url();
    drop(feed);
    assert!(waiting.join().unwrap());
    assert!(ureq::get(base).call().is_err());
}
