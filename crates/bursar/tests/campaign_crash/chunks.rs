//! Kills between the chunks in which a round is paid out that is too big for one transaction.

use crate::campaign::{Asked, Bet, Book, Crowd, Failpoints, Heard, Outcomes, Player, Random, setup};
use crate::fleet::{Fleet, move_clock};
use crate::harness::{Place, Prices, START_MS};

const END_MS: i64 = START_MS + 360_000;
/// Entries paid out in one transaction.
const CHUNK: usize = 2_048;
/// At least so many joins: two chunks and a part of a third.
const JOINS: u64 = 4_200;
const PLAYERS: usize = 16;

#[test]
fn campaign_of_chunks_payouts_go_on_after_the_last_committed_one_and_none_is_made_twice() {
    Place::for_each_engine(|place| {
        let prices = Prices::start();
        let (failpoints, setup) = Failpoints::beside(place, setup(place, &prices));
        let mut fleet = Fleet::with(setup, 1);
        let (mut random, mut outcomes) = (Random::of_campaign(), Outcomes::default());
        outcomes.decide(&prices, "SOL", START_MS, None);
        let accepted = fill(&fleet, &mut random);
        let book = Book::of(place);

        // The first chunk is let through; the second is killed right before its commit.
        failpoints.arm("rounds.post", "commit");
        kill_at(&mut fleet, &failpoints, "commit", || {
            failpoints.arm("rounds.post", "commit");
            failpoints.release("rounds.post", "commit");
            crate::campaign::wait_until("the first chunk is paid", || book.payouts() == CHUNK);
        });
        assert_eq!(book.payouts(), CHUNK);
        // The second chunk again, killed right after its commit.
        failpoints.arm("rounds.post", "committed");
        kill_at(&mut fleet, &failpoints, "committed", || {});
        assert_eq!(book.payouts(), 2 * CHUNK);
        book.snapshot().check_consistent();

        fleet.any(&mut random).move_clock(END_MS);
        assert_eq!(book.payouts(), accepted.len());
        book.check_sums_and_audit();
        book.snapshot().check_entries(&accepted);
        book.snapshot().check_settled(&outcomes, END_MS);
    });
}

/// Moves the clock until a server stands before `step` of a chunk, does something, and kills it where it stands then.
fn kill_at(fleet: &mut Fleet, failpoints: &Failpoints, step: &str, meanwhile: impl FnOnce()) {
    let base = fleet.bases().remove(0);
    let moving = std::thread::spawn(move || move_clock(&base, END_MS));
    failpoints.wait_until_held("rounds.post", step);
    meanwhile();
    failpoints.wait_until_held("rounds.post", step);
    fleet.kill_all();
    assert_eq!(moving.join().unwrap(), None);
    failpoints.release("rounds.post", step);
    fleet.restore(1);
}

/// Players of one market until there are enough entries; all that were acknowledged.
fn fill(fleet: &Fleet, random: &mut Random) -> Vec<Bet> {
    let base = fleet.bases().remove(0);
    let crowd = Crowd::start((0..PLAYERS).map(|place| {
        let (mut random, mut number) = (random.part(), 0);
        let player: Player = Box::new(move |_| {
            number += 1;
            let bet = Bet::any(format!("{place}-{number}"), START_MS, &mut random);
            Bet { market: "SOL", is_up: random.below(2) == 0, ..bet }
        });
        (base.clone(), player)
    }));
    crowd.wait_for(JOINS);
    let asked = crowd.stop();
    assert!(asked.iter().all(|Asked { heard, .. }| *heard == Heard::Created));
    asked.into_iter().map(|asked| asked.bet).collect()
}
