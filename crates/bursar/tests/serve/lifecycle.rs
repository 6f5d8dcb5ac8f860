//! Starting once, ending in order, and coming back after a kill.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Join, Place, START_MS, Setup};

#[test]
fn sigterm_answers_what_is_under_way_and_ends_with_exit_0() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    Join::new("a").accepted(&server);
    let log = server.log();
    assert!(log.lines().any(|line| line == format!("bursar: listening on {}", server.base())), "{log}");
    assert!(server.stop().success());
}

#[test]
fn a_killed_server_comes_back_with_everything_it_acknowledged() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).start();
        for player in 0..5 {
            Join::new(&format!("entry-{player}")).wallet(player).accepted(&server);
        }
        server.move_clock(START_MS + 10_000);
        let server = server.restart();
        // The clock goes on from the later of what is stored and what the command line says.
        assert_eq!(server.now_ms(), START_MS + 10_000);
        assert_eq!(server.pool("SOL-1700000040-5m")["entries"], 5);
        assert_eq!(
            Join::new("entry-3").wallet(3).send(&server).expect(200),
            json!({"ok": true, "created": false})
        );
    });
}

#[test]
fn a_second_server_on_one_embedded_database_refuses_to_start() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let (status, stdout, stderr) = Setup::rounds(&place).refuse();
    assert!(!status.success() && stderr.contains("another server already runs"), "{stderr}");
    assert!(!stdout.contains("listening"));
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn any_number_of_servers_share_one_postgresql() {
    let place = Place::postgres();
    let (one, two) = (Setup::rounds(&place).start(), Setup::rounds(&place).start());
    Join::new("a").accepted(&one);
    assert_eq!(Join::new("a").send(&two).expect(200)["created"], false);
    one.move_clock(START_MS + 30_000);
    assert_eq!(two.now_ms(), START_MS + 30_000);
}

#[test]
fn a_taken_port_is_named_with_what_to_do() {
    let place = Place::sqlite();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, _, stderr) = Setup::rounds(&place).env("BURSAR_LISTEN", &address).refuse();
    assert!(!status.success());
    assert!(
        stderr.contains(&format!("cannot listen on {address}")) && stderr.contains("--listen"),
        "{stderr}"
    );
}

#[test]
fn every_mistake_of_the_environment_is_listed_at_once() {
    let place = Place::sqlite();
    let setup = Setup::rounds(&place).env("PANCHO_PAUSE_JOINS", "ON").env("PANCHO_SIM_SETTLE_LIMIT", "many");
    let (status, _, stderr) = setup.env("BURSAR_NO_SUCH_NAME", "1").refuse();
    assert!(!status.success());
    for name in ["PANCHO_PAUSE_JOINS", "PANCHO_SIM_SETTLE_LIMIT", "BURSAR_NO_SUCH_NAME"] {
        assert!(stderr.contains(name), "{name} in {stderr}");
    }
}

#[test]
fn production_without_a_database_reports_and_binds_nothing() {
    let place = Place::sqlite();
    let (status, stdout, stderr) = Setup::rounds(&place).production().without("DATABASE_URL").refuse();
    assert!(!status.success() && !stdout.contains("listening"));
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines[0], "Production readiness checks failed:");
    assert!(lines[1].starts_with("- platform: DATABASE_URL"), "{stderr}");
    assert_eq!(lines[2], "PROD_READINESS_FAILED");
    let report: serde_json::Value = serde_json::from_str(lines[3]).unwrap();
    assert_eq!(report["details"][0]["var"], "DATABASE_URL");
}

#[test]
fn the_first_admins_token_is_shown_once_and_never_logged() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let first = server.stderr();
    let token = first.split_whitespace().find(|word| word.starts_with("burone_")).unwrap();
    assert!(!server.log().contains(token));
    assert!(!server.restart().stderr().contains("burone_"));
}

#[test]
fn an_idle_server_starts_quickly_and_stays_small() {
    let place = Place::sqlite();
    drop(Setup::rounds(&place).start());
    let begun = std::time::Instant::now();
    let server = Setup::rounds(&place).start();
    // Generous, since other tests run beside this one; alone it takes about a tenth.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let field = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    assert!(field("VmRSS:") < 64 * 1024, "{status}");
    assert!(field("Threads:") <= 24, "{status}");
}
