//! A kill at each step of each unit of work, where it is known beforehand what must have been lost and what not.

use crate::campaign::{Bet, Book, Connection, Failpoints, Heard, Outcomes, Random, STEPS, count, setup};
use crate::fleet::{Fleet, move_clock};
use crate::harness::{Place, Prices, START_MS};

const END_MS: i64 = START_MS + 360_000;
/// What settling a round goes through, in order.
const SETTLING: [&str; 5] =
    ["desk.move_clock", "desk.job_begin", "rounds.freeze", "rounds.post", "desk.job_end"];
/// Entries of each cycle, over all markets.
const ENTRIES: u64 = 24;

#[test]
fn campaign_of_steps_a_join_is_there_exactly_when_its_commit_came_before_the_kill() {
    Place::for_each_engine(|place| {
        let prices = Prices::start();
        let (failpoints, setup) = Failpoints::beside(place, setup(place, &prices));
        let mut fleet = Fleet::with(setup, 1);
        let mut random = Random::of_campaign();
        let mut accepted = Vec::new();
        for step in STEPS {
            let bet = Bet::any(format!("join-{step}"), START_MS, &mut random);
            failpoints.arm("rounds.join", step);
            let mut connection = Connection::open(&fleet.bases()[0]).unwrap();
            connection.send_join(&bet);
            failpoints.wait_until_held("rounds.join", step);
            fleet.kill_all();
            assert_eq!(connection.hear_join(), Heard::Nothing, "killed before {step}");
            failpoints.release("rounds.join", step);
            fleet.restore(1);
            let again = Connection::open(&fleet.bases()[0]).unwrap().join(&bet);
            let expected = if step == "committed" { Heard::Known } else { Heard::Created };
            assert_eq!(again, expected, "killed before {step}");
            accepted.push(bet);
        }
        let book = Book::of(place);
        book.check_sums_and_audit();
        book.snapshot().check_entries(&accepted);
        book.snapshot().check_settled(&Outcomes::default(), START_MS);
    });
}

#[test]
fn campaign_of_steps_a_kill_at_each_step_of_settling_settles_each_round_once() {
    Place::for_each_engine(|place| {
        let prices = Prices::start();
        let (failpoints, setup) = Failpoints::beside(place, setup(place, &prices));
        let mut fleet = Fleet::with(setup, 1);
        let (mut random, mut outcomes) = (Random::of_campaign(), Outcomes::default());
        let (mut accepted, mut now_ms) = (Vec::new(), START_MS);
        // On PostgreSQL the lease of a killed server has to run out each time: the long form tries every step there.
        let is_long = place.is_embedded() || count("BURSAR_CAMPAIGN_KILLS", 0) >= 60;
        let steps = if is_long { &STEPS[..] } else { &STEPS[2..] };
        for unit in SETTLING {
            for step in steps.iter().copied() {
                outcomes.publish(&prices, now_ms, &mut random);
                accepted.extend(join_all(&fleet, &format!("{unit}-{step}"), now_ms, &mut random));
                let base = fleet.bases().remove(0);
                now_ms += END_MS - START_MS;
                failpoints.arm(unit, step);
                let moving = std::thread::spawn(move || move_clock(&base, now_ms));
                failpoints.wait_until_held(unit, step);
                fleet.kill_all();
                assert_eq!(moving.join().unwrap(), None, "killed before {step} of {unit}");
                failpoints.release(unit, step);
                fleet.restore(1);
                fleet.any(&mut random).move_clock(now_ms);
                let book = Book::of(place);
                book.check_sums_and_audit();
                book.snapshot().check_entries(&accepted);
                book.snapshot().check_settled(&outcomes, now_ms);
            }
        }
    });
}

/// Entries of all markets.
fn join_all(fleet: &Fleet, name: &str, start_ms: i64, random: &mut Random) -> Vec<Bet> {
    let mut connection = Connection::open(&fleet.bases()[0]).unwrap();
    let join = |number: u64| {
        let bet = Bet::any(format!("{name}-{number}"), start_ms, random);
        assert_eq!(connection.join(&bet), Heard::Created);
        bet
    };
    (0..ENTRIES).map(join).collect()
}
