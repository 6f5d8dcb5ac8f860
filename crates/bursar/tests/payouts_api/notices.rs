//! Every change of a payout is told by webhook: signed, in order, at least once.

use std::collections::BTreeSet;

use bursar_audit::sign;
use bursar_store::Timestamp;
use serde_json::{Value, json};

use crate::harness::{Delivered, Place, Setup, Webhook};
use crate::shop::Shop;

const SECRET: &str = "webhook secret of the tests 0123456789";

fn told_to(webhook: &Webhook) -> impl FnOnce(Setup) -> Setup {
    let url = webhook.url();
    move |setup| setup.env("BURSAR_PAYOUTS_WEBHOOK_URL", &url).env("BURSAR_PAYOUTS_WEBHOOK_SECRET", SECRET)
}

fn names(delivered: &[Delivered]) -> Vec<Value> {
    delivered.iter().map(|one| one.json()["event"].clone()).collect()
}

#[track_caller]
fn assert_signed(delivered: &Delivered, secrets: &[&str]) {
    let signature = delivered.header("x-bursar-signature").unwrap();
    let second: i64 = signature.trim_start_matches("t=").split(',').next().unwrap().parse().unwrap();
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.as_bytes()).collect();
    assert_eq!(signature, sign(&secrets, Timestamp::from_ms(second * 1_000), &delivered.text));
}

#[test]
fn each_change_is_told_in_order_signed_and_with_the_payout_as_it_was_then() {
    Place::for_each_engine(|place| {
        let webhook = Webhook::start();
        let shop = Shop::open_with(place, told_to(&webhook));
        let id = shop.pay("a");
        webhook.wait_for_count(1);
        shop.send();
        webhook.wait_for_count(4);
        let delivered = webhook.received();
        assert_eq!(
            names(&delivered),
            ["payout.accepted", "payout.signed", "payout.broadcast", "payout.final"]
        );
        for one in &delivered {
            assert_eq!(one.header("x-bursar-delivery"), one.json()["id"].as_str());
            assert_signed(one, &[SECRET]);
        }
        let ids: BTreeSet<_> = delivered.iter().map(|one| one.header("x-bursar-delivery")).collect();
        assert_eq!(ids.len(), 4);
        assert_eq!(delivered[0].json()["payout"]["state"], "accepted");
        assert_eq!(delivered[3].json()["payout"], shop.show(&id));
        assert!(!delivered[3].text.contains("bytes"));
    });
}

#[test]
fn what_is_held_failed_or_taken_back_is_told_too() {
    let webhook = Webhook::start();
    let place = Place::sqlite();
    let shop = Shop::open_with(&place, told_to(&webhook));
    let id = shop.pay("a");
    for verb in ["hold", "release"] {
        assert_eq!(shop.tool().run(&["payouts", verb, &id, "--reason", "odd"]).status, 0);
    }
    shop.cancel(&id, "").expect(200);
    webhook.wait_for_count(4);
    let delivered = webhook.received();
    assert_eq!(names(&delivered), ["payout.accepted", "payout.held", "payout.released", "payout.cancelled"]);
    assert_eq!(delivered[1].json()["payout"]["why"], "odd");
}

#[test]
fn a_receiver_that_fails_gets_the_very_same_later_and_nothing_overtakes_it() {
    Place::for_each_engine(|place| {
        let webhook = Webhook::start();
        let shop = Shop::open_with(place, told_to(&webhook));
        webhook.answer_with(500);
        shop.pay("a");
        shop.faucet.server.wait_for_log("a change of a payout was not delivered");
        shop.send();
        let tries = webhook.received().len();
        webhook.answer_with(200);
        shop.faucet.pass_ms(10_000);
        webhook.wait_for_count(tries + 4);
        let delivered = webhook.received();
        let (failed, rest) = delivered.split_at(tries);
        assert!(failed.iter().all(|one| one.text == rest[0].text), "only the first was tried");
        assert_eq!(names(rest), ["payout.accepted", "payout.signed", "payout.broadcast", "payout.final"]);
        assert_eq!(rest[0].header("x-bursar-delivery"), failed[0].header("x-bursar-delivery"));
    });
}

#[test]
fn what_was_not_delivered_when_the_server_was_killed_is_delivered_by_the_next() {
    Place::for_each_engine(|place| {
        let webhook = Webhook::start();
        let shop = Shop::open_with(place, told_to(&webhook));
        webhook.answer_with(500);
        let id = shop.pay("a");
        shop.faucet.server.wait_for_log("a change of a payout was not delivered");
        let Shop { faucet, token } = shop;
        let shop = Shop { faucet: faucet.restart(), token };
        webhook.answer_with(200);
        let tries = webhook.received().len();
        // The lease of the dead server has to end first.
        shop.faucet.pass_ms(120_000);
        webhook.wait_for_count(tries + 4);
        let rest = &webhook.received()[tries..];
        assert_eq!(names(rest), ["payout.accepted", "payout.signed", "payout.broadcast", "payout.final"]);
        assert_eq!(rest[0].json()["payout"]["id"], id);
        assert_eq!(rest[0].text, webhook.received()[0].text);
    });
}

#[test]
fn v1_while_a_secret_is_replaced_deliveries_are_signed_with_both() {
    let webhook = Webhook::start();
    let former = "the former webhook secret 0123456789abc";
    let place = Place::sqlite();
    let shop = Shop::open_with(&place, |setup| {
        told_to(&webhook)(setup).env("BURSAR_PAYOUTS_WEBHOOK_SECRET_PREVIOUS", former)
    });
    shop.pay("a");
    webhook.wait_for_count(1);
    assert_signed(&webhook.received()[0], &[SECRET, former]);
}

#[test]
fn nothing_is_delivered_without_a_signature() {
    let place = Place::sqlite();
    let setup = Setup::bare(&place).env("BURSAR_DESKS", "faucet");
    let (status, _, stderr) = setup.env("BURSAR_PAYOUTS_WEBHOOK_URL", "http://127.0.0.1:1/hook").refuse();
    assert!(!status.success() && stderr.contains("BURSAR_PAYOUTS_WEBHOOK_SECRET"), "{stderr}");
}

#[test]
fn a_desks_own_payouts_are_not_told_of() {
    let webhook = Webhook::start();
    let place = Place::sqlite();
    let shop = Shop::open_with(&place, told_to(&webhook));
    let player = shop.faucet.player(1, 1_208);
    shop.faucet.outside.stats.grow_kills(&player.epic, 7);
    shop.faucet.cycle();
    shop.faucet.cycle();
    assert_eq!(shop.faucet.outside.paid_e8(&player), [70_000_000]);
    shop.pay("a");
    webhook.wait_for_count(1);
    assert_eq!(webhook.received()[0].json()["payout"]["key"], json!("a"));
}
