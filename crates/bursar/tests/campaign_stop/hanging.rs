//! Stops while the embedded server hangs with the write lock in its hands (docs/spec/platform.md V7).

use std::process::Command;
use std::time::{Duration, Instant};

use bursar_control::{ControlFile, RecordedStop};
use bursar_store::clock::machine_time;

use crate::campaign::{Bet, Connection, Failpoints, Heard, count, wait_until};
use crate::harness::{Join, Output, Place, START_MS, Server};
use crate::stage::{Stage, setup};

/// Servers held at a known step, in the short form; each stop waits 3 s for the lock.
const HELD: u64 = 2;
/// Servers frozen at a random moment, in the short form.
const FROZEN: u64 = 24;
/// Of these every so manieth is stopped by the command, which waits; the others by what the command does first.
const BY_COMMAND: u64 = 8;
/// The longest that a stop may take whose server hangs: 3 s of waiting, and a process to start.
const STOP_MAX: Duration = Duration::from_secs(8);
const UNIT: &str = "rounds.join";

/// A process that stands still, as one does whose disk or machine hangs.
struct Frozen<'a>(&'a Server);

impl Frozen<'_> {
    fn freeze(server: &Server) -> Frozen<'_> {
        signal(server, "-STOP");
        let status = format!("/proc/{}/stat", server.pid());
        let is_stopped =
            || std::fs::read_to_string(&status).unwrap().rsplit(')').next().unwrap().starts_with(" T");
        wait_until("the server stands still", is_stopped);
        Frozen(server)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        signal(self.0, "-CONT");
    }
}

fn signal(server: &Server, name: &str) {
    assert!(Command::new("kill").args([name, &server.pid().to_string()]).status().unwrap().success());
}

/// `bursar ops pause joins`, which must not wait for ever.
#[track_caller]
pub fn pause(stage: &Stage) -> Output {
    let began = Instant::now();
    let output = stage.tool.run(&["ops", "pause", "joins", "--reason", "campaign"]);
    assert_eq!(output.status, 0, "{output:?}");
    assert!(began.elapsed() < STOP_MAX, "the stop took {:?}", began.elapsed());
    output
}

/// The stop is recorded, and the command names the process that it waits for.
#[track_caller]
fn check_recorded(output: &Output, server: &Server) {
    let answer = output.json();
    assert_eq!(
        (&answer["state"], &answer["waitingFor"]),
        (&"recorded".into(), &server.pid().into()),
        "{output:?}"
    );
    assert!(output.stderr.contains(&format!("waiting for process {}", server.pid())), "{output:?}");
}

/// The server turns the recorded stop into its row by itself, and the stop stays.
#[track_caller]
fn check_adopted(stage: &Stage) {
    let file = stage.place.file().with_extension("db.control");
    wait_until("the stop is a row", || stage.book.joins_switch() == "on" && !file.exists());
    assert_eq!(Join::new("late").send(&stage.servers[0]).expect_code(503), "joins_paused");
}

/// Players join; the server hangs before `step` of a batch of joins with the lock in its hands; joins are stopped; the
/// server goes on. Says how many entries were made after the stop was recorded.
fn hold_and_stop(stage: &mut Stage, failpoints: &Failpoints, step: &str) -> i64 {
    let crowd = stage.crowd();
    crowd.wait_for(1 + stage.random.below(40));
    failpoints.arm(UNIT, step);
    failpoints.wait_until_held(UNIT, step);
    let (asking, newest) = (Instant::now(), stage.book.newest_entry());
    let set = {
        let server = &stage.servers[0];
        let _frozen = Frozen::freeze(server);
        check_recorded(&pause(stage), server);
        Instant::now()
    };
    failpoints.release(UNIT, step);
    stage.account(crowd.stop(), asking, set);
    let made = stage.book.newest_entry() - newest;
    assert_eq!(stage.book.batches_after(newest), usize::from(made > 0), "batches after the stop");
    check_adopted(stage);
    assert_eq!(u64::try_from(newest + made).unwrap(), stage.created);
    stage.resume();
    made
}

#[test]
fn campaign_of_hanging_servers_a_batch_that_has_not_reached_its_commit_makes_no_join_after_a_recorded_stop() {
    let place = Place::sqlite();
    let (_prices, setup) = setup(&place);
    let (failpoints, setup) = Failpoints::beside(&place, setup);
    let mut stage = Stage::start(place, &setup, 1);
    for _ in 0..count("BURSAR_CAMPAIGN_STOPS", HELD).min(60) {
        assert_eq!(hold_and_stop(&mut stage, &failpoints, "statement"), 0);
    }
    stage.book.check_sums_and_audit();
}

#[test]
fn campaign_of_hanging_servers_only_the_batch_that_is_committing_outlives_a_recorded_stop() {
    let place = Place::sqlite();
    let (_prices, setup) = setup(&place);
    let (failpoints, setup) = Failpoints::beside(&place, setup);
    let mut stage = Stage::start(place, &setup, 1);
    for _ in 0..count("BURSAR_CAMPAIGN_STOPS", HELD).min(60) {
        assert!(hold_and_stop(&mut stage, &failpoints, "commit") > 0);
    }
    stage.book.check_sums_and_audit();
}

#[test]
fn campaign_of_hanging_servers_a_recorded_stop_binds_the_server_that_comes_after_a_kill() {
    let place = Place::sqlite();
    let (_prices, setup) = setup(&place);
    let (failpoints, setup) = Failpoints::beside(&place, setup);
    let mut stage = Stage::start(place, &setup, 1);
    let bet = Bet::any("asked-before".to_owned(), START_MS, &mut stage.random);
    let mut connection = Connection::open(stage.servers[0].base()).unwrap();
    failpoints.arm(UNIT, "statement");
    connection.send_join(&bet);
    failpoints.wait_until_held(UNIT, "statement");
    let server = stage.servers.remove(0);
    let frozen = Frozen::freeze(&server);
    check_recorded(&pause(&stage), &server);
    std::mem::forget(frozen);
    server.kill();
    assert_eq!(connection.hear_join(), Heard::Nothing);
    failpoints.release(UNIT, "statement");

    stage.servers.push(setup.start());
    assert_eq!(Join::new("asked-after").send(&stage.servers[0]).expect_code(503), "joins_paused");
    check_adopted(&stage);
    stage.resume();
    assert_eq!(Connection::open(stage.servers[0].base()).unwrap().join(&bet), Heard::Created);
    stage.book.check_sums_and_audit();
}

/// What the command does first, and all that binds a server that hangs.
pub fn record(stage: &Stage) {
    let [desk, key, actor, reason] = ["rounds", "pause_joins", "cli:campaign", "campaign"].map(str::to_owned);
    let at_ms = machine_time().ms();
    ControlFile::beside(&stage.place.file())
        .record(&[RecordedStop { desk, key, actor, reason, at_ms, expires_at_ms: None }])
        .unwrap();
}

#[test]
fn campaign_of_frozen_servers_at_most_the_batch_that_is_committing_outlives_a_recorded_stop() {
    let place = Place::sqlite();
    let (_prices, setup) = setup(&place);
    let mut stage = Stage::start(place, &setup, 1);
    let [mut recorded, mut outlived] = [0, 0];
    let trials = count("BURSAR_CAMPAIGN_STOPS", FROZEN);
    for trial in 0..trials {
        let crowd = stage.crowd();
        crowd.wait_for(1 + stage.random.below(40));
        std::thread::sleep(stage.random.shorter_than(Duration::from_millis(10)));
        let frozen = Frozen::freeze(&stage.servers[0]);
        let (asking, newest) = (Instant::now(), stage.book.newest_entry());
        let mut batches_max = 1;
        if trial % BY_COMMAND == 0 {
            let output = pause(&stage);
            if output.json()["state"] == "binding" {
                // The row is set, so the frozen server did not have the lock, and its batch will see the row.
                batches_max = 0;
            } else {
                check_recorded(&output, &stage.servers[0]);
                recorded += 1;
            }
        } else {
            record(&stage);
        }
        let set = Instant::now();
        drop(frozen);
        stage.account(crowd.stop(), asking, set);
        let batches = stage.book.batches_after(newest);
        assert!(batches <= batches_max, "{batches} batches with joins outlived the stop");
        outlived += batches;
        assert_eq!(u64::try_from(stage.book.newest_entry()).unwrap(), stage.created);
        if trial % 4 == 1 {
            check_adopted(&stage);
        }
        stage.resume();
    }
    stage.book.check_sums_and_audit();
    println!("{trials} frozen servers, {recorded} commands had to wait, {outlived} batches were committing");
}
