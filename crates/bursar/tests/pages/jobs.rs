//! The command line, the console and the metrics tell the same of each job.

use crate::harness::{Place, START_MS, Server, Setup, Tool};
use crate::operator::{Operator, words};

/// The value of a job's metric, in milliseconds or as it stands.
fn metric(text: &str, name: &str, job: &str) -> Option<String> {
    let start = format!("{name}{{job=\"{job}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&start)).map(str::to_owned)
}

fn seconds(ms: i64) -> String {
    match ms % 1_000 {
        0 => (ms / 1_000).to_string(),
        rest => format!("{}.{:03}", ms / 1_000, rest).trim_end_matches('0').to_owned(),
    }
}

/// Waits until the metrics show what the rows hold: the process looks once a second.
#[track_caller]
fn wait_for_metrics(server: &Server, wanted: &[(&str, &str, String)]) {
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let text = server.get("/metrics").text;
        let is_shown =
            |(name, job, value): &(&str, &str, String)| metric(&text, name, job).as_ref() == Some(value);
        if wanted.iter().all(is_shown) {
            return;
        }
        assert!(std::time::Instant::now() < patience, "{wanted:?} in {text}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn the_command_line_the_console_and_the_metrics_agree_on_every_job_of_the_rules_clock() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).env("HERMES_URL", "http://127.0.0.1:9").start();
        let session = Operator::add(&server, "ann", "viewer").sign_in(&server);
        server.move_clock(START_MS + 600_000);
        let answer = Tool::beside(&server).json(&["jobs", "--json"]);
        let page = words(&session.get("/console/jobs").text);
        let mut wanted = Vec::new();
        let jobs = answer["jobs"].as_array().unwrap();
        let by_rules = ["ledger.zero_sum", "platform.purge", "platform.rollup_prune", "rounds.settle"];
        for job in jobs.iter().filter(|job| by_rules.contains(&job["name"].as_str().unwrap())) {
            let name = job["name"].as_str().unwrap();
            let (lag, runs, failures) = (
                job["lagMs"].as_i64().unwrap(),
                job["runs"].as_i64().unwrap(),
                job["failures"].as_i64().unwrap(),
            );
            assert!(
                page.contains(&format!("{name} ")) && page.contains(&format!(" {lag} {runs} {failures}")),
                "{page}"
            );
            wanted.push(("bursar_job_lag_seconds", name, seconds(lag)));
            wanted.push(("bursar_job_failures", name, failures.to_string()));
            if let Some(at) = job["lastSuccessAtMs"].as_i64() {
                wanted.push(("bursar_job_last_success_timestamp_seconds", name, seconds(at)));
            }
            let checked = answer["nowMs"].as_i64().unwrap() - job["heartbeatAgeMs"].as_i64().unwrap();
            wanted.push(("bursar_job_checked_timestamp_seconds", name, seconds(checked)));
        }
        assert_eq!(
            wanted.iter().filter(|(metric, ..)| *metric == "bursar_job_failures").count(),
            by_rules.len()
        );
        wait_for_metrics(&server, &wanted);
    });
}
