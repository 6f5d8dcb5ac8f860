//! Keys in headers: who may settle and who may look (docs/spec/rounds.md 4.4, 4.10, 4.11).

use crate::evidence::Evidence;
use crate::harness::{START_MS, Server, Tool};
use crate::scene::{END_MS, OPS_KEY, SETTLE_KEY, Scene, play};

const SETTLE: &str = "/api/sim/settle";
const SETTLE_HEADER: &str = "x-sim-settle-key";
const OPS_HEADER: &str = "x-ops-key";

#[track_caller]
fn post_settle(server: &Server, headers: &[(&str, &str)]) -> u16 {
    server.post_with(SETTLE, headers, "").status
}

/// A server with a round that is over and not settled.
fn with_a_due_round(scene: &Scene) -> Server {
    let server = scene.start();
    play(&server, "SOL", START_MS);
    server.switch("sim-settlement", "on").expect(200);
    server.move_clock(END_MS);
    server.switch("sim-settlement", "off").expect(200);
    server
}

#[test]
fn r2_only_the_settle_key_settles() {
    let scene = Scene::sqlite();
    let server = scene.start();
    assert_eq!(post_settle(&server, &[]), 401);
    assert_eq!(post_settle(&server, &[(SETTLE_HEADER, "wrong")]), 401);
    assert_eq!(post_settle(&server, &[(SETTLE_HEADER, OPS_KEY)]), 401);
    assert_eq!(post_settle(&server, &[(SETTLE_HEADER, SETTLE_KEY)]), 200);
    drop(server);
    let server = scene.setup().without("SIM_SETTLE_API_KEY").start();
    assert_eq!(post_settle(&server, &[(SETTLE_HEADER, SETTLE_KEY)]), 401);
    assert_eq!(post_settle(&server, &[(SETTLE_HEADER, "")]), 401);
}

#[test]
fn r3_only_the_operations_key_opens_health_and_summary_and_production_without_one_opens_to_nobody() {
    let scene = Scene::sqlite();
    let server = scene.start();
    let get = |server: &Server, headers: &[(&str, &str)]| {
        ["health", "summary"].map(|name| server.get_with(&format!("/api/ops/{name}"), headers).status)
    };
    assert_eq!(get(&server, &[]), [401; 2]);
    assert_eq!(get(&server, &[(OPS_HEADER, "wrong")]), [401; 2]);
    assert_eq!(get(&server, &[(OPS_HEADER, SETTLE_KEY)]), [401; 2]);
    assert_eq!(get(&server, &[(OPS_HEADER, OPS_KEY)]), [200; 2]);
    drop(server);

    let production = Scene::sqlite();
    let setup = production.setup().production().without("OPS_API_KEY");
    Tool::of(&setup).json(&["migrate", "up"]);
    let server = setup.start();
    assert_eq!(get(&server, &[]), [401; 2]);
    assert_eq!(get(&server, &[(OPS_HEADER, OPS_KEY)]), [401; 2]);
}

#[test]
fn r20_a_wrong_settle_key_is_401_settles_nothing_and_leaves_one_event() {
    let scene = Scene::sqlite();
    let server = with_a_due_round(&scene);
    let evidence = Evidence::of(&scene.place);
    let before = evidence.domain();
    assert_eq!(post_settle(&server, &[(SETTLE_HEADER, "wrong")]), 401);
    assert_eq!(evidence.domain(), before);
    assert_eq!(server.results(1)["rounds"][0]["status"], "PENDING");
    let events = evidence.events("sim_settle.unauthorized");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["why"], "a wrong key was sent");
    assert_eq!(server.settle().expect(200)["settled"], 1);
}

#[test]
fn r21_a_wrong_operations_key_is_401_changes_nothing_and_leaves_one_event() {
    let scene = Scene::sqlite();
    let server = with_a_due_round(&scene);
    let evidence = Evidence::of(&scene.place);
    let before = evidence.domain();
    let refused = server.get_with("/api/ops/health", &[(OPS_HEADER, "wrong")]);
    assert_eq!(refused.expect_code(401), "unauthorized");
    assert_eq!(evidence.domain(), before);
    let events = evidence.events("ops.unauthorized");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["why"], "a wrong key was sent");
    assert_eq!(server.ops("/api/ops/health")["totals"]["pendingDueRounds"], 1);
}
