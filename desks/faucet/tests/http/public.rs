//! What anybody may read (docs/spec/faucet.md 4.1).

use serde_json::{Value, json};

use crate::scene::{BOB, address, on_each_engine, on_each_engine_in_dry_run};

#[test]
fn the_leaderboard_goes_by_kills_and_shows_money_as_text_with_eight_places() {
    on_each_engine(|scene| {
        let alice = scene.alice();
        scene.person(BOB, "bob", "epic_bob", 0);
        let bob = scene.sign_in(BOB);
        for (cookie, index) in [(&alice, 0), (&bob, 1)] {
            let body = json!({"banano_address": address(index)}).to_string();
            scene.post("/link/wallet", cookie, &body).ok();
        }
        scene.stats.set_kills("epic_alice", 1_215);
        scene.stats.set_kills("epic_bob", 9);
        scene.test.advance_ms(60_000);
        scene.faucet.accrue(&|| false).unwrap();
        let board = scene.get("/api/leaderboard?limit=1", "").ok();
        assert_eq!((&board["total"], &board["caps"]), (&2.into(), &json!({"daily": 150, "weekly": 750})));
        let first = &board["players"][0];
        assert_eq!((&first["discord_username"], &first["total_kills"]), (&"bob".into(), &9.into()));
        assert_eq!(
            (&first["total_accrued_ban"], &first["total_paid_ban"]),
            (&"0.90000000".into(), &"0.00000000".into())
        );
        assert_eq!(first["cap_status"]["daily_remaining"], 150);
        let second = scene.get("/api/leaderboard?limit=1&offset=1", "").ok();
        assert_eq!(second["players"][0]["discord_username"], "alice");
        scene.get("/api/leaderboard?offset=-1", "").refused(422, "invalid_query");
        let feed = scene.get("/api/feed", "").ok();
        assert_eq!(feed["accruals"].as_array().unwrap().len(), 2);
        assert!(feed["accruals"][0].get("error_detail").is_none());
    });
}

#[test]
fn pages_of_an_empty_faucet() {
    on_each_engine(|scene| {
        let donations = scene.get("/api/donations", "").ok();
        assert_eq!(
            (&donations["total_donated"], &donations["goal"]),
            (&"0.00000000".into(), &"10000.00000000".into())
        );
        assert_eq!(donations["current_milestone"]["name"], "Fresh Spawn");
        assert_eq!(donations["next_milestone"]["remaining"], "100.00000000");
        assert_eq!(donations["economics"]["effective_rate"], "0.10000000");
        assert_eq!(donations["milestones"].as_array().unwrap().len(), 10);
        let countdown = scene.get("/api/scheduler/countdown", "").ok();
        assert!(countdown.as_object().unwrap().values().all(Value::is_null), "{countdown}");
        let info = scene.get("/api/donate-info", "").ok();
        assert_eq!((&info["address"], &info["balance"]), (&Value::Null, &Value::Null));
        assert_eq!(scene.get("/hodl/tiers", "").ok()["tiers"].as_array().unwrap().len(), 6);
        let product = scene.get("/config/product", "").ok();
        assert_eq!((&product["app_name"], &product["promo"]), (&"Faucet of tests".into(), &Value::Null));
        assert_eq!(product["feature_flags"]["dry_run_banner"], false);
    });
}

#[test]
fn in_dry_run_the_banner_shows() {
    on_each_engine_in_dry_run(|scene| {
        assert_eq!(scene.get("/config/product", "").ok()["feature_flags"]["dry_run_banner"], true);
    });
}
