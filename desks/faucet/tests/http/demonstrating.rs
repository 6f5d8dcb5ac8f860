//! The demonstration, and that it is nowhere near real money (W9).

use bursar_store::EngineKind;

use crate::scene::{Scene, on_each_engine_in_dry_run};

const ROUTES: [&str; 4] = ["/auth/demo-login", "/demo/seed", "/demo/run-scheduler", "/demo/clear"];

#[test]
fn w9_it_is_off_in_live_mode_and_without_demo_mode() {
    for (dry_run, is_demo) in [(false, true), (true, false), (false, false)] {
        let scene = Scene::on(EngineKind::Sqlite, dry_run, |config| config.is_demo = is_demo);
        for route in ROUTES {
            scene.post(route, "", "").refused(403, "demo_off");
        }
        scene.come_back(&("xyz".to_owned(), String::new()), "carol").refused(400, "invalid_state");
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_user"), 0);
    }
}

#[test]
fn it_seeds_pays_and_goes_without_an_administrator_and_with_sums_that_hold() {
    on_each_engine_in_dry_run(|scene| {
        scene.post("/demo/seed", "", "").ok();
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_admin_user"), 0);
        assert_eq!(
            scene.count("SELECT COUNT(*) FROM faucet_payout WHERE status = 'confirmed' AND dry_run"),
            2
        );
        let login = scene.post("/auth/demo-login", "", "");
        let payouts = scene.get("/me/payouts?sort=-amount_ban", &login.cookie()).ok();
        assert_eq!(payouts["count"], 2);
        assert!(payouts["payouts"][0]["tx_hash"].as_str().unwrap().starts_with("dryrun-"));
        let admin = scene.admin();
        assert_eq!(scene.get("/admin/reconcile", &admin).ok()["mismatches"]["missing"], 0);
        let ran = scene.post("/demo/run-scheduler", "", "").ok();
        assert_eq!(ran["payouts"], 3);
        let sums = "SELECT CAST((SELECT SUM(amount_e8) FROM faucet_reward_accrual) AS BIGINT) - accrued_e8 \
                    FROM faucet_totals WHERE dry_run = TRUE";
        assert_eq!(scene.count(sums), 0);
        let retry = serde_json::json!({"payout_id": payouts["payouts"][0]["id"]}).to_string();
        assert_eq!(scene.post("/admin/payouts/retry", &admin, &retry).ok()["status"], "already_sent");
        assert_eq!(scene.post("/demo/clear", "", "").ok()["players"], 3);
        scene.get("/me/status", &login.cookie()).refused(401, "unauthorized");
    });
}
