//! Three servers on one PostgreSQL that join and settle at the same time.

use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::campaign::{Bet, Book, Connection, Crowd, Heard, Outcomes, Player, Random, Seat, setup};
use crate::fleet::Fleet;
use crate::harness::{Place, Prices, START_MS};

const SLOT_MS: i64 = 120_000;
const LENGTH_MS: i64 = 360_000;
const SERVERS: usize = 3;
const PLAYERS: usize = 4;
/// How many rounds of each market are played.
const ROUNDS: i64 = 20;
const KEY: &str = "x-sim-settle-key: soak\r\n";

#[test]
fn campaign_of_three_servers_settles_each_round_once_and_totals_are_what_was_acknowledged() {
    let (place, prices) = (Place::postgres(), Prices::start());
    let setup = setup(&place, &prices)
        .env("SIM_SETTLE_API_KEY", "soak")
        .env("PANCHO_RL_SIM_SETTLE_IP_LIMIT", "1000000");
    let fleet = Fleet::with(setup, SERVERS);
    let (mut random, mut outcomes) = (Random::of_campaign(), Outcomes::default());
    for round in 0..ROUNDS + 4 {
        outcomes.publish(&prices, START_MS + round * SLOT_MS, &mut random);
    }
    let now_ms = Arc::new(AtomicI64::new(START_MS));
    let crowd = crowd(&fleet, &mut random, &now_ms);
    for round in 1..=ROUNDS {
        crowd.wait_for(u64::try_from(round).unwrap() * 150);
        // The new time is known to the players first, so that some joins come too early and some too late.
        now_ms.store(START_MS + round * SLOT_MS, Ordering::SeqCst);
        settle_everywhere(&fleet, START_MS + round * SLOT_MS);
        if round % 5 == 0 {
            // In the middle of everything.
            let book = Book::of(&place);
            book.check_sums_and_audit();
            book.snapshot().check_consistent();
        }
    }
    let asked = crowd.stop();
    let end_ms = START_MS + ROUNDS * SLOT_MS + LENGTH_MS;
    settle_everywhere(&fleet, end_ms);

    let mut accepted: Vec<Bet> = Vec::new();
    for asked in asked {
        match asked.heard {
            Heard::Created => accepted.push(asked.bet),
            Heard::Refused(400, code) if code == "outside_open_window" => {}
            other => panic!("{:?}: {other:?}", asked.bet),
        }
    }
    let book = Book::of(&place);
    book.check_sums_and_audit();
    book.snapshot().check_entries(&accepted);
    book.snapshot().check_settled(&outcomes, end_ms);
    let cents: i64 = accepted.iter().map(|bet| bet.bucks * 100).sum();
    println!("{} entries of {cents} cents in {} rounds", accepted.len(), book.snapshot().settled_count());
}

/// Players of the round that is open by the time that was last told, each with a twin at the next server.
fn crowd(fleet: &Fleet, random: &mut Random, now_ms: &Arc<AtomicI64>) -> Crowd {
    let bases = fleet.bases();
    Crowd::start((0..SERVERS * PLAYERS).map(|place| {
        let [base, twin] = [place, place + 1].map(|place| bases[place % SERVERS].clone());
        let (mut random, now_ms, mut number) = (random.part(), Arc::clone(now_ms), 0);
        let player: Player = Box::new(move |_| {
            number += 1;
            Bet::any(format!("{place}-{number}"), now_ms.load(Ordering::SeqCst), &mut random)
        });
        (Seat { base, twin: Some(twin) }, player)
    }))
}

/// Moves the clock on all servers at once, and calls the settlement route on all of them at once.
fn settle_everywhere(fleet: &Fleet, now_ms: i64) {
    let bases = fleet.bases();
    let together = Barrier::new(2 * bases.len());
    std::thread::scope(|threads| {
        for base in &bases {
            let together = &together;
            threads.spawn(move || {
                let mut connection = Connection::open(base).unwrap();
                together.wait();
                let body = format!("{{\"nowMs\":{now_ms}}}");
                let (status, text) = connection.post("/dev/clock", "", &body).unwrap();
                assert_eq!(status, 200, "{text}");
            });
            threads.spawn(move || {
                let mut connection = Connection::open(base).unwrap();
                together.wait();
                let (status, text) = connection.post("/api/sim/settle", KEY, "{}").unwrap();
                assert_eq!(status, 200, "{text}");
            });
        }
    });
}
