//! A payout is taken back as long as nothing is signed for it.

use serde_json::json;

use crate::harness::Place;
use crate::harness::faucet::RAW_PER_BAN;
use crate::shop::{FUNDS, Shop, wish};

#[test]
fn what_waits_or_is_held_is_taken_back_and_its_money_is_free() {
    Place::for_each_engine(|place| {
        let shop = Shop::open(place);
        let mut all = wish();
        all["amount"] = json!(FUNDS.to_string());
        let id = shop.create("a", &all).expect(201)["id"].as_str().unwrap().to_owned();
        let cancelled = shop.cancel(&id, r#"{"reason": "sold out"}"#).expect(200);
        assert_eq!((&cancelled["state"], &cancelled["why"]), (&json!("cancelled"), &json!("sold out")));
        assert_eq!(shop.cancel(&id, "").expect(200), cancelled, "again");
        let held = shop.create("b", &all).expect(201)["id"].as_str().unwrap().to_owned();
        assert_eq!(shop.tool().run(&["payouts", "hold", &held, "--reason", "odd"]).status, 0);
        let shown = shop.show(&held);
        assert_eq!((&shown["state"], &shown["why"]), (&json!("held"), &json!("odd")));
        assert_eq!(shop.cancel(&held, "{}").expect(200)["state"], "cancelled");
        shop.send();
        assert_eq!(shop.paid(), []);
        assert_eq!(shop.create("c", &all).status, 201);
        assert_eq!(shop.create("a", &all).expect(200)["state"], "cancelled", "its key stays used");
    });
}

#[test]
fn what_was_sent_is_not_taken_back() {
    Place::for_each_engine(|place| {
        let shop = Shop::open(place);
        let id = shop.pay("a");
        shop.send();
        let refused = shop.cancel(&id, "").expect(409);
        assert_eq!((&refused["code"], &refused["state"]), (&json!("payout_too_late"), &json!("final")));
        assert_eq!(shop.paid(), [RAW_PER_BAN]);
        assert_eq!(shop.cancel(&id, r#"{"reason": ""}"#).expect_code(400), "invalid_body");
        assert_eq!(shop.cancel(&id, r#"{"why": "x"}"#).expect_code(400), "invalid_body");
    });
}

#[test]
fn a_stop_does_not_stand_in_the_way() {
    let place = Place::sqlite();
    let shop = Shop::open(&place);
    let id = shop.pay("a");
    shop.faucet.switch("payouts_halted", "on");
    assert_eq!(shop.cancel(&id, "").expect(200)["state"], "cancelled");
}
