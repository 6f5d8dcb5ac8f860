//! Going back to the release before (docs/spec/rounds.md R46 to R48).

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::{Output, Place, START_MS, Server, Tool};
use crate::scene::{END_MS, Scene, play};

fn drill(server: &Server, options: &[&str]) -> Output {
    let begin = ["rollback", "drill", "--advance-clock", "--reason", "practice"];
    Tool::beside(server).run(&[&begin[..], options].concat())
}

/// The steps with whether each went well.
fn steps(output: &Output) -> Vec<(String, bool)> {
    let steps = output.json()["steps"].as_array().unwrap().clone();
    steps.iter().map(|one| (one["step"].as_str().unwrap().to_owned(), one["ok"] == true)).collect()
}

fn flags(server: &Server) -> [bool; 3] {
    ["joinsPaused", "settlementPaused", "settleApiPaused"].map(|name| server.status()[name] == true)
}

/// A newer release added a table, and a row says so.
fn newer_release_ran(place: &Place, epoch: i64) {
    let sql = format!(
        "CREATE TABLE rounds_newer (id BIGINT); \
         INSERT INTO store_migrations (name, checksum, epoch, applied_ms) VALUES ('rounds/9999_newer', 'x', {epoch}, 0)"
    );
    Evidence::of(place).execute(&sql);
}

#[test]
fn r46_the_drill_does_not_start_while_any_flag_is_off() {
    Scene::for_each_engine(|scene| {
        let server = scene.start();
        for (stopped, running) in [
            (vec![], json!(["joins", "sim-settlement", "settle-api"])),
            (vec!["joins", "settle-api"], json!(["sim-settlement"])),
            (vec!["sim-settlement", "joins"], json!(["settle-api"])),
        ] {
            server.switch("all", "off").expect(200);
            for switch in stopped {
                server.switch(switch, "on").expect(200);
            }
            let before = flags(&server);
            let refused = drill(&server, &[]);
            assert_eq!((refused.status, &refused.json()["code"]), (1, &json!("flags_off")));
            assert_eq!((&refused.json()["running"], flags(&server)), (&running, before));
            assert!(refused.stderr.contains("bursar ops pause all"), "{}", refused.stderr);
        }
    });
}

#[test]
fn r48_a_drill_ends_with_a_player_who_got_in_and_out_and_with_everything_running() {
    Scene::for_each_engine(|scene| {
        scene.rises("SOL", START_MS);
        let server = scene.start();
        play(&server, "SOL", START_MS);
        server.switch("all", "on").expect(200);
        server.move_clock(END_MS);
        let output = drill(&server, &["--actor", "ann"]);
        assert_eq!((output.status, &*output.stderr), (0, ""), "{}", output.stdout);
        let names =
            ["stopped", "previous_release", "settlement", "overdue_rounds", "settle_api", "joins", "smoke"];
        assert_eq!(steps(&output), names.map(|name| (name.to_owned(), true)));
        assert_eq!(server.outcome(1), ("WIN".to_owned(), 3_290), "the round of the stop was settled first");
        assert_eq!(flags(&server), [false; 3]);
        let recorded = Tool::beside(&server).json(&["audit", "list", "--event", "ops.rollback_drill"]);
        assert_eq!(
            (&recorded["events"][0]["level"], &recorded["events"][0]["actor"]),
            (&json!("INFO"), &json!("cli:ann"))
        );

        server.switch("all", "on").expect(200);
        assert_eq!(drill(&server, &["--stop-after"]).status, 0);
        assert_eq!(flags(&server), [true; 3]);
    });
}

#[test]
fn r48_a_drill_that_fails_stops_everything_again() {
    let scene = Scene::sqlite();
    let server = scene.setup().env("PANCHO_MAX_STAKE_TIER", "10").start();
    server.switch("all", "on").expect(200);
    // The canary stakes 25.
    let output = drill(&server, &[]);
    assert_eq!((output.status, steps(&output).last().unwrap()), (1, &("smoke".to_owned(), false)));
    assert_eq!((&output.json()["stoppedAgain"], flags(&server)), (&json!(true), [true; 3]));
    let recorded = Tool::beside(&server).json(&["audit", "list", "--event", "ops.rollback_drill"]);
    assert_eq!(recorded["events"][0]["level"], "ERROR");
}

#[test]
fn r47_the_release_before_runs_on_data_of_its_epoch_and_sees_every_balance_as_before() {
    Scene::for_each_engine(|scene| {
        scene.rises("SOL", START_MS);
        let server = scene.start();
        play(&server, "SOL", START_MS);
        server.move_clock(END_MS);
        let before = Evidence::of(&scene.place).money();
        // This program is the older one from here on.
        newer_release_ran(&scene.place, 1);
        let server = server.restart();
        assert_eq!(server.get("/readyz").status, 200);
        assert!(before.len() > 4 && Evidence::of(&scene.place).money() == before);
        server.switch("all", "on").expect(200);
        let older = env!("CARGO_BIN_EXE_bursar");
        let output = drill(&server, &["--previous", older]);
        assert_eq!(output.status, 0, "{output:?}");
        let proof = output.json()["steps"][1]["found"].clone();
        assert_eq!(proof["program"]["migrations"]["newer"], json!(["rounds/9999_newer"]));
        assert_eq!((&proof["schema"]["previousEpoch"], &proof["program"]["ok"]), (&json!(1), &json!(true)));
    });
}

#[test]
fn r47_a_step_of_a_later_epoch_ends_the_drill_with_everything_stopped() {
    Scene::for_each_engine(|scene| {
        let server = scene.start();
        server.switch("all", "on").expect(200);
        let lower = drill(&server, &["--previous-epoch", "1"]);
        assert_eq!(lower.status, 0, "{lower:?}");
        server.switch("all", "on").expect(200);
        newer_release_ran(&scene.place, 2);
        let beyond = drill(&server, &[]);
        assert_eq!((beyond.status, flags(&server)), (1, [true; 3]));
        assert!(beyond.stderr.contains("rounds/9999_newer"), "{}", beyond.stderr);
    });
}

#[test]
fn r47_an_older_program_that_refuses_or_is_not_there_ends_the_drill() {
    let scene = Scene::sqlite();
    let server = scene.start();
    server.switch("all", "on").expect(200);
    for program in ["/bin/false", "/nowhere/bursar"] {
        let output = drill(&server, &["--previous", program]);
        assert_eq!((output.status, flags(&server)), (1, [true; 3]));
        let cause: Value = output.json()["cause"].clone();
        assert_eq!(cause["code"], "previous_release_refuses");
    }
}
