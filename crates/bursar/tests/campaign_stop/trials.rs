//! Stops while the servers are well: what was committed before the stop stands, and nothing is committed after it.

use std::time::{Duration, Instant};

use crate::campaign::{Random, count, newest_entry};
use crate::harness::Place;
use crate::stage::{Stage, setup};

/// Trials of each way in the short form.
const STOPS: u64 = 30;
const STOP: &str = "UPDATE rounds_config SET value = 'on' WHERE key = 'pause_joins'";
const RESUME: &str = "UPDATE rounds_config SET value = 'off' WHERE key = 'pause_joins'";

/// How joins are stopped.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// `bursar ops pause joins`.
    Command,
    /// One typed statement.
    Sql,
    /// The same in a transaction that goes on to read what is committed.
    SqlTransaction,
}

/// Stops joins and says the newest entry: with `SqlTransaction` as of the stop's own commit, else right after it.
fn stop(stage: &Stage, way: Way) -> i64 {
    match way {
        Way::Command => {
            let answer = stage.tool.json(&["ops", "pause", "joins", "--reason", "campaign"]);
            // A busy embedded server may keep the lock from the command for so long that only the file says it yet.
            let is_late = stage.place.is_embedded() && answer["state"] == "recorded";
            assert!(answer["state"] == "binding" || is_late, "{answer}");
        }
        Way::Sql | Way::SqlTransaction if stage.place.is_embedded() => {
            let typed = stage.book.store().transact("test.stop", |tx| {
                assert_eq!(tx.execute(STOP, &[])?, 1);
                newest_entry(tx)
            });
            return typed.expect("the stop is set");
        }
        Way::Sql => assert_eq!(stage.place.psql().execute(STOP, &[]).unwrap(), 1),
        Way::SqlTransaction => {
            let mut client = stage.place.psql();
            let mut transaction = client.transaction().unwrap();
            assert_eq!(transaction.execute(STOP, &[]).unwrap(), 1);
            let newest = "SELECT COALESCE(MAX(sequence), 0) FROM rounds_entry";
            let newest = transaction.query_one(newest, &[]).unwrap().get(0);
            transaction.commit().unwrap();
            return newest;
        }
    }
    stage.book.newest_entry()
}

fn resume(stage: &Stage, way: Way) {
    match way {
        Way::Command => stage.resume(),
        Way::Sql | Way::SqlTransaction if stage.place.is_embedded() => {
            let changed = stage.book.store().transact("test.resume", |tx| tx.execute(RESUME, &[])).unwrap();
            assert_eq!(changed, 1);
        }
        Way::Sql | Way::SqlTransaction => {
            assert_eq!(stage.place.psql().execute(RESUME, &[]).unwrap(), 1);
        }
    }
}

/// Players join, joins are stopped, everything in flight ends: the newest entry is still that of the stop. Says how
/// long the stop took.
fn trial(stage: &mut Stage, way: Way) -> Duration {
    let crowd = stage.crowd();
    crowd.wait_for(1 + stage.random.below(40));
    std::thread::sleep(stage.random.shorter_than(Duration::from_millis(3)));
    let asking = Instant::now();
    let newest = stop(stage, way);
    let set = Instant::now();
    stage.account(crowd.stop(), asking, set);
    assert_eq!(stage.book.newest_entry(), newest, "a join was committed later than the stop");
    assert_eq!(u64::try_from(newest).unwrap(), stage.created, "entries, and joins that were acknowledged");
    if matches!(way, Way::Command) && stage.book.joins_switch() == "on" {
        assert_eq!(stage.book.accepted_after_command(), 0);
    }
    resume(stage, way);
    set - asking
}

fn run(place: Place, servers: usize, ways: &[Way]) {
    let (_prices, setup) = setup(&place);
    let mut stage = Stage::start(place, &setup, servers);
    let mut choice: Random = stage.random.part();
    let mut longest = Duration::ZERO;
    let trials = count("BURSAR_CAMPAIGN_STOPS", STOPS);
    for _ in 0..trials {
        longest = longest.max(trial(&mut stage, choice.pick(ways)));
    }
    stage.book.check_sums_and_audit();
    println!("{trials} stops, {} joins, the longest stop took {longest:?}", stage.created);
}

const BY_HAND: [Way; 2] = [Way::Sql, Way::SqlTransaction];

#[test]
fn campaign_of_stops_by_command_on_an_embedded_server() {
    run(Place::sqlite(), 1, &[Way::Command]);
}

#[test]
fn campaign_of_stops_by_hand_typed_sql_on_an_embedded_server() {
    run(Place::sqlite(), 1, &BY_HAND);
}

#[test]
fn campaign_of_stops_by_command_on_one_server_of_postgres() {
    run(Place::postgres(), 1, &[Way::Command]);
}

#[test]
fn campaign_of_stops_by_hand_typed_sql_on_one_server_of_postgres() {
    run(Place::postgres(), 1, &BY_HAND);
}

#[test]
fn campaign_of_stops_by_command_on_three_servers_of_postgres() {
    run(Place::postgres(), 3, &[Way::Command]);
}

#[test]
fn campaign_of_stops_by_hand_typed_sql_on_three_servers_of_postgres() {
    run(Place::postgres(), 3, &BY_HAND);
}
