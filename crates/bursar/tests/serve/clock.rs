//! `/dev/clock`: forward only, complete when it answers, and absent in production.

use serde_json::json;

use crate::harness::{Join, Place, Prices, START_MS, Setup};

#[test]
fn the_clock_moves_forward_only_and_takes_one_whole_number() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    assert_eq!(server.now_ms(), START_MS);
    server.move_clock(START_MS + 5);
    assert_eq!(server.post("/dev/clock", &json!({"nowMs": START_MS + 4})).expect_code(400), "bad_request");
    server.move_clock(START_MS + 5);
    for bad in ["", "{", "[]", "{}", "{\"nowMs\":\"1\"}", "{\"nowMs\":1.5}", "{\"nowMs\":1,\"x\":2}"] {
        assert_eq!(server.post_with("/dev/clock", &[], bad).status, 400, "{bad}");
    }
    assert_eq!(server.now_ms(), START_MS + 5);
}

#[test]
fn one_long_move_settles_each_round_at_its_own_end() {
    Place::for_each_engine(|place| {
        let prices = Prices::start();
        let server = Setup::rounds(place).env("HERMES_URL", &prices.url()).start();
        for round in 0..3 {
            let start_ms = START_MS + round * 120_000;
            prices.set_round("SOL", start_ms, 100, 101 + round);
            server.move_clock(start_ms);
            Join::new(&format!("up-{round}")).round("SOL", start_ms).wallet(1).up(10).accepted(&server);
            Join::new(&format!("down-{round}")).round("SOL", start_ms).wallet(2).down(10).accepted(&server);
        }
        server.move_clock(START_MS + 3_600_000);
        let results = server.results(1);
        let settled: Vec<i64> = (0..3)
            .map(|round| results["rounds"][round]["settlement"]["settledAtMs"].as_i64().unwrap())
            .collect();
        assert_eq!(settled, [2, 1, 0].map(|round| START_MS + round * 120_000 + 360_000));
    });
}

#[test]
fn in_production_there_is_no_such_route_and_no_such_clock() {
    let place = Place::sqlite();
    let setup = Setup::rounds(&place).production().env("PAY2SLAY_AUTO_MIGRATE", "1");
    assert_eq!(setup.start().post("/dev/clock", &json!({"nowMs": START_MS})).expect_code(404), "not_found");
    let (status, _, stderr) = setup.manual_clock(START_MS).refuse();
    assert!(!status.success() && stderr.contains("BURSAR_CLOCK"), "{stderr}");
}

#[test]
fn readiness_says_that_time_stands_still_after_a_clock_that_ran_ahead() {
    let place = Place::sqlite();
    let setup = Setup::rounds(&place).without("BURSAR_CLOCK");
    let server = setup.start();
    let began_ms = server.now_ms();
    assert_eq!(server.get("/readyz").expect(200)["degraded"], json!([]));
    assert!(server.stop().success());
    let ahead = setup.clone().args(&["--clock", "x1000"]).start();
    while ahead.now_ms() < began_ms + 600_000 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(ahead.stop().success());
    let told = setup.start().get("/readyz").expect(200);
    let degraded = told["degraded"][0].as_str().unwrap();
    assert!(degraded.starts_with("process.clock: a clock has run ahead"), "{told}");
}

#[test]
fn a_fast_clock_goes_on_after_a_stop_and_after_a_kill() {
    let place = Place::sqlite();
    let setup = Setup::rounds(&place).without("BURSAR_CLOCK").args(&["--clock", "x1000"]);
    let server = setup.start();
    let stopped_ms = server.now_ms();
    assert!(server.stop().success());
    let server = setup.start();
    let killed_ms = server.now_ms();
    assert!(killed_ms >= stopped_ms, "{killed_ms} after {stopped_ms}");
    server.kill();
    let begun_ms = setup.start().now_ms();
    assert!(begun_ms > killed_ms, "{begun_ms} after {killed_ms}");
}

#[test]
fn a_clock_that_runs_by_itself_is_not_moved() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).without("BURSAR_CLOCK").args(&["--clock", "x20"]).start();
    let now_ms = server.now_ms();
    assert_eq!(server.post("/dev/clock", &json!({"nowMs": now_ms + 1_000_000})).expect_code(409), "conflict");
}
