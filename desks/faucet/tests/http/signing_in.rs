//! Signing in through Discord, and what it makes of a player (docs/spec/faucet.md 3.1, 3.9, 4.1).

use bursar_devnet_faucet::Misbehaviour;
use bursar_faucet::identity::verify::peek;
use bursar_faucet::record::User;

use crate::scene::{ALICE, BOB, GUILD, Scene, forged, on_each_engine, on_each_engine_in_dry_run};

#[test]
fn a_first_sign_in_makes_a_verified_player_who_earns_from_now_on() {
    on_each_engine(|scene| {
        scene.person(ALICE, "alice", "epic_alice", 1_208);
        let (login, code) = (scene.begin(), scene.discord.issue_code(ALICE));
        let answer = scene.come_back(&login, &code);
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.ends_with("; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
        let status = scene.get("/me/status", &answer.cookie()).ok();
        assert_eq!(status["discord_username"], "alice");
        assert_eq!(status["last_verified_source"], "auth_callback");
        assert_eq!((&status["last_verified_status"], &status["linked"]), (&"ok".into(), &false.into()));
        assert_eq!(scene.count("SELECT baseline_kills FROM faucet_tally WHERE dry_run = FALSE"), 1_208);
        assert_eq!(
            scene.count("SELECT COUNT(*) FROM faucet_user WHERE region_code IS NULL"),
            0,
            "127.0.0.1 is no RFC 1918"
        );
    });
}

#[test]
fn a_state_counts_once() {
    on_each_engine(|scene| {
        scene.person(ALICE, "alice", "epic_alice", 0);
        let login = scene.begin();
        assert_eq!(scene.come_back(&login, &scene.discord.issue_code(ALICE)).status, 302);
        scene.come_back(&login, &scene.discord.issue_code(ALICE)).refused(400, "invalid_state");
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_nonce"), 1);
    });
}

#[test]
fn w8_a_state_counts_in_the_browser_that_began_and_in_no_other() {
    on_each_engine(|scene| {
        scene.person(ALICE, "alice", "epic_alice", 0);
        let begun = scene.get("/auth/discord/login", "");
        let cookie = begun.header("set-cookie").unwrap();
        assert!(cookie.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
        let (login, other) = (scene.begin(), scene.begin());
        for cookie in [String::new(), other.1, forged(&login.1)] {
            let code = scene.discord.issue_code(ALICE);
            scene.come_back(&(login.0.clone(), cookie), &code).refused(400, "invalid_state");
        }
        assert_eq!(scene.discord.calls(), 0);
        assert_eq!(
            scene.come_back(&login, &scene.discord.issue_code(ALICE)).status,
            302,
            "nobody used it up"
        );
    });
}

#[test]
fn a_state_that_is_not_ours_or_too_old_is_refused_before_discord_is_asked() {
    on_each_engine(|scene| {
        let login = scene.begin();
        for state in [forged(&login.0), "xyz".to_owned(), "a.b".to_owned()] {
            scene.come_back(&(state, login.1.clone()), "code").refused(400, "invalid_state");
        }
        scene.test.advance_ms(601_000);
        scene.come_back(&login, "code").refused(400, "invalid_state");
        scene.get("/auth/discord/callback?code=c", "").refused(422, "invalid_query");
        scene.get("/auth/discord/callback?state=s", "").refused(422, "invalid_query");
        assert_eq!(scene.discord.calls(), 0);
    });
}

#[test]
fn a_code_that_discord_refuses_is_400_and_its_outage_502() {
    on_each_engine(|scene| {
        let login = scene.begin();
        scene.come_back(&login, "never-issued").refused(400, "invalid_state");
        scene.person(ALICE, "alice", "epic_alice", 0);
        scene.discord.fail_next(Misbehaviour::Status(500), 10);
        let login = scene.begin();
        let answer = scene.come_back(&login, &scene.discord.issue_code(ALICE));
        answer.refused(502, "upstream_unavailable");
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_user"), 0);
    });
}

#[test]
fn who_is_not_in_the_guild_or_has_no_epic_account_is_shown_the_way() {
    on_each_engine(|scene| {
        scene.discord.set_person(ALICE, "alice", [5]);
        let to = |scene: &Scene, id| {
            let answer = scene.come_back(&scene.begin(), &scene.discord.issue_code(id));
            assert_eq!((answer.status, answer.header("set-cookie")), (302, None));
            answer.header("location").unwrap().to_owned()
        };
        assert_eq!(to(scene, ALICE), "/static/link-required.html?reason=guild");
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_user"), 0, "strangers leave no row");
        scene.discord.set_person(BOB, "bob", [GUILD]);
        scene.yunite.with(|yunite| yunite.join(&BOB.to_string()));
        assert_eq!(to(scene, BOB), "/static/link-required.html?reason=epic");
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_user WHERE eligibility = 'revoked'"), 1);
    });
}

#[test]
fn w22_an_epic_account_earns_for_one_player_only() {
    on_each_engine(|scene| {
        scene.alice();
        scene.person(BOB, "bob", "epic_alice", 1_208);
        let answer = scene.come_back(&scene.begin(), &scene.discord.issue_code(BOB));
        answer.refused(409, "epic_in_use");
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_user"), 1);
    });
}

#[test]
fn w11_statistics_that_fail_leave_the_baseline_pending() {
    on_each_engine(|scene| {
        scene.person(ALICE, "alice", "epic_alice", 1_208);
        scene.stats.fail_next(Misbehaviour::Status(503), 10);
        let cookie = scene.sign_in(ALICE);
        let pending = "SELECT COUNT(*) FROM faucet_tally WHERE dry_run = FALSE AND baseline_kills IS NULL";
        assert_eq!(scene.count(pending), 1);
        scene.stats.behave();
        assert_eq!(scene.post("/me/reverify", &cookie, "").status, 200);
        assert_eq!(scene.count(pending), 0);
    });
}

#[test]
fn w23_losing_membership_revokes_and_coming_back_starts_a_new_baseline() {
    on_each_engine(|scene| {
        let cookie = scene.alice();
        scene.yunite.with(|yunite| yunite.leave(&ALICE.to_string()));
        let answer = scene.post("/me/reverify", &cookie, "").ok();
        assert_eq!(
            (&answer["status"], &answer["epic_account_id"]),
            (&"accepted".into(), &serde_json::Value::Null)
        );
        assert_eq!(scene.get("/me/status", &cookie).ok()["eligibility"], "revoked");
        scene.yunite.link(&ALICE.to_string(), "epic_alice");
        scene.stats.set_kills("epic_alice", 1_300);
        scene.test.advance_ms(60_000);
        scene.post("/me/reverify", &cookie, "").ok();
        assert_eq!(scene.get("/me/status", &cookie).ok()["eligibility"], "eligible");
        assert_eq!(scene.count("SELECT baseline_kills FROM faucet_tally WHERE dry_run = FALSE"), 1_300);
    });
}

#[test]
fn no_kill_of_an_account_earns_twice_whatever_statistics_tell_when_it_comes_back() {
    on_each_engine(|scene| {
        let baseline =
            "SELECT baseline_kills FROM faucet_tally WHERE dry_run = FALSE ORDER BY user_id DESC LIMIT 1";
        let cookie = scene.alice();
        // As after accruals up to there.
        let counted = "UPDATE faucet_tally SET last_settled_kill_count = 1300 WHERE dry_run = FALSE";
        scene.test.store().transact("test.count", |tx| tx.execute(counted, &[])).unwrap();
        scene.yunite.with(|yunite| yunite.leave(&ALICE.to_string()));
        scene.post("/me/reverify", &cookie, "").ok();
        // Statistics lag by now.
        scene.yunite.link(&ALICE.to_string(), "epic_alice");
        scene.stats.set_kills("epic_alice", 1_250);
        scene.test.advance_ms(60_000);
        scene.post("/me/reverify", &cookie, "").ok();
        assert_eq!(scene.count(baseline), 1_300);
        // Nor for another player who has it next.
        scene.yunite.with(|yunite| yunite.leave(&ALICE.to_string()));
        scene.test.advance_ms(60_000);
        scene.post("/me/reverify", &cookie, "").ok();
        scene.person(BOB, "bob", "epic_alice", 1_250);
        scene.sign_in(BOB);
        assert_eq!((scene.count("SELECT COUNT(*) FROM faucet_user"), scene.count(baseline)), (2, 1_300));
    });
}

#[test]
fn the_refresh_job_finds_who_left_in_few_calls() {
    on_each_engine(|scene| {
        scene.alice();
        scene.person(BOB, "bob", "epic_bob", 5);
        scene.sign_in(BOB);
        scene.yunite.with(|yunite| yunite.leave(&BOB.to_string()));
        let refresh = || bursar_faucet::identity::refresh(&scene.faucet, &|| false).unwrap();
        assert_eq!(refresh().looked_at, 0, "nobody's verification is six hours old");
        scene.test.advance_ms(6 * 3_600_000 + 1);
        let calls = scene.yunite.calls();
        let refreshed = refresh();
        assert_eq!((refreshed.looked_at, refreshed.revoked, refreshed.unknown), (2, 1, 0));
        assert_eq!(scene.yunite.calls() - calls, 1);
        scene.test.advance_ms(6 * 3_600_000 + 1);
        scene.yunite.fail_next(Misbehaviour::Status(500), 10);
        let refreshed = refresh();
        assert_eq!(
            (refreshed.looked_at, refreshed.revoked, refreshed.unknown),
            (0, 0, 2),
            "an outage takes nothing"
        );
    });
}

#[test]
fn w23_who_left_is_found_however_many_cannot_be_looked_up() {
    for has_epic in [false, true] {
        on_each_engine(|scene| {
            scene.alice();
            let refresh = || bursar_faucet::identity::refresh(&scene.faucet, &|| false).unwrap();
            scene.write(|tx, now| {
                let alice = peek(tx, &ALICE.to_string())?.unwrap();
                // As many as one run takes whose Epic account is said to be Alice's, and behind them one who has left.
                let users = (2..=52).map(|id| User {
                    id,
                    discord_user_id: Some(id.to_string()),
                    epic_account_id: has_epic.then(|| format!("epic_{id}")),
                    verified_at: Some(now.after_ms(id - 30_000_000)),
                    ..alice.clone()
                });
                User::save(tx, &users.collect::<Vec<_>>(), now)
            });
            (2..52).for_each(|id: i64| scene.yunite.link(&id.to_string(), "epic_alice"));
            let first = refresh();
            assert_eq!((first.looked_at, first.unknown), (0, 50));
            scene.test.advance_ms(60_000);
            assert_eq!(refresh().revoked, 1);
        });
    }
}

#[test]
fn in_dry_run_a_code_is_a_player_and_the_demonstrations_state_counts() {
    on_each_engine_in_dry_run(|scene| {
        let answer = scene.come_back(&("xyz".to_owned(), String::new()), "carol");
        assert_eq!(answer.status, 302);
        assert!(!answer.header("set-cookie").unwrap().contains("Secure"));
        assert_eq!(scene.get("/me/status", &answer.cookie()).ok()["discord_username"], "user_carol");
    });
}
