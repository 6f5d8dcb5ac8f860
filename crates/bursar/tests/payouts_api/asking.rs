//! Who may ask, how often, and how much at a time.

use serde_json::json;

use crate::harness::{Place, Setup};
use crate::shop::{Shop, payer, wish};

/// The three ways in, each with what it takes.
fn knock(shop: &Shop, authorization: Option<&str>) -> [(u16, String); 3] {
    let mut headers = vec![("idempotency-key", "a")];
    headers.extend(authorization.map(|value| ("authorization", value)));
    let server = &shop.faucet.server;
    let cancel = "/v1/payouts/01890000-0000-7000-8000-000000000000/cancel";
    [
        server.post_with("/v1/payouts", &headers, &wish().to_string()),
        server.get_with("/v1/payouts", &headers),
        server.post_with(cancel, &headers, ""),
    ]
    .map(|answer| (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned()))
}

#[test]
fn only_a_payers_live_token_opens_anything() {
    Place::for_each_engine(|place| {
        let shop = Shop::open(place);
        let tool = shop.tool();
        let unauthorized = || [401, 401, 401].map(|status| (status, "unauthorized".to_owned()));
        let near = format!("Bearer {}0", &shop.token[..shop.token.len() - 1]);
        let near = if near.ends_with(&shop.token) { near.replace("0", "1") } else { near };
        for wrong in [None, Some(""), Some("Bearer"), Some("Bearer x"), Some(&*near), Some(&*shop.token)] {
            assert_eq!(knock(&shop, wrong), unauthorized(), "{wrong:?}");
        }
        tool.json(&["operators", "add", "ann", "--role", "admin"]);
        let admin = tool.json(&["operators", "token", "ann"])["token"].as_str().unwrap().to_owned();
        let forbidden = [403, 403, 403].map(|status| (status, "forbidden".to_owned()));
        assert_eq!(knock(&shop, Some(&format!("Bearer {admin}"))), forbidden);
        assert_eq!(shop.create("a", &wish()).status, 201);
        tool.json(&["operators", "disable", "shop"]);
        assert_eq!(knock(&shop, Some(&format!("Bearer {}", shop.token))), unauthorized());
        let refusals = tool.json(&["audit", "list", "--event", "payouts_api.refused", "--limit", "100"]);
        assert_eq!(refusals["events"].as_array().unwrap().len(), 24, "{refusals}");
    });
}

#[test]
fn h10_a_payer_of_another_desk_sees_and_pays_nothing_here() {
    let place = Place::sqlite();
    let shop = Shop::open(&place);
    let id = shop.pay("a");
    let other = payer(&shop.tool(), "rounds-shop", "rounds");
    let other = Shop { token: other, ..shop };
    assert_eq!(other.create("a", &wish()).expect_code(409), "payouts_not_open");
    assert_eq!(other.get(&format!("/v1/payouts/{id}")).expect_code(409), "payouts_not_open");
    assert_eq!(other.cancel(&id, "").expect_code(409), "payouts_not_open");
    other.send();
    assert_eq!(other.paid().len(), 1);
}

#[test]
fn a_payer_signs_in_nowhere_else() {
    let place = Place::sqlite();
    let shop = Shop::open(&place);
    let signed_in = shop.faucet.server.post_form("/console/sign-in", &[], &[("token", &shop.token)]);
    assert_eq!((signed_in.status, signed_in.header("set-cookie")), (403, None));
    let add = shop.tool().run(&["operators", "add", "x", "--role", "payer"]);
    assert_ne!(add.status, 0, "{add:?}");
    let add = shop.tool().run(&["operators", "add", "x", "--role", "admin", "--desk", "faucet"]);
    assert_ne!(add.status, 0, "{add:?}");
}

#[test]
fn calls_are_limited_and_say_when_to_come_back() {
    let limit = |setup: Setup| setup.env("BURSAR_RL_PAYOUTS_IP_LIMIT", "3");
    let place = Place::sqlite();
    let shop = Shop::open_with(&place, limit);
    for _ in 0..3 {
        shop.get("/v1/payouts").expect(200);
    }
    let refused = shop.get("/v1/payouts");
    assert_eq!(refused.expect_code(429), "rate_limited");
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(shop.create("a", &wish()).status, 429, "before anything else");
    shop.faucet.pass_ms(wait * 1_000);
    shop.get("/v1/payouts").expect(200);
}

#[test]
fn h11_a_body_of_more_than_64_kib_is_refused() {
    let place = Place::sqlite();
    let shop = Shop::open(&place);
    let long = json!({"wallet": "x".repeat(64 * 1024)}).to_string();
    assert_eq!(shop.create_text("a", &long).expect_code(413), "body_too_large");
}

#[test]
fn the_routes_are_described_and_are_there_only_with_a_desk_that_pays() {
    let place = Place::sqlite();
    let shop = Shop::open(&place);
    let document = shop.faucet.server.get("/openapi.json").expect(200);
    for (path, method) in [
        ("/v1/payouts", "post"),
        ("/v1/payouts", "get"),
        ("/v1/payouts/{id}", "get"),
        ("/v1/payouts/{id}/cancel", "post"),
    ] {
        let operation = &document["paths"][path][method];
        assert_eq!(operation["security"], json!([{"operator_payer": []}]), "{method} {path}");
    }
    assert!(document["components"]["schemas"]["Payout"]["properties"]["amount"]["pattern"].is_string());
    let other = Place::sqlite();
    let rounds = Setup::rounds(&other).start();
    assert_eq!(rounds.get("/v1/payouts").expect_code(404), "not_found");
}
