//! A payout is made once, of what may be paid, and lands on the chain.

use serde_json::{Value, json};

use crate::harness::faucet::{RAW_PER_BAN, player_address};
use crate::harness::{Place, Server};
use crate::shop::{FUNDS, Shop, WALLET, payee, payer, wish};

/// The wish with another value.
fn with(name: &str, value: Value) -> Value {
    let mut wish = wish();
    wish[name] = value;
    wish
}

#[test]
fn a_payout_is_made_sent_and_shown_with_its_block() {
    Place::for_each_engine(|place| {
        let shop = Shop::open(place);
        let made = shop.create("order-12", &wish());
        let body = made.expect(201);
        let id = body["id"].as_str().unwrap().to_owned();
        assert_eq!(made.header("location"), Some(&*format!("/v1/payouts/{id}")));
        assert_eq!(made.header("cache-control"), Some("no-store"));
        assert!(made.header("x-request-id").is_some());
        let told =
            ["state", "desk", "wallet", "asset", "amount", "to", "reference", "key"].map(|name| &body[name]);
        let amount = RAW_PER_BAN.to_string();
        let wanted = json!(["accepted", "faucet", WALLET, "BAN", amount, payee(), "order 12", "order-12"]);
        assert_eq!(json!(told), wanted);
        assert_eq!((&body["transaction"], &body["attempts"]), (&Value::Null, &json!([])));
        shop.send();
        let shown = shop.show(&id);
        let sent = shop.faucet.outside.sends().pop().unwrap();
        assert_eq!((sent.to, sent.raw), (payee(), RAW_PER_BAN));
        assert_eq!((&shown["state"], &shown["transaction"]), (&json!("final"), &json!(sent.hash)));
        let attempt = &shown["attempts"][0];
        assert_eq!((&attempt["transaction"], &attempt["state"]), (&json!(sent.hash), &json!("final")));
        for moment in ["createdAt", "changedAt", "broadcastAt", "endedAt"] {
            assert!(shown[moment].as_str().is_some_and(|text| text.ends_with('Z')), "{moment}: {shown}");
        }
        let back = shop.fund(&[&(FUNDS - RAW_PER_BAN).to_string(), "--take-back"]);
        assert_eq!(back, (json!({"ok": true, "wallet": WALLET, "funds": "0"}), 0));
    });
}

#[test]
fn g1_the_same_key_is_the_same_payout_for_ever_and_another_request_is_refused_with_both_hashes() {
    Place::for_each_engine(|place| {
        let shop = Shop::open(place);
        let first = shop.create("a", &wish()).expect(201);
        let again = shop.create("a", &wish()).expect(200);
        assert_eq!(again, first);
        shop.send();
        shop.faucet.pass_ms(600_000);
        let late = shop.create("a", &wish()).expect(200);
        assert_eq!((&late["id"], &late["state"]), (&first["id"], &json!("final")));
        for other in
            [with("amount", json!("1")), with("to", json!(player_address(78))), with("reference", json!("x"))]
        {
            let refused = shop.create("a", &other).expect(409);
            assert_eq!(refused["code"], "idempotency_key_reused");
            assert_eq!(refused["storedHash"], first["requestHash"]);
            let given = refused["givenHash"].as_str().unwrap();
            assert!(given.len() == 64 && refused["storedHash"] != given, "{refused}");
        }
        assert_eq!(shop.paid(), [RAW_PER_BAN]);
        // Another account's key of the same text is another payout's.
        let other = Shop { token: payer(&shop.tool(), "bob", "faucet"), ..shop };
        assert_ne!(other.create("a", &wish()).expect(201)["id"], first["id"]);
    });
}

#[test]
fn fifty_at_once_with_one_key_make_one_payout() {
    Place::for_each_engine(|place| {
        let shop = Shop::open(place);
        let (server, bearer, body) =
            (&shop.faucet.server, format!("Bearer {}", shop.token), wish().to_string());
        let headers = [("authorization", &*bearer), ("idempotency-key", "one")];
        let answers: Vec<(u16, Value)> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..50).map(|_| scope.spawn(|| server.post_with("/v1/payouts", &headers, &body))).collect();
            let answers = threads.into_iter().map(|thread| thread.join().unwrap());
            answers.map(|answer| (answer.status, answer.json()["id"].clone())).collect()
        });
        assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 49, "{answers:?}");
        assert!(answers.windows(2).all(|pair| pair[0].1 == pair[1].1));
        shop.send();
        assert_eq!(shop.paid(), [RAW_PER_BAN]);
        assert_eq!(shop.get("/v1/payouts").expect(200)["payouts"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn amounts_are_texts_of_whole_raw_above_zero() {
    let place = Place::sqlite();
    let shop = Shop::open(&place);
    let bad = [
        json!(1),
        json!(1.5),
        json!(null),
        json!(""),
        json!("0"),
        json!("-1"),
        json!("+1"),
        json!("1.0"),
        json!("1e3"),
        json!("01"),
        json!(" 1"),
        json!("1_0"),
        json!("340282366920938463463374607431768211456"),
    ];
    for amount in bad {
        assert_eq!(
            shop.create("a", &with("amount", amount.clone())).expect_code(400),
            "invalid_body",
            "{amount}"
        );
    }
    // 100,000 BAN is the most that one payment of the wallet may be.
    let above = (100_000 * RAW_PER_BAN + 1).to_string();
    assert_eq!(shop.create("a", &with("amount", json!(above))).expect_code(409), "above_payment_max");
    assert_eq!(shop.create("a", &with("amount", json!("1"))).status, 201);
}

#[test]
fn what_cannot_be_paid_is_refused_by_name_and_makes_nothing() {
    let place = Place::sqlite();
    let shop = Shop::open(&place);
    let burn = "ban_1burnbabyburndiscoinferno111111111111111111111111111aj49sw3w";
    let own = crate::harness::faucet::operator().address();
    let wrong_checksum = format!("{}1", &payee()[..63]);
    let cases = [
        (with("to", json!("ban_nobody")), 400, "invalid_address"),
        (with("to", json!(wrong_checksum)), 400, "invalid_address"),
        (with("to", json!("x".repeat(1_000))), 400, "invalid_address"),
        (with("to", json!(burn)), 400, "burn_address"),
        (with("to", json!(own)), 400, "own_wallet"),
        (with("wallet", json!("cold")), 404, "wallet_not_found"),
        (with("wallet", json!("../x y")), 404, "wallet_not_found"),
        (with("asset", json!("SOL")), 409, "other_asset"),
        (with("asset", json!("XYZ")), 400, "invalid_body"),
        (with("reference", json!("x".repeat(201))), 400, "invalid_body"),
        (with("note", json!("not a field")), 400, "invalid_body"),
        (json!({"wallet": WALLET}), 400, "invalid_body"),
        (with("amount", json!((FUNDS + 1).to_string())), 409, "insufficient_funds"),
    ];
    for (wish, status, code) in cases {
        assert_eq!(shop.create("a", &wish).expect_code(status), code, "{wish}");
    }
    assert_eq!(shop.create_text("a", "{").expect_code(400), "malformed_json");
    for key in ["", "a b", &"k".repeat(101)] {
        assert_eq!(shop.create(key, &wish()).expect_code(400), "idempotency_key_invalid", "{key:?}");
    }
    let bearer = format!("Bearer {}", shop.token);
    let without =
        shop.faucet.server.post_with("/v1/payouts", &[("authorization", &bearer)], &wish().to_string());
    assert_eq!(without.expect_code(400), "idempotency_key_invalid");
    assert_eq!(shop.get("/v1/payouts").expect(200)["payouts"], json!([]));
}

#[test]
fn funds_bound_what_is_paid_and_are_filled_from_the_operators_own_alone() {
    Place::for_each_engine(|place| {
        let shop = Shop::open(place);
        assert_eq!(shop.create("a", &with("amount", json!(FUNDS.to_string()))).status, 201);
        assert_eq!(shop.create("b", &with("amount", json!("1"))).expect_code(409), "insufficient_funds");
        // The operator put in 99 BAN, of which 10 are in the funds.
        let (refused, status) = shop.fund(&[&(89 * RAW_PER_BAN + 1).to_string()]);
        assert_eq!((&refused["code"], status), (&json!("owed_to_others"), 1));
        // A player comes to be owed 0.7 BAN.
        let player = shop.faucet.player(1, 1_208);
        shop.faucet.switch("payouts_halted", "on");
        shop.faucet.outside.stats.grow_kills(&player.epic, 7);
        shop.faucet.cycle();
        let owed = shop.tool().json(&["ledger", "balance", "faucet/owed"]);
        assert_eq!(owed["balance"], (7 * RAW_PER_BAN / 10).to_string(), "{owed}");
        let (refused, status) = shop.fund(&[&(89 * RAW_PER_BAN).to_string()]);
        assert_eq!((&refused["code"], status), (&json!("owed_to_others"), 1));
        let most = 89 * RAW_PER_BAN - 7 * RAW_PER_BAN / 10;
        assert_eq!(shop.fund(&[&most.to_string()]).0["funds"], (FUNDS + most).to_string());
    });
}

#[test]
fn a_stop_refuses_what_is_new_and_still_tells_what_was_made() {
    Place::for_each_engine(|place| {
        let shop = Shop::open(place);
        let id = shop.pay("a");
        shop.faucet.switch("payouts_halted", "on");
        let refused = shop.create("b", &wish());
        assert_eq!(refused.expect_code(503), "payouts_stopped");
        assert_eq!(refused.header("retry-after"), Some("30"));
        assert_eq!(shop.create("a", &wish()).expect(200)["id"], id);
        shop.send();
        assert_eq!((shop.paid(), &shop.show(&id)["state"]), (vec![], &json!("accepted")));
        shop.faucet.switch("payouts_halted", "off");
        shop.create("b", &wish()).expect(201);
        shop.faucet.pass_ms(60_000);
        assert_eq!(shop.paid(), [RAW_PER_BAN, RAW_PER_BAN]);
    });
}

#[test]
fn the_platforms_own_variable_stops_payouts_of_every_desk_whatever_the_rows_say() {
    Place::for_each_engine(|place| {
        let shop = Shop::open(place);
        shop.pay("a");
        let Shop { faucet, token } = shop;
        let setup = faucet.server.setup().clone();
        faucet.server.kill();
        let ask = |server: &Server| {
            let headers = [("authorization", &*format!("Bearer {token}")), ("idempotency-key", "b")];
            server.post_with("/v1/payouts", &headers, &wish().to_string())
        };
        let halted = setup.clone().env("BURSAR_PAYOUTS_HALTED", "on").start();
        assert_eq!(ask(&halted).expect_code(503), "payouts_stopped");
        halted.move_clock(halted.now_ms() + 60_000);
        assert_eq!(faucet.outside.sends().len(), 0);
        halted.kill();
        let server = setup.start();
        ask(&server).expect(201);
        server.move_clock(server.now_ms() + 60_000);
        assert_eq!(faucet.outside.sends().len(), 2);
    });
}

#[test]
fn in_dry_run_nothing_new_is_accepted_and_what_was_made_stays() {
    let place = Place::sqlite();
    let shop = Shop::open(&place);
    let id = shop.pay("a");
    let Shop { faucet, token } = shop;
    let setup = faucet.server.setup().clone().env("P2S_DRY_RUN", "true");
    faucet.server.kill();
    let server = setup.start();
    let ask = |key: &str| {
        let headers = [("authorization", &*format!("Bearer {token}")), ("idempotency-key", key)];
        server.post_with("/v1/payouts", &headers, &wish().to_string())
    };
    assert_eq!(ask("b").expect_code(409), "payouts_not_open");
    assert_eq!(ask("a").expect(200)["id"], id);
    server.move_clock(server.now_ms() + 60_000);
    assert_eq!((faucet.outside.sends().len(), &ask("a").expect(200)["state"]), (0, &json!("accepted")));
}
