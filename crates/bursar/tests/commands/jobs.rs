//! The background jobs, straight from the database (docs/spec/platform.md, jobs).

use serde_json::{Value, json};

use crate::scene::{Scene, on_each_engine};

/// A job that was followed `silent_ms` ago and is to run `until_next_ms` from now.
fn add_job(scene: &Scene, name: &str, silent_ms: i64, until_next_ms: i64) {
    let now = bursar_store::clock::machine_time().ms();
    let at = |ms: i64| bursar_store::Timestamp::from_ms(now + ms);
    let insert = "INSERT INTO job_runs (name, holder, checked_at, succeeded_at, next_at, lag_ms, runs, failures) \
                  VALUES ($1, 'process-a', $2, $3, $4, 7, 9, 2)";
    let params = [name.into(), at(-silent_ms).into(), at(-90_000).into(), at(until_next_ms).into()];
    scene.test.store().transact("test.job", |tx| tx.execute(insert, &params)).unwrap();
}

#[track_caller]
fn state(answer: &Value, name: &str) -> Value {
    let jobs = answer["jobs"].as_array().unwrap();
    jobs.iter().find(|job| job["name"] == name).unwrap_or_else(|| panic!("{name} in {answer}"))["state"]
        .clone()
}

#[test]
fn a_database_on_which_no_server_has_started_has_no_jobs_and_that_is_exit_1() {
    on_each_engine(|scene| {
        let (answer, why) = scene.no("jobs --json");
        assert_eq!(answer["jobs"], json!([]));
        assert!(why.contains("no server has started"), "{why}");
    });
}

#[test]
fn each_job_is_listed_with_its_desk_its_heartbeat_its_runs_and_its_failures() {
    on_each_engine(|scene| {
        add_job(scene, "rounds.settle", 1_000, 4_000);
        scene.execute("UPDATE job_runs SET last_error = 'no price came', failed_at = succeeded_at");
        let answer = scene.yes("jobs --json");
        let job = &answer["jobs"][0];
        let now = answer["nowMs"].as_i64().unwrap();
        assert_eq!([&job["name"], &job["desk"], &job["state"]], ["rounds.settle", "rounds", "failing"]);
        assert_eq!([&job["lagMs"], &job["runs"], &job["failures"]], [7, 9, 2]);
        assert_eq!((&job["leaseHolder"], &job["lastHolder"]), (&Value::Null, &json!("process-a")));
        assert_eq!(
            (&job["lastFailure"], &job["lastFailureAtMs"]),
            (&json!("no price came"), &job["lastSuccessAtMs"])
        );
        let until_next = job["nextAtMs"].as_i64().unwrap() - now + job["heartbeatAgeMs"].as_i64().unwrap();
        assert_eq!(until_next, 5_000);
        let table = scene.yes("jobs");
        let lines: Vec<&str> = table.as_str().unwrap().lines().collect();
        assert!(lines[1].starts_with("rounds.settle  failing  -       1 s "), "{table}");
        assert_eq!(lines[2], "rounds.settle failed: no price came");
    });
}

#[test]
fn a_dead_or_late_job_is_exit_1_and_said_in_words() {
    on_each_engine(|scene| {
        add_job(scene, "rounds.settle", 60_000, 4_000);
        add_job(scene, "platform.backup", 1_000, -90_000);
        add_job(scene, "platform.purge", 1_000, 90_000);
        let (answer, why) = scene.no("jobs --json");
        let states = ["rounds.settle", "platform.backup", "platform.purge"].map(|name| state(&answer, name));
        assert_eq!(states, ["dead", "late", "idle"]);
        assert!(why.contains("rounds.settle is dead") && why.contains("platform.backup is late"), "{why}");
        assert!(scene.run("jobs").is_err());
        scene.execute(
            "UPDATE job_runs SET checked_at = (SELECT MAX(checked_at) FROM job_runs), next_at = NULL",
        );
        scene.yes("jobs --json");
    });
}

#[test]
fn a_job_is_running_while_a_process_has_its_lease() {
    on_each_engine(|scene| {
        add_job(scene, "platform.backup", 1_000, -90_000);
        let lease = scene.test.store().transact("test.lease", |tx| {
            let now = bursar_store::clock::machine_time();
            bursar_store::lease::Lease::take(tx, "job:platform.backup", "process-b", now, 60_000)
        });
        let answer = scene.yes("jobs --json");
        assert_eq!(
            (&answer["jobs"][0]["leaseHolder"], &answer["jobs"][0]["state"]),
            (&json!("process-b"), &json!("running"))
        );
        let lease = lease.unwrap().unwrap();
        scene.test.store().transact("test.release", |tx| lease.release(tx)).unwrap();
        assert_eq!(state(&scene.no("jobs --json").0, "platform.backup"), "late");
    });
}

#[test]
fn jobs_of_a_desk_that_is_off_are_not_missed() {
    on_each_engine(|scene| {
        add_job(scene, "platform.purge", 1_000, 90_000);
        add_job(scene, "faucet.pay", 9_000_000, -90_000);
        assert_eq!(state(&scene.yes("jobs --json"), "faucet.pay"), "off");
    });
}
