//! Who migrates: the server in dev mode, somebody else in test mode, and in production nobody behind anybody's back (V6).

use std::time::{Duration, Instant};

use crate::harness::{Place, Server, Setup, Tool};

fn wait_until_ready(server: &Server) {
    let patience = Instant::now() + Duration::from_secs(20);
    while server.get("/readyz").status != 200 {
        assert!(Instant::now() < patience, "{}", server.get("/readyz").text);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn v6_in_test_mode_the_server_waits_not_ready_until_migrate_up_has_run() {
    Place::for_each_engine(|place| {
        let setup = Setup::rounds(place).env("BURSAR_ENV", "test");
        let server = setup.start();
        assert_eq!(server.get("/livez").status, 200);
        assert_eq!(server.get("/api/status").expect_code(503), "not_ready");
        let readiness = server.get("/readyz").expect(503);
        assert_eq!(readiness["status"], "not_ready");
        assert!(readiness["reasons"][0].as_str().unwrap().contains("bursar migrate up"), "{readiness}");
        assert_eq!(server.get("/health").expect(503)["checks"]["migrations"], false);
        assert_eq!(Tool::of(&setup).json(&["migrate", "up"])["ok"], true);
        wait_until_ready(&server);
        assert_eq!(server.get("/api/status").status, 200);
        assert_eq!(server.get("/health").expect(200)["checks"]["migrations"], true);
    });
}

#[test]
fn v6_production_refuses_to_start_with_migrations_pending() {
    Place::for_each_engine(|place| {
        let setup = Setup::rounds(place).production();
        let (status, stdout, stderr) = setup.refuse();
        assert!(!status.success() && stderr.contains("bursar migrate up"), "{stderr}");
        assert!(!stdout.contains("listening"));
        assert_eq!(Tool::of(&setup).json(&["migrate", "up"])["ok"], true);
        assert_eq!(setup.start().get("/livez").status, 200);
    });
}

#[test]
fn v6_auto_migrate_migrates_in_every_mode() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).production().env("PAY2SLAY_AUTO_MIGRATE", "1").start();
    assert_eq!(server.get("/health").expect(200)["checks"]["migrations"], true);
}

#[test]
fn b6_a_promised_table_that_is_gone_turns_readiness_red_and_is_named() {
    let place = Place::postgres();
    let server = Setup::rounds(&place).start();
    assert_eq!(server.get("/readyz").status, 200);
    place.psql().batch_execute("ALTER TABLE rounds_settlement RENAME TO rounds_settlement_gone").unwrap();
    let readiness = server.get("/readyz").expect(503);
    assert!(readiness["reasons"][0].as_str().unwrap().contains("rounds_settlement"), "{readiness}");
}
