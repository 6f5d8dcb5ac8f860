//! Administrators who sign in by e-mail: wrong passwords, and what the answers tell of whose an e-mail is
//! (docs/spec/faucet.md 3.9).

use bursar_faucet::identity::admin::{disable, sign_in};
use bursar_faucet::identity::tries::{self, Slot};
use bursar_store::EngineKind;
use serde_json::{Value, json};

use crate::administrating::prune;
use crate::scene::{ADMIN, PASSWORD, Scene, on_each_engine};

fn login(scene: &Scene, email: &str, password: &str) -> crate::scene::Answer {
    scene.post("/admin/login", "", &json!({"email": email, "password": password}).to_string())
}

#[test]
fn w9_an_e_mail_without_its_password_opens_nothing() {
    on_each_engine(|scene| {
        scene.admin();
        for body in [
            "",
            "{}",
            "{\"email\": \"root@example.org\"}",
            "{\"email\": \"root@example.org\", \"password\": \"\"}",
        ] {
            scene.post("/admin/login", "", body).refused(401, "unauthorized");
        }
        login(scene, "nobody@example.org", PASSWORD).refused(401, "unauthorized");
        scene.post("/admin/login", "", "{").refused(422, "malformed_json");
    });
}

#[test]
fn a_session_that_ended_with_its_administrator_does_not_come_back_with_a_new_password() {
    on_each_engine(|scene| {
        let stolen = scene.admin();
        assert_eq!(scene.get("/admin/stats", &stolen).status, 200);
        assert!(scene.write(|tx, now| disable(tx, ADMIN, now)));
        scene.get("/admin/stats", &stolen).refused(401, "unauthorized");
        // All in one second, though sessions are dated in whole ones.
        let own = scene.admin();
        scene.get("/admin/stats", &stolen).refused(401, "unauthorized");
        assert_eq!(scene.get("/admin/stats", &own).status, 200);
    });
}

#[test]
fn a_new_password_ends_every_session_and_signing_in_ends_none() {
    on_each_engine(|scene| {
        let stolen = scene.admin();
        let own = scene.admin();
        scene.get("/admin/stats", &stolen).refused(401, "unauthorized");
        assert_eq!(login(scene, ADMIN, PASSWORD).status, 200);
        scene.test.advance_ms(60_000);
        assert_eq!(login(scene, ADMIN, PASSWORD).status, 200);
        assert_eq!(scene.get("/admin/stats", &own).status, 200);
    });
}

#[test]
fn whoever_is_shut_out_while_their_request_comes_in_changes_nothing() {
    on_each_engine(|scene| {
        let admin = scene.admin();
        let wish = json!({"switch": "payouts_halted", "state": "on", "reason": "drill"}).to_string();
        let (store, now) = (scene.test.store(), scene.test.now());
        let answer = scene.post_slowly("/admin/switches", &admin, &wish, move || {
            assert!(store.transact("test.disable", |tx| disable(tx, ADMIN, now)).unwrap());
        });
        answer.refused(401, "unauthorized");
        let halted = "SELECT COUNT(*) FROM faucet_config WHERE key = 'payouts_halted' AND value = 'on'";
        assert_eq!(scene.count(halted), 0);
    });
}

#[test]
fn five_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour() {
    on_each_engine(|scene| {
        scene.admin();
        for _ in 0..5 {
            login(scene, ADMIN, "wrong").refused(401, "unauthorized");
        }
        let locked = login(scene, ADMIN, PASSWORD);
        locked.refused(429, "account_locked");
        assert_eq!(locked.header("retry-after"), Some("901"));
        scene.test.advance_ms(900_000);
        assert_eq!(login(scene, " ROOT@example.org ", PASSWORD).status, 200);
    });
}

#[test]
fn an_e_mail_that_is_nobodys_is_locked_as_an_administrators_is_and_forgotten_when_that_is_over() {
    on_each_engine(|scene| {
        scene.admin();
        let tries = |email: &str| {
            let answers = (0..6).map(|_| login(scene, email, "wrong"));
            answers.map(|answer| (answer.status, answer.text)).collect::<Vec<_>>()
        };
        let (known, unknown) = (tries(ADMIN), tries("nobody@example.org"));
        let statuses: Vec<u16> = known.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
        let without_ids = |answers: &[(u16, String)]| {
            let shown = |text: &str| serde_json::from_str::<Value>(text).unwrap()["code"].clone();
            answers.iter().map(|(status, text)| (*status, shown(text))).collect::<Vec<_>>()
        };
        assert_eq!(without_ids(&known), without_ids(&unknown));
        assert_eq!(login(scene, &"x".repeat(300), "wrong").status, 401);
        let counted = || scene.count("SELECT COUNT(*) FROM faucet_sign_in");
        assert_eq!((scene.count("SELECT COUNT(*) FROM faucet_admin_user"), counted()), (1, 2));
        prune(scene);
        assert_eq!(counted(), 2);
        scene.test.advance_ms(900_000);
        prune(scene);
        assert_eq!(counted(), 0);
    });
}

#[test]
fn no_number_of_made_up_e_mails_tells_whether_a_locked_one_is_an_administrators() {
    on_each_engine(|scene| {
        scene.admin();
        let both = [ADMIN, "nobody@example.org"];
        for email in both {
            (0..5).for_each(|_| login(scene, email, "wrong").refused(401, "unauthorized"));
        }
        scene.write(|tx, _| {
            (0..1_100).try_for_each(|number| {
                tries::count(tx, Slot::of(&format!("made-up-{number}@example.org"))).map(|_| ())
            })
        });
        scene.test.advance_ms(890_000);
        prune(scene);
        both.iter().for_each(|email| login(scene, email, "wrong").refused(429, "account_locked"));
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_admin_user"), 1);
    });
}

#[test]
fn wrong_passwords_count_for_a_quarter_of_an_hour_whoever_signs_in_between() {
    on_each_engine(|scene| {
        scene.admin();
        let wrong =
            |times: u32| (0..times).for_each(|_| login(scene, ADMIN, "wrong").refused(401, "unauthorized"));
        wrong(4);
        // Were the four forgotten now, the sixth answer would tell that there is somebody who can sign in.
        assert_eq!(login(scene, ADMIN, PASSWORD).status, 200);
        wrong(1);
        login(scene, ADMIN, PASSWORD).refused(429, "account_locked");
        scene.test.advance_ms(900_000);
        wrong(4);
        scene.test.advance_ms(900_000);
        wrong(4);
        assert_eq!(login(scene, ADMIN, PASSWORD).status, 200, "the fifth, and right");
        assert_eq!(login(scene, ADMIN, PASSWORD).status, 200);
    });
}

#[test]
fn whoever_tries_passwords_does_not_wait_for_those_who_are_paid_nor_they_for_them() {
    let scene = Scene::on(EngineKind::Postgres, false, |_| {});
    let faucet = std::sync::Arc::clone(&scene.faucet);
    let held = scene.test.store().transact("test.clock", |tx| {
        tx.open_clock(bursar_faucet::CLOCK)?;
        let (faucet, (done, answer)) = (std::sync::Arc::clone(&faucet), std::sync::mpsc::channel());
        std::thread::spawn(move || {
            let tried = sign_in(&faucet, "nobody@example.org", &"wrong".into());
            done.send(tried.unwrap().is_err()).unwrap();
        });
        Ok(answer.recv_timeout(std::time::Duration::from_secs(20)))
    });
    assert_eq!(held.unwrap(), Ok(true));
}
