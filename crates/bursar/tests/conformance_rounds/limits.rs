//! Rate limits (docs/spec/rounds.md section 4): fixed windows, counted by the manual clock.

use crate::harness::{Answer, Join, START_MS, Server, wallet};
use crate::scene::Scene;

/// 429, with the seconds of `Retry-After` also in the body.
#[track_caller]
fn assert_limited(answer: &Answer, seconds: i64) {
    let body = answer.expect(429);
    assert_eq!((&body["code"], &body["retryAfterSec"]), (&"rate_limited".into(), &seconds.into()));
    assert_eq!(answer.header("retry-after"), Some(seconds.to_string().as_str()));
}

fn join(server: &Server, number: u64, player: u64) -> Answer {
    Join::new(&format!("entry-{number}")).wallet(player).send(server)
}

fn read(server: &Server, player: u64) -> Answer {
    server.get(&format!("/api/sim/results?wallet={}", wallet(player)))
}

/// With 3 calls in 2 s the fourth is refused, as is another a millisecond before the window ends; then calls pass.
fn assert_three_in_two_seconds(server: &Server, call: impl Fn(u64) -> Answer) {
    (1..=3).for_each(|number| _ = call(number).expect(200));
    assert_limited(&call(4), 2);
    server.move_clock(START_MS + 1_999);
    assert_limited(&call(4), 1);
    server.move_clock(START_MS + 2_000);
    call(4).expect(200);
}

/// With 2 calls in 4 s for a wallet its third is refused and another wallet's passes; after the window it passes too.
fn assert_two_in_four_seconds(server: &Server, call: impl Fn(u64, u64) -> Answer) {
    (1..=2).for_each(|number| _ = call(number, 1).expect(200));
    assert_limited(&call(3, 1), 4);
    call(4, 2).expect(200);
    server.move_clock(START_MS + 4_000);
    call(3, 1).expect(200);
}

#[test]
fn r9_joins_of_an_address_follow_their_limit_and_window_settings() {
    let scene = Scene::sqlite();
    let setup = scene.setup().env("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "3");
    let server = setup.env("PANCHO_RL_SIM_ENTRIES_IP_WINDOW_MS", "2000").start();
    assert_three_in_two_seconds(&server, |number| join(&server, number, number));
}

#[test]
fn r10_joins_of_a_wallet_follow_their_limit_and_window_settings() {
    let scene = Scene::sqlite();
    let setup = scene.setup().env("PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT", "2");
    let server = setup.env("PANCHO_RL_SIM_ENTRIES_WALLET_WINDOW_MS", "4000").start();
    assert_two_in_four_seconds(&server, |number, player| join(&server, number, player));
}

#[test]
fn r11_result_reads_of_an_address_follow_their_limit_and_window_settings() {
    let scene = Scene::sqlite();
    let setup = scene.setup().env("PANCHO_RL_SIM_RESULTS_IP_LIMIT", "3");
    let server = setup.env("PANCHO_RL_SIM_RESULTS_IP_WINDOW_MS", "2000").start();
    assert_three_in_two_seconds(&server, |number| read(&server, number));
}

#[test]
fn r12_result_reads_of_a_wallet_follow_their_limit_and_window_settings() {
    let scene = Scene::sqlite();
    let setup = scene.setup().env("PANCHO_RL_SIM_RESULTS_WALLET_LIMIT", "2");
    let server = setup.env("PANCHO_RL_SIM_RESULTS_WALLET_WINDOW_MS", "4000").start();
    assert_two_in_four_seconds(&server, |_, player| read(&server, player));
}

#[test]
fn r14_without_settings_the_21st_join_of_a_wallet_and_the_151st_of_an_address_are_refused() {
    let scene = Scene::sqlite();
    let server = scene.start();
    (1..=20).for_each(|number| _ = join(&server, number, 1).expect(200));
    assert_limited(&join(&server, 21, 1), 10);
    (22..=150).for_each(|number| _ = join(&server, number, number).expect(200));
    assert_limited(&join(&server, 151, 151), 10);
    server.move_clock(START_MS + 10_000);
    join(&server, 21, 1).expect(200);
}
