//! What administrators see and do (docs/spec/faucet.md 4.3).

use axum::http::Method;
use bursar_devnet_faucet::Misbehaviour;
use bursar_faucet::record::Finding;
use bursar_faucet::rules::pruning::Retention;
use bursar_store::EngineKind;
use serde_json::{Value, json};

use crate::scene::{ADMIN, ALICE, BOB, Scene, address, on_each_engine, on_each_engine_in_dry_run};

pub fn prune(scene: &Scene) {
    let by = bursar_audit::Actor::system("test");
    bursar_faucet::upkeep::prune(&scene.faucet, Retention::DEFAULT, &by, &|| false).unwrap();
}

#[test]
fn an_allow_listed_discord_account_signs_in_with_its_session() {
    on_each_engine(|scene| {
        let cookie = scene.alice();
        let answer = scene.post("/admin/login", &cookie, "");
        let email = format!("{ALICE}@discord");
        assert_eq!(answer.json(), json!({"email": email, "discord_username": "alice"}));
        assert_eq!(scene.get("/admin/stats", &answer.cookie()).status, 200);
        scene.person(crate::scene::BOB, "bob", "epic_bob", 5);
        let bob = scene.sign_in(crate::scene::BOB);
        scene.post("/admin/login", &bob, "").refused(401, "unauthorized");
        for email in [email.as_str(), "alice@discord"] {
            let body = json!({"email": email, "password": "x"}).to_string();
            scene.post("/admin/login", "", &body).refused(401, "unauthorized");
        }
    });
}

#[test]
fn a_discord_account_that_was_taken_off_the_list_is_no_administrator_on_the_next_request() {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        let before = Scene::on(kind, false, |_| {});
        let admin = before.post("/admin/login", &before.alice(), "").cookie();
        assert_eq!(before.get("/admin/stats", &admin).status, 200);
        // The same server after a restart with another list: the cookie is signed and has not expired.
        let after = Scene::on(kind, false, |config| config.admin_discord_ids = vec![BOB.to_string()]);
        after.get("/admin/stats", &admin).refused(401, "unauthorized");
        after.post("/admin/switches", &admin, "{}").refused(401, "unauthorized");
    }
}

#[test]
fn the_session_is_asked_for_before_the_body() {
    on_each_engine(|scene| {
        for path in [
            "/admin/reverify",
            "/admin/payouts/retry",
            "/admin/config/operator-seed",
            "/admin/donations/rebuild",
            "/admin/scheduler/trigger",
            "/admin/scheduler/settle",
            "/admin/scheduler/config",
            "/admin/payout/config",
            "/admin/switches",
            "/admin/flags/1/review",
            "/admin/prune",
            "/admin/users/1/erase",
            "/admin/users/1/lift-hold",
            "/admin/db/dedupe",
            "/admin/config/operator-seed/dedupe",
        ] {
            scene.post(path, "", "{").refused(401, "unauthorized");
        }
        let admin = scene.admin();
        for path in ["/admin/reverify", "/admin/payouts/retry", "/admin/switches", "/admin/payout/config"] {
            scene.post(path, &admin, "{").refused(422, "malformed_json");
        }
        for path in [
            "/admin/audit",
            "/admin/stats",
            "/admin/health/extended",
            "/admin/flags",
            "/admin/reconcile",
            "/admin/metrics/snapshot",
            "/admin/scheduler/status",
            "/admin/scheduler/config",
            "/admin/payout/config",
            "/admin/switches",
            "/admin/config/operator-seed/status",
            "/admin/logs/recent",
        ] {
            scene.get(path, "").refused(401, "unauthorized");
            assert_eq!(scene.get(path, &admin).status, 200, "{path}");
        }
        scene.get("/debug/yunite?discord_user_id=1", "").refused(401, "unauthorized");
        assert_eq!(scene.get("/debug/yunite?discord_user_id=1", &admin).ok()["answer"], "not_in_guild");
    });
}

#[test]
fn rate_and_caps_hold_from_the_next_reading_on_and_the_change_is_audited() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        let set = |body: Value| scene.post("/admin/payout/config", &admin, &body.to_string());
        let before = scene.get("/admin/payout/config", &admin).ok();
        assert_eq!(before["has_overrides"], false);
        let after = set(json!({"ban_per_kill": "0.07", "daily_kill_cap": 0})).ok();
        assert_eq!(
            after,
            json!({"ban_per_kill": "0.07000000", "daily_kill_cap": 0, "weekly_kill_cap": 750, "has_overrides": true})
        );
        for bad in [json!({"ban_per_kill": "0"}), json!({"ban_per_kill": -1}), json!({"weekly_kill_cap": -1})]
        {
            set(bad).refused(400, "invalid_setting");
        }
        let back = set(json!({"ban_per_kill": null, "daily_kill_cap": null})).ok();
        assert_eq!(
            back,
            json!({"ban_per_kill": "0.05000000", "daily_kill_cap": 150, "weekly_kill_cap": 750, "has_overrides": false})
        );
        let audit =
            scene.get(&format!("/admin/audit?action=update_payout_config&actor_email={ADMIN}"), &admin).ok();
        assert_eq!(audit["count"], 2);
        assert_eq!(audit["events"][1]["actor_email"], ADMIN);
        assert_eq!(audit["events"][1]["summary"], "ban_per_kill_e8=7000000 daily_kill_cap=0");
        assert_eq!(scene.get("/admin/audit?actor_email=other@example.org", &admin).ok()["count"], 0);
    });
}

#[test]
fn intervals_below_thirty_seconds_are_raised() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        let body = json!({"accrual_interval_seconds": 5, "settlement_interval_seconds": 60}).to_string();
        let set = scene.post("/admin/scheduler/config", &admin, &body).ok();
        assert_eq!(set, json!({"accrual_interval_seconds": 30, "settlement_interval_seconds": 60}));
    });
}

#[test]
fn a_switch_binds_the_next_cycle_and_says_who_set_it() {
    on_each_engine_in_dry_run(|scene| {
        let admin = scene.admin();
        let body = |state: &str| {
            json!({"switch": "scheduler_halted", "state": state, "reason": "drill"}).to_string()
        };
        let set = scene.post("/admin/switches", &admin, &body("on")).ok();
        let halted = set["switches"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["switch"] == "scheduler_halted")
            .unwrap();
        assert_eq!(
            (&halted["stopped"], &halted["stopped_by"], &halted["reason"]),
            (&true.into(), &"row".into(), &"drill".into())
        );
        scene.post("/admin/scheduler/trigger", &admin, "").refused(409, "scheduler_halted");
        scene.post("/admin/switches", &admin, &body("off")).ok();
        let ran = scene.post("/admin/scheduler/trigger", &admin, "").ok();
        assert_eq!((&ran["status"], &ran["payouts"]), (&"ok".into(), &0.into()));
        let reasonless = json!({"switch": "scheduler_halted", "state": "on", "reason": " "}).to_string();
        scene.post("/admin/switches", &admin, &reasonless).refused(422, "invalid_body");
    });
}

#[test]
fn f45_a_trigger_does_not_settle_once_the_scheduler_was_halted_while_it_counted_kills() {
    on_each_engine(|scene| {
        let (admin, cookie) = (scene.admin(), scene.alice());
        scene.post("/link/wallet", &cookie, &json!({"banano_address": address(0)}).to_string()).ok();
        let calls = scene.stats.calls();
        scene.stats.fail_next(Misbehaviour::Delay(1_000), 1);
        std::thread::scope(|scope| {
            let triggered = scope.spawn(|| scene.post("/admin/scheduler/trigger", &admin, "").ok());
            while scene.stats.calls() == calls {
                std::thread::yield_now();
            }
            let halt = json!({"switch": "scheduler_halted", "state": "on", "reason": "drill"}).to_string();
            scene.post("/admin/switches", &admin, &halt).ok();
            assert_eq!(triggered.join().unwrap()["skipped"], "scheduler_halted");
        });
    });
}

#[test]
fn payouts_stay_halted_while_payments_from_before_a_restore_may_be_missing() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        let set = |switch: &str, state: &str| {
            let body = json!({"switch": switch, "state": state, "reason": "drill"}).to_string();
            scene.post("/admin/switches", &admin, &body)
        };
        let note = |kind: &str, count: i64| {
            scene.write(|tx, now| Finding::note(tx, kind, count, "drill", now).map(|_| ()));
        };
        for kind in ["payout.blind", "payout.unknown"] {
            note(kind, 1);
            set("payouts_halted", "on").ok();
            set("payouts_halted", "off").refused(409, "payments_unadopted");
            set("accrual_halted", "off").ok();
            note(kind, 0);
            set("payouts_halted", "off").ok();
        }
    });
}

#[test]
fn a_payout_that_is_not_there_cannot_be_retried() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        let body = json!({"payout_id": 999}).to_string();
        scene.post("/admin/payouts/retry", &admin, &body).refused(404, "unknown_payout");
        scene.post("/admin/payouts/retry", &admin, "{\"payout_id\": \"1\"}").refused(422, "invalid_body");
        let audit = scene.get("/admin/audit?action=admin_payout_retry", &admin).ok();
        assert_eq!(
            (&audit["count"], &audit["events"][0]["target_id"]),
            (&1.into(), &"999".into()),
            "who tried is kept"
        );
    });
}

#[test]
fn g1_a_repeated_key_is_answered_once_and_another_body_refused() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        scene.alice();
        let send = |body: &str, key: &str| {
            let headers = [("cookie", admin.as_str()), ("idempotency-key", key)];
            scene.send(Method::POST, "/admin/reverify", &headers, body, 1)
        };
        let body = json!({"discord_id": ALICE.to_string()}).to_string();
        let verifications = "SELECT COUNT(*) FROM faucet_verification_record WHERE source = 'admin_reverify'";
        let first = send(&body, "k1").ok();
        assert_eq!(send(&body, "k1").ok(), first);
        assert_eq!(scene.count(verifications), 1);
        send("{\"discord_id\": \"1\"}", "k1").refused(409, "idempotency_key_reused");
        send("{\"discord_id\": \"1\"}", "k2").refused(404, "unknown_player");
        send("{\"discord_id\": \"1\"}", "k2").refused(404, "unknown_player");
        send(&body, "k3").ok();
        assert_eq!(scene.count(verifications), 2);
    });
}

fn reverify_once(scene: &Scene, admin: &str) -> crate::scene::Answer {
    let headers = [("cookie", admin), ("idempotency-key", "k1")];
    let body = json!({"discord_id": ALICE.to_string()}).to_string();
    scene.send(Method::POST, "/admin/reverify", &headers, &body, 1)
}

#[test]
fn g1_a_request_that_may_still_be_worked_on_is_not_made_a_second_time() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        scene.alice();
        reverify_once(scene, &admin).ok();
        // As while it runs: nobody has kept an answer yet.
        scene.write(|tx, _| tx.batch_execute("UPDATE faucet_request SET answer = NULL, status = NULL"));
        let done = "SELECT COUNT(*) FROM faucet_verification_record WHERE source = 'admin_reverify'";
        // Routes that run a cycle answer within two minutes, and their work may outlive the answer.
        for _ in 0..2 {
            scene.test.advance_ms(150_000);
            reverify_once(scene, &admin).refused(409, "conflict");
        }
        scene.test.advance_ms(600_001);
        assert_eq!((reverify_once(scene, &admin).status, scene.count(done)), (200, 2));
    });
}

#[test]
fn kept_answers_name_nobody_who_was_erased_and_go_after_a_week() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        scene.alice();
        let answer = reverify_once(scene, &admin).ok();
        assert_eq!(answer["discord_id"], ALICE.to_string());
        scene.post("/admin/users/1/erase", &admin, "{\"reason\": \"asked for\"}").ok();
        let naming = "SELECT COUNT(*) FROM faucet_request WHERE answer LIKE '%80351110224678912%' \
                      OR answer LIKE '%epic_alice%'";
        assert_eq!(scene.count(naming), 0);
        assert_eq!(reverify_once(scene, &admin).ok(), json!({"status": "erased"}), "it is not made again");
        let kept = "SELECT COUNT(*) FROM faucet_request";
        scene.test.advance_ms(7 * 86_400_000 - 60_000);
        prune(scene);
        assert_eq!(scene.count(kept), 1);
        scene.test.advance_ms(120_000);
        prune(scene);
        assert_eq!(scene.count(kept), 0);
    });
}

#[test]
fn a_seed_is_never_shown_and_a_refused_one_is_not_audited() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        let seed = "0123456789abcdef".repeat(4);
        for bad in ["", "00", &format!("{}g", &seed[..63])] {
            let answer = scene.post("/admin/config/operator-seed", &admin, &json!({"seed": bad}).to_string());
            answer.refused(400, "invalid_seed");
        }
        let answer = scene.post("/admin/config/operator-seed", &admin, &json!({"seed": seed}).to_string());
        answer.refused(400, "invalid_seed");
        assert!(!answer.text.contains(&seed[..16]), "{}", answer.text);
        assert_eq!(scene.get("/admin/audit?action=set_operator_seed", &admin).ok()["count"], 0);
        assert_eq!(scene.get("/admin/config/operator-seed/status", &admin).ok()["configured"], false);
    });
}

#[test]
fn f24_flags_are_listed_and_reviewed_once() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        let cookie = scene.alice();
        scene.person(crate::scene::BOB, "bob", "epic_bob", 5);
        let bob = scene.sign_in(crate::scene::BOB);
        let wallet = json!({"banano_address": address(0)}).to_string();
        scene.post("/link/wallet", &cookie, &wallet).ok();
        scene.post("/link/wallet", &bob, &wallet).ok();
        let flag = scene.get("/admin/flags", &admin).ok()["flags"][0].clone();
        let path = format!("/admin/flags/{}/review", flag["id"]);
        let body = json!({"verdict": "false_positive", "reason": "siblings"}).to_string();
        let reviewed = scene.post(&path, &admin, &body).ok();
        assert_eq!((&reviewed["state"], &reviewed["reviewed_by"]), (&"false_positive".into(), &ADMIN.into()));
        scene.post(&path, &admin, &body).refused(409, "already_reviewed");
        scene.post("/admin/flags/99/review", &admin, &body).refused(404, "unknown_flag");
        assert_eq!(scene.get("/admin/flags", &admin).ok()["count"], 0);
        assert_eq!(scene.get("/admin/audit?target_type=abuse_flag", &admin).ok()["count"], 1);
    });
}

#[test]
fn a_confirmed_flag_holds_until_an_administrator_lifts_the_hold() {
    on_each_engine(|scene| {
        let (admin, cookie) = (scene.admin(), scene.alice());
        let post = |path: &str| scene.post(path, &admin, "{\"reason\": \"talked to her\"}");
        post("/admin/users/1/lift-hold").refused(409, "not_held");
        post("/admin/users/99/lift-hold").refused(404, "unknown_player");
        post("/admin/users/x/lift-hold").refused(404, "unknown_player");
        scene.post("/admin/users/1/lift-hold", &admin, "{}").refused(422, "invalid_body");
        scene.write(|tx, _| tx.execute("UPDATE faucet_user SET eligibility = 'held'", &[]));
        let lifted = post("/admin/users/1/lift-hold").ok();
        assert_eq!(lifted, json!({"user_id": 1, "eligibility": "eligible"}));
        assert_eq!(scene.get("/me/status", &cookie).ok()["eligibility"], "eligible");
        assert_eq!(scene.get("/admin/audit?action=lift_hold", &admin).ok()["count"], 1);
        // Whoever has left the guild meanwhile is not eligible by it.
        let gone = "UPDATE faucet_user SET eligibility = 'held', epic_account_id = NULL";
        scene.write(|tx, _| tx.execute(gone, &[]));
        assert_eq!(post("/admin/users/1/lift-hold").ok()["eligibility"], "revoked");
    });
}

#[test]
fn upkeep_by_hand() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        let cookie = scene.alice();
        let post = |path: &str, body: Value| scene.post(path, &admin, &body.to_string());
        post("/admin/prune", json!({"reason": "space", "retention_days": 7}))
            .refused(400, "retention_too_short");
        let counted = post("/admin/prune", json!({"reason": "space", "dry_run": true})).ok();
        assert_eq!((&counted["status"], &counted["accruals"]), (&"dry_run".into(), &0.into()));
        assert_eq!(post("/admin/prune", json!({"reason": "space"})).ok()["status"], "pruned");
        post("/admin/donations/rebuild", json!({})).refused(409, "donations_exist");
        let rebuilt = post("/admin/donations/rebuild", json!({"force": true})).ok();
        assert_eq!((&rebuilt["status"], &rebuilt["inserted"]), (&"rebuilt".into(), &2.into()));
        assert_eq!(post("/admin/db/dedupe", json!({})).ok()["duplicates"], 0);
        let shown = scene.get("/admin/audit?target_type=desk", &admin).ok();
        let actions: Vec<&str> = shown["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["action"].as_str().unwrap())
            .collect();
        assert_eq!(actions, ["dedupe", "prune", "faucet.pruned", "prune"]);
        let view = "SELECT COUNT(*) FROM faucet_admin_audit WHERE actor_email = 'root@example.org' \
                    AND ip_address = '127.0.0.1' AND summary LIKE 'pruned%' AND detail LIKE '%space%'";
        assert_eq!(scene.count(view), 2);
        let snapshot = scene.get("/admin/metrics/snapshot", &admin);
        assert!(snapshot.text.contains("app_dry_run_mode 0"), "{}", snapshot.text);
        assert!(
            snapshot.header("content-disposition").unwrap().starts_with("attachment; filename=\"metrics-")
        );
        assert_eq!(post("/admin/users/1/erase", json!({"reason": "asked for"})).ok()["status"], "erased");
        post("/admin/users/1/erase", json!({"reason": "asked for"})).refused(404, "unknown_player");
        scene.get("/me/status", &cookie).refused(401, "unauthorized");
        assert_eq!(scene.get("/api/leaderboard", "").ok()["players"][0]["discord_username"], "Unknown");
        assert_eq!(scene.get("/admin/reconcile", &admin).ok()["players"], 1);
    });
}

#[test]
fn an_erased_player_is_named_nowhere_in_the_audit_log_and_who_erased_them_is() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        scene.alice();
        let hers = json!({"discord_id": ALICE.to_string()}).to_string();
        scene.post("/admin/reverify", &admin, &hers).ok();
        let headers =
            [("cookie", admin.as_str()), ("x-request-id", "request-3"), ("x-correlation-id", "ticket-17")];
        let body = "{\"reason\": \"asked for\"}";
        scene.send(Method::POST, "/admin/users/1/erase", &headers, body, 1).ok();
        let named =
            "SELECT COUNT(*) FROM audit_events WHERE CAST(payload AS TEXT) LIKE '%80351110224678912%'";
        assert_eq!(scene.count(named), 0);
        let erased = scene.get("/admin/audit?action=faucet.user_erased", &admin).ok();
        assert_eq!(erased["count"], 1);
        assert_eq!(erased["events"][0]["actor_email"], ADMIN);
        assert_eq!(erased["events"][0]["target_id"], "1");
        let whole = "SELECT COUNT(*) FROM audit_events WHERE event = 'faucet.user_erased' \
                     AND request_id = 'request-3' AND correlation_id = 'ticket-17' \
                     AND CAST(payload AS TEXT) LIKE '%127.0.0.1%' AND CAST(payload AS TEXT) LIKE '%cancelled%'";
        assert_eq!(scene.count(whole), 1);
    });
}
