//! Backups on the server's timer: made from 02:00 UTC on, proven at 08:17, pruned, and shown by every process.

use serde_json::Value;

use crate::campaign::wait_until;
use crate::evidence::Evidence;
use crate::harness::{Place, START_MS, Server, Setup, Tool};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// 2023-11-15 02:00 UTC, the first time for a backup after the clock's start at 22:14.
pub const TWO: i64 = START_MS + 3 * HOUR_MS + 46 * MINUTE_MS;
/// 08:17 of that day.
const PROOF: i64 = TWO + 6 * HOUR_MS + 17 * MINUTE_MS;

fn backups(tool: &Tool) -> Vec<Value> {
    tool.json(&["backup", "list"])["backups"].as_array().unwrap().clone()
}

/// Waits until a metric shows this value: each process looks once a second.
#[track_caller]
fn wait_for_metric(server: &Server, line: &str) {
    wait_until(line, || server.get("/metrics").text.lines().any(|shown| shown == line));
}

/// Whether a metric has a value.
fn shows(server: &Server, metric: &str) -> bool {
    server.get("/metrics").text.lines().any(|line| line.split(' ').next() == Some(metric))
}

#[test]
fn backups_are_made_every_four_hours_from_two_o_clock_and_the_newest_is_proven_in_the_morning() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let tool = Tool::beside(&server);
    assert!(!shows(&server, "bursar_backup_age_seconds"), "no age without a backup");
    server.move_clock(TWO - 1);
    assert_eq!(backups(&tool).len(), 0);
    server.move_clock(TWO);
    let made = backups(&tool);
    assert_eq!((made.len(), made[0]["takenAtMs"].as_i64()), (1, Some(TWO)));
    server.move_clock(TWO + 90_500);
    wait_for_metric(&server, "bursar_backup_age_seconds 90.5");
    wait_for_metric(&server, "bursar_last_backup_timestamp_seconds 1700013600");
    wait_for_metric(&server, "aiba_last_backup_timestamp_seconds 1700013600");
    server.move_clock(PROOF + 3_000);
    let made: Vec<i64> = backups(&tool).iter().map(|line| line["takenAtMs"].as_i64().unwrap()).collect();
    assert_eq!(made, [TWO, TWO + 4 * HOUR_MS]);
    wait_for_metric(&server, "bursar_restore_proof_age_seconds 3");
    wait_for_metric(&server, "bursar_backup_failures_total{work=\"verify\"} 0");
    let events = Evidence::of(&place)
        .column::<String>("SELECT event FROM audit_events WHERE desk = 'platform' ORDER BY id", &[]);
    let events: Vec<&str> =
        events.iter().map(|event| &**event).filter(|event| event.starts_with("backup.")).collect();
    assert_eq!(events, ["backup.created", "backup.created", "backup.proven"]);
}

#[test]
fn of_two_servers_on_one_database_one_makes_the_backup_and_both_show_its_age() {
    let place = Place::postgres();
    let setup = Setup::rounds(&place);
    let (one, two) = (setup.start(), setup.start());
    one.move_clock(TWO + 5_000);
    assert_eq!(backups(&Tool::beside(&one)).len(), 1);
    for server in [&one, &two] {
        wait_for_metric(server, "bursar_backup_age_seconds 5");
    }
}

#[test]
fn a_backup_that_cannot_be_made_is_counted_told_and_made_the_next_time() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    std::fs::write(place.backups(), "a file where the folder should be").unwrap();
    server.move_clock(TWO);
    wait_for_metric(&server, "bursar_backup_failures_total{work=\"create\"} 1");
    let sql = "SELECT last_error FROM ops_backup WHERE work = 'create'";
    let why = Evidence::of(&place).column::<String>(sql, &[]);
    assert!(why[0].contains("cannot be used"), "{why:?}");
    let told = "SELECT level FROM audit_events WHERE event = 'backup.create_failed'";
    assert_eq!(Evidence::of(&place).column::<i64>(told, &[]), [2], "an ERROR, which leaves by webhook");
    std::fs::remove_file(place.backups()).unwrap();
    server.move_clock(TWO + 4 * HOUR_MS);
    assert_eq!(backups(&Tool::beside(&server)).len(), 1);
    wait_for_metric(&server, "bursar_backup_age_seconds 0");
}

#[test]
fn a_damaged_backup_fails_the_proof_of_the_morning() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("BACKUP_MINUTE_INTERVAL", "1440").start();
    server.move_clock(TWO);
    let name = backups(&Tool::beside(&server))[0]["name"].as_str().unwrap().to_owned();
    std::fs::write(place.backups().join(name).join("store_sequences.rows"), "").unwrap();
    server.move_clock(PROOF);
    wait_for_metric(&server, "bursar_backup_failures_total{work=\"verify\"} 1");
    assert!(!shows(&server, "bursar_restore_proof_age_seconds"), "nothing was proven");
}

#[test]
fn the_timer_keeps_as_many_backups_as_the_retention_says() {
    let place = Place::sqlite();
    let setup = Setup::rounds(&place).manual_clock(TWO - 15 * MINUTE_MS);
    let server = setup.env("BACKUP_MINUTE_INTERVAL", "10").start();
    server.move_clock(TWO + 5 * HOUR_MS);
    let made: Vec<i64> = backups(&Tool::beside(&server))
        .iter()
        .map(|line| (line["takenAtMs"].as_i64().unwrap() - TWO) / MINUTE_MS)
        .collect();
    // The 24 newest, the first of the day before (days begin at 02:00) and the daily one of 02:00.
    let newest = (0..24).map(|back| 300 - 10 * back).rev();
    let expected: Vec<i64> = [-10, 0].into_iter().chain(newest).collect();
    assert_eq!(made, expected);
}
