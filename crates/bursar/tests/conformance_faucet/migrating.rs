//! Migrations come before service.

use std::time::{Duration, Instant};

use crate::harness::{Place, Server, Setup, Tool};

fn setup(place: &Place) -> Setup {
    Setup::bare(place).env("BURSAR_DESKS", "faucet")
}

fn wait_until_ready(server: &Server) {
    let patience = Instant::now() + Duration::from_secs(20);
    while server.get("/readyz").status != 200 {
        assert!(Instant::now() < patience, "{}", server.get("/readyz").text);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn f4_on_an_empty_database_the_server_is_not_ready_until_migrate_up_has_run() {
    Place::for_each_engine(|place| {
        let setup = setup(place).env("BURSAR_ENV", "test");
        let server = setup.start();
        assert_eq!(server.get("/readyz").expect(503)["status"], "not_ready");
        assert_eq!(server.get("/api/leaderboard").status, 503);
        assert_eq!(Tool::of(&setup).json(&["migrate", "up"])["ok"], true);
        wait_until_ready(&server);
        assert_eq!(server.get("/api/leaderboard").expect(200)["total"], 0);
    });
}

#[test]
fn f4_two_starters_at_once_migrate_once_and_both_become_ready() {
    let place = Place::postgres();
    let setup = setup(&place);
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let starts = [(); 2].map(|()| scope.spawn(|| setup.start()));
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let mut applied = 0;
    for server in &servers {
        wait_until_ready(server);
        let log = server.log();
        let line = log.lines().find(|line| line.contains("migrations applied"));
        applied += usize::from(line.is_some_and(|line| line.contains("faucet/0001")));
    }
    assert_eq!(applied, 1, "{}\n{}", servers[0].log(), servers[1].log());
}
