//! What shows that a deployment stands, and how it is doing over a day (docs/spec/rounds.md R18, R50, R51).

use bursar_devnet::prices::{Failing, Faults};
use serde_json::json;

use crate::harness::{Join, START_MS, Server};
use crate::scene::{END_MS, OPS_KEY, Scene, play};

#[test]
fn r18_page_status_and_price_are_200_and_health_names_the_build() {
    let scene = Scene::sqlite();
    let server = scene.start();
    for page in ["/", "/rounds"] {
        let page = server.get(page);
        assert_eq!(page.status, 200);
        assert!(page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
    }
    server.get("/api/status").expect(200);
    server.get("/api/oracle").expect(200);
    let health = server.get_with("/api/ops/health", &[("x-ops-key", OPS_KEY)]);
    let build = health.expect(200)["build"].as_str().unwrap().to_owned();
    assert!(!build.is_empty());
    assert_eq!(health.header("x-bursar-build"), Some(build.as_str()));
    assert_eq!(server.get("/health").expect(200)["commit"], build);
}

/// The value of a metric with these labels, such as `a_total{b="c"}`; 0 when it is not there.
fn metric(server: &Server, name: &str) -> i64 {
    let text = server.get("/metrics").text;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.map_or(0, |value| value.parse().unwrap())
}

#[test]
fn r50_settled_void_and_failed_settlements_are_counted_and_their_lag_is_measured() {
    let scene = Scene::sqlite();
    scene.rises("SOL", START_MS);
    let server = scene.start();
    play(&server, "SOL", START_MS);
    Join::new("alone").round("BTC", START_MS).wallet(3).accepted(&server);
    server.move_clock(END_MS);
    let counts = || {
        ["settled", "voided", "settle_failures"].map(|name| metric(&server, &format!("rounds_{name}_total")))
    };
    assert_eq!(counts(), [2, 0, 0]);
    play(&server, "ETH", END_MS);
    scene
        .prices
        .set_faults(Faults { fail: Some(Failing { status: 503, requests: u32::MAX }), ..Faults::default() });
    server.move_clock(END_MS + 360_000 + 900_000);
    assert_eq!(counts(), [3, 1, 0]);
    let lag =
        |bound: &str| metric(&server, &format!("rounds_settlement_lag_seconds_bucket{{le=\"{bound}\"}}"));
    assert_eq!((lag("0.1"), lag("300"), lag("900"), lag("+Inf")), (2, 2, 3, 3));
    assert_eq!(metric(&server, "rounds_settlement_lag_seconds_sum"), 900);
}

#[test]
fn r50_a_settlement_that_the_treasury_guard_refuses_counts_as_failed() {
    let scene = Scene::sqlite();
    let setup = scene.setup().env("TREASURY_WALLET", "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd");
    let setup = setup.env("PANCHO_EXPECTED_TREASURY_WALLET", "52nguesHaBuF4psFr2uybVnW4angLW2ZtsBRSRmdF8k3");
    let server = setup.start();
    server.settle().expect(500);
    server.settle().expect(500);
    assert_eq!(metric(&server, "rounds_settle_failures_total"), 2);
}

#[test]
fn r51_refusals_by_rate_limit_are_counted_per_route_and_kind_of_bucket() {
    let scene = Scene::sqlite();
    let limited = ["SIM_ENTRIES_IP", "SIM_ENTRIES_WALLET", "SIM_RESULTS_WALLET", "STATUS_IP"];
    let setup =
        limited.iter().fold(scene.setup(), |setup, name| setup.env(&format!("PANCHO_RL_{name}_LIMIT"), "2"));
    let server = setup.env("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "3").start();
    let joins: Vec<u16> =
        (1..=5).map(|n| Join::new(&format!("{n}")).wallet(1).send(&server).status).collect();
    assert_eq!(joins, [200, 200, 429, 429, 429]);
    (1..=3).for_each(|_| _ = server.get(&format!("/api/sim/results?wallet={}", crate::harness::wallet(1))));
    (1..=4).for_each(|_| _ = server.get("/api/status"));
    let refused = |route: &str, bucket: &str| {
        let labels = format!("desk=\"rounds\",route=\"{route}\",bucket=\"{bucket}\"");
        metric(&server, &format!("bursar_rate_limited_total{{{labels}}}"))
    };
    assert_eq!(refused("/api/sim/entries", "sim-entries:wallet"), 1);
    assert_eq!(refused("/api/sim/entries", "sim-entries:ip"), 2);
    assert_eq!(refused("/api/sim/results", "sim-results:wallet"), 1);
    assert_eq!(refused("/api/status", "status:ip"), 2);
    assert_eq!(server.get("/api/oracle").expect(200)["market"], json!("SOL"));
}
