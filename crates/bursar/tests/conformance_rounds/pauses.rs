//! Stopping and resuming, by command and by HTTP (docs/spec/rounds.md 4.13).

use std::sync::atomic::{AtomicBool, Ordering};

use bursar_money::Price;
use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::{Join, START_MS, Server, Tool, feed_id, wallet};
use crate::scene::{END_MS, LOCK_MS, OPS_KEY, ROUND, Scene, play, round_id};

/// Runs `bursar ops <verb> <switch>` beside the server.
#[track_caller]
fn ops(server: &Server, verb: &str, switch: &str) -> Value {
    let answer = Tool::beside(server).json(&["ops", verb, switch, "--reason", "conformance"]);
    assert_eq!(answer["ok"], true);
    answer
}

/// Joins, settlement and the settle route, as the public status shows them.
fn flags(server: &Server) -> [bool; 3] {
    let status = server.status();
    ["joinsPaused", "settlementPaused", "settleApiPaused"].map(|name| status[name].as_bool().unwrap())
}

fn join(server: &Server, id: &str) -> u16 {
    Join::new(id).send(server).status
}

#[test]
fn r31_a_pause_by_command_binds_the_very_next_join_and_leaves_accepted_entries_alone() {
    Scene::for_each_engine(|scene| {
        scene.rises("SOL", START_MS);
        let server = scene.start();
        play(&server, "SOL", START_MS);
        let evidence = Evidence::of(&scene.place);
        let before = evidence.money();
        assert_eq!(ops(&server, "pause", "joins")["state"], "binding");
        assert_eq!(Join::new("next").send(&server).expect_code(503), "joins_paused");
        assert_eq!(evidence.money(), before);
        server.move_clock(END_MS);
        assert_eq!(server.outcome(1), ("WIN".to_owned(), 3_290));
    });
}

#[test]
fn r45_no_redeployment_after_a_toggle_the_same_process_obeys_it_on_the_next_request() {
    let scene = Scene::sqlite();
    let server = scene.start();
    for number in 0..3 {
        ops(&server, "pause", "joins");
        assert_eq!(join(&server, &format!("refused-{number}")), 503);
        ops(&server, "resume", "joins");
        assert_eq!(join(&server, &format!("accepted-{number}")), 200);
        ops(&server, "pause", "sim-settlement");
        assert_eq!(server.settle().status, 503);
        ops(&server, "resume", "sim-settlement");
        assert_eq!(server.settle().status, 200);
    }
}

#[test]
fn r33_a_stopped_settlement_settles_nothing_and_afterwards_rounds_settle_at_the_prices_of_their_own_instants()
{
    let scene = Scene::sqlite();
    scene.rises("SOL", START_MS);
    scene.falls("BTC", START_MS);
    // At every other instant, that of the resumption included, the prices would decide the other way round.
    scene.prices.script().set_always(feed_id("SOL"), Price::new(50, 0));
    scene.prices.script().set_always(feed_id("BTC"), Price::new(200, 0));
    let server = scene.start();
    play(&server, "SOL", START_MS);
    play(&server, "BTC", START_MS);
    ops(&server, "pause", "sim-settlement");
    server.move_clock(END_MS + 60_000);
    assert_eq!(server.settle().expect_code(503), "settlement_paused");
    assert_eq!(server.outcome(1), ("PENDING".to_owned(), 0));
    assert_eq!(Evidence::of(&scene.place).transfers(), 4);
    assert_eq!(scene.prices.feed().request_count(), 0);

    ops(&server, "resume", "sim-settlement");
    server.move_clock(END_MS + 65_000);
    let settled = server.ops("/api/ops/summary")["recentSettlements"].clone();
    let of = |market: &str| {
        let id = round_id(market, START_MS);
        let found = settled.as_array().unwrap().iter().find(|one| one["roundId"] == id.as_str()).unwrap();
        json!([found["winnerSide"], found["startPrice"], found["endPrice"], found["feeCents"]])
    };
    assert_eq!([of("SOL"), of("BTC")], [json!(["UP", 100, 101, 210]), json!(["DOWN", 100, 99, 210])]);
    let instants = [LOCK_MS, END_MS].map(|ms| (ms / 1_000).to_string());
    assert!(scene.prices.feed().asked().iter().all(|second| instants.contains(second)));
}

#[test]
fn r34_reads_stay_up_with_all_flags_on() {
    let scene = Scene::sqlite();
    let server = scene.start();
    play(&server, "SOL", START_MS);
    let reads = [
        format!("/api/sim/pool?roundId={ROUND}"),
        format!("/api/sim/results?wallet={}", wallet(1)),
        "/api/oracle?market=SOL".to_owned(),
        "/api/status".to_owned(),
    ];
    ops(&server, "pause", "all");
    assert_eq!(flags(&server), [true; 3]);
    for path in &reads {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
}

#[test]
fn r36_one_command_pauses_everything_and_nobody_ever_sees_a_part_of_it() {
    Scene::for_each_engine(|scene| {
        let server = scene.setup().env("PANCHO_RL_STATUS_IP_LIMIT", "1000000").start();
        let done = AtomicBool::new(false);
        let seen: Vec<[bool; 3]> = std::thread::scope(|threads| {
            let watcher = threads.spawn(|| {
                let mut seen = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    seen.push(flags(&server));
                }
                seen
            });
            for _ in 0..3 {
                ops(&server, "pause", "all");
                assert_eq!((flags(&server), &server.status()["status"]), ([true; 3], &json!("paused")));
                ops(&server, "resume", "all");
                assert_eq!(flags(&server), [false; 3]);
            }
            ops(&server, "pause", "all");
            done.store(true, Ordering::Relaxed);
            watcher.join().unwrap()
        });
        assert!(seen.contains(&[true; 3]) && seen.contains(&[false; 3]));
        assert_eq!(
            seen.iter().find(|seen| !matches!(seen, [true, true, true] | [false, false, false])),
            None
        );
        assert_eq!((join(&server, "a"), server.settle().status), (503, 503));
    });
}

#[test]
fn r37_one_command_resumes_everything_and_status_is_ok_once_no_due_round_waits() {
    let scene = Scene::sqlite();
    let server = scene.start();
    play(&server, "SOL", START_MS);
    ops(&server, "pause", "all");
    server.move_clock(END_MS);
    assert_eq!((flags(&server), &server.status()["status"]), ([true; 3], &json!("paused")));
    ops(&server, "resume", "all");
    let status = server.status();
    assert_eq!((flags(&server), &status["status"]), ([false; 3], &json!("degraded")));
    assert_eq!(status["pendingDueRounds"], 1);
    assert_eq!(server.settle().expect(200)["rounds"], json!([ROUND]));
    assert_eq!(server.status()["status"], "ok");
    Join::new("back").round("SOL", START_MS + 360_000).accepted(&server);
}

#[test]
fn r44_flags_survive_a_hard_kill() {
    let scene = Scene::sqlite();
    let server = scene.start();
    ops(&server, "pause", "joins");
    ops(&server, "pause", "sim-settlement");
    let server = server.restart();
    assert_eq!(flags(&server), [true, true, false]);
    assert_eq!((join(&server, "a"), server.settle().status), (503, 503));
    ops(&server, "resume", "all");
    let server = server.restart();
    assert_eq!((flags(&server), join(&server, "a")), ([false; 3], 200));
}

#[test]
fn r44_flags_are_the_same_on_every_instance_of_one_database() {
    let scene = Scene::postgres();
    let servers = [scene.start(), scene.start()];
    ops(&servers[0], "pause", "joins");
    servers[1].switch("sim-settlement", "on").expect(200);
    for server in &servers {
        assert_eq!(flags(server), [true, true, false]);
        assert_eq!((join(server, "a"), server.settle().status), (503, 503));
    }
    let servers = servers.map(Server::restart);
    assert_eq!(servers.each_ref().map(flags), [[true, true, false]; 2]);
    ops(&servers[1], "resume", "all");
    assert_eq!(
        servers.each_ref().map(|server| (flags(server), server.settle().status)),
        [([false; 3], 200); 2]
    );
    assert_eq!([join(&servers[0], "a"), join(&servers[1], "b")], [200, 200]);
}

#[test]
fn r35_players_see_what_is_going_on_and_until_when_until_service_resumes() {
    let scene = Scene::sqlite();
    let server = scene.start();
    ops(&server, "pause", "all");
    let text = json!({"message": "Price feed outage", "etaMs": END_MS, "actor": "ann"});
    server.put_with("/api/ops/incident", &[("x-ops-key", OPS_KEY)], &text).expect(200);
    let shown = json!({"message": "Price feed outage", "etaMs": END_MS});
    assert_eq!(server.status()["incident"], shown);
    ops(&server, "resume", "sim-settlement");
    assert_eq!(server.status()["incident"], shown);
    ops(&server, "resume", "all");
    assert_eq!(server.status().get("incident"), None);
}
