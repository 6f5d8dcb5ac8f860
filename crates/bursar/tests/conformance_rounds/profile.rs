//! The strict profile of the canary stage, `desks/rounds/profiles/canary.toml` (docs/spec/rounds.md R28).

use crate::harness::{Join, START_MS, Server, wallet};
use crate::scene::{OPS_KEY, SETTLE_KEY, Scene};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../desks/rounds/profiles/canary.toml");

/// A limit of the profile: its name, how many calls pass, and how call number `n` is made.
type Limited = (&'static str, u64, fn(&Server, u64) -> u16);

const LIMITS: [Limited; 10] = [
    ("joins of an address", 30, |server, n| Join::new(&format!("a-{n}")).wallet(n).send(server).status),
    ("joins of a wallet", 4, |server, n| Join::new(&format!("w-{n}")).wallet(99).send(server).status),
    ("results for an address", 24, read_results),
    ("results for a wallet", 8, |server, _| read_results(server, 99)),
    ("prices", 20, |server, _| server.get("/api/oracle").status),
    ("status", 16, |server, _| server.get("/api/status").status),
    ("pools", 25, |server, _| server.get("/api/sim/pool?roundId=x").status),
    ("settle calls", 6, |server, _| post_settle(server)),
    ("health", 12, |server, _| read_ops(server, "health")),
    ("summary", 5, |server, _| read_ops(server, "summary")),
];

fn read_results(server: &Server, player: u64) -> u16 {
    server.get(&format!("/api/sim/results?wallet={}", wallet(player))).status
}

fn read_ops(server: &Server, name: &str) -> u16 {
    server.get_with(&format!("/api/ops/{name}"), &[("x-ops-key", OPS_KEY)]).status
}

fn post_settle(server: &Server) -> u16 {
    server.post_with("/api/sim/settle", &[("x-sim-settle-key", SETTLE_KEY)], "").status
}

#[test]
fn r28_the_strict_profile_loads_and_each_limit_binds_at_its_own_number() {
    let scene = Scene::sqlite();
    let server = scene.setup().env("BURSAR_CONFIG", PROFILE).start();
    for (window, (name, limit, call)) in (0..).zip(LIMITS) {
        // Each limit in a window of its own; joins come first, while the round is open.
        if window > 0 {
            server.move_clock(START_MS + window * 10_000);
        }
        let passed = (1..=limit).filter(|n| call(&server, *n) == 200).count();
        assert_eq!((passed, call(&server, limit + 1)), (usize::try_from(limit).unwrap(), 429), "{name}");
    }
}

#[test]
fn r28_the_strict_profile_starts_with_stakes_up_to_25() {
    let scene = Scene::sqlite();
    let server = scene.setup().env("BURSAR_CONFIG", PROFILE).start();
    Join::new("twenty-five").up(25).accepted(&server);
    assert_eq!(Join::new("fifty").up(50).send(&server).expect_code(400), "invalid_stake_tier");
}
