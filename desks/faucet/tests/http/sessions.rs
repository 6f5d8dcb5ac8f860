//! Sessions: forged, expired, replaced secrets, and credentials that open nothing else (docs/spec/faucet.md 3.9, F36).

use crate::scene::{SECRET, caller_secret, forged, on_each_engine};

#[test]
fn f36_an_old_cookie_is_401_unless_its_secret_is_still_believed() {
    on_each_engine(|scene| {
        let cookie = scene.alice();
        let new = "another session secret of 32 bytes and more";
        scene.secrets.replace("SESSION_SECRET", caller_secret(new, Some(SECRET)));
        assert_eq!(scene.get("/me/status", &cookie).status, 200);
        scene.secrets.replace("SESSION_SECRET", caller_secret(new, None));
        scene.get("/me/status", &cookie).refused(401, "unauthorized");
        assert_eq!(scene.get("/me/status", &scene.alice()).status, 200);
    });
}

#[test]
fn no_forged_expired_or_foreign_cookie_opens_anything() {
    on_each_engine(|scene| {
        let (cookie, admin) = (scene.alice(), scene.admin());
        let forged = forged(&cookie);
        let token = |cookie: &str| cookie.split_once('=').unwrap().1.to_owned();
        let as_user = format!("p2s_session={}", token(&admin));
        for bad in ["", "p2s_session=", "p2s_session=a.b", &forged, &as_user] {
            scene.get("/me/status", bad).refused(401, "unauthorized");
        }
        let as_admin = format!("p2s_admin={}", token(&cookie));
        for bad in ["", &cookie, &as_admin] {
            scene.get("/admin/stats", bad).refused(401, "unauthorized");
        }
        scene.test.advance_ms(3_601_000);
        scene.get("/admin/stats", &admin).refused(401, "unauthorized");
        scene.test.advance_ms(86_400_000);
        scene.get("/me/status", &cookie).refused(401, "unauthorized");
    });
}
