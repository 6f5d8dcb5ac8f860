//! Kills at random moments of joins and of settlements.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::campaign::{Asked, Bet, Book, Connection, Crowd, Heard, Outcomes, Player, Random, count};
use crate::fleet::{Fleet, move_clock};
use crate::harness::{Place, Prices, START_MS, Server};

/// From one cycle to the next: what was joined at its start has ended by then.
const CYCLE_MS: i64 = 480_000;
const LENGTH_MS: i64 = 360_000;
/// Players at each server.
const PLAYERS: usize = 6;
/// Random kills of the short form.
const KILLS: u64 = 6;

/// A campaign on one database.
struct Campaign {
    place: Place,
    prices: Prices,
    outcomes: Outcomes,
    random: Random,
    fleet: Fleet,
    size: usize,
    /// Where the clock stands: the start of a round.
    now_ms: i64,
    cycle: u64,
    /// Every join that was acknowledged.
    accepted: Vec<Bet>,
    tally: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Joining,
    Settling { takes: Duration },
}

impl Campaign {
    fn start(place: Place, size: usize) -> Campaign {
        let prices = Prices::start();
        let fleet = Fleet::start(&place, &prices, size);
        let random = Random::of_campaign();
        let (outcomes, accepted, tally) = (Outcomes::default(), Vec::new(), BTreeMap::new());
        Campaign { place, prices, outcomes, random, fleet, size, now_ms: START_MS, cycle: 0, accepted, tally }
    }

    /// Players join; a kill at `moment`; the dead come back; what was acknowledged stands, and all that is due is
    /// settled.
    fn kill(&mut self, moment: Moment) {
        let next_ms = self.now_ms + CYCLE_MS;
        let starts = [self.now_ms, self.now_ms + LENGTH_MS, next_ms];
        for start_ms in starts {
            self.outcomes.publish(&self.prices, start_ms, &mut self.random);
        }
        let [.., settled_before] = Book::of(&self.place).rounds_by_state();
        let crowd = self.crowd(starts);
        crowd.wait_for(1 + self.random.below(200));
        let base = self.fleet.any(&mut self.random).base().to_owned();
        let (moving, takes) = match moment {
            Moment::Joining => (None, Duration::from_millis(10)),
            Moment::Settling { takes } => {
                (Some(std::thread::spawn(move || move_clock(&base, next_ms))), takes)
            }
        };
        std::thread::sleep(self.random.shorter_than(takes));
        self.fleet.kill(&mut self.random);
        let asked = crowd.stop();
        if let Some(moving) = moving {
            // A server that lives moves the clock to the end; one that was killed answers nothing.
            assert!(matches!(moving.join().unwrap(), None | Some(200)));
        }
        self.look(moment, settled_before);
        self.fleet.restore(self.size);
        self.account(asked);
        self.settle(next_ms);
    }

    /// An undisturbed cycle; says how long its settlement took.
    fn measure(&mut self) -> Duration {
        let next_ms = self.now_ms + CYCLE_MS;
        self.outcomes.publish(&self.prices, self.now_ms, &mut self.random);
        let crowd = self.crowd([self.now_ms; 3]);
        crowd.wait_for(200);
        let asked = crowd.stop();
        self.account(asked);
        let began = Instant::now();
        self.settle(next_ms);
        began.elapsed()
    }

    /// Players at every server, each at the first of these rounds until the clock has passed it.
    fn crowd(&mut self, starts: [i64; 3]) -> Crowd {
        self.cycle += 1;
        let places: Vec<(usize, String)> = self
            .fleet
            .bases()
            .into_iter()
            .flat_map(|base| std::iter::repeat_n(base, PLAYERS))
            .enumerate()
            .collect();
        Crowd::start(places.into_iter().map(|(place, base)| {
            let (cycle, mut random, mut number, mut at) = (self.cycle, self.random.part(), 0, 0);
            let player: Player = Box::new(move |heard| {
                if matches!(heard, Some(Heard::Refused(..))) {
                    at = (at + 1) % starts.len();
                }
                number += 1;
                Bet::any(format!("{cycle}-{place}-{number}"), starts[at], &mut random)
            });
            (base, player)
        }))
    }

    /// Sends everything again: what was acknowledged is known, and what was not heard of is known, made now, or too
    /// late, which says that it is not there.
    fn account(&mut self, asked: Vec<Asked>) {
        let bases = self.fleet.bases();
        let mut connections: Vec<Connection> =
            bases.iter().map(|base| Connection::open(base).unwrap()).collect();
        for (index, Asked { bet, heard, .. }) in asked.into_iter().enumerate() {
            let connection = &mut connections[index % bases.len()];
            let again = match &heard {
                Heard::Refused(status, code) => {
                    assert_eq!((*status, &**code), (400, "outside_open_window"), "{bet:?}");
                    continue;
                }
                Heard::Known => panic!("known before it was sent: {bet:?}"),
                Heard::Created | Heard::Nothing => connection.join(&bet),
            };
            let fate = match (heard, again) {
                (Heard::Created, Heard::Known) => "acknowledged",
                (Heard::Created, again) => panic!("acknowledged and lost: {bet:?}, {again:?}"),
                (_, Heard::Known) => "not heard of, there",
                (_, Heard::Created) => "not heard of, not there",
                (_, Heard::Refused(400, code)) if code == "outside_open_window" => {
                    *self.tally.entry("not heard of, too late").or_default() += 1;
                    continue;
                }
                (_, again) => panic!("{bet:?}: {again:?}"),
            };
            *self.tally.entry(fate).or_default() += 1;
            self.accepted.push(bet);
        }
    }

    /// Moves the clock to the end of the cycle and compares the whole book.
    fn settle(&mut self, next_ms: i64) {
        self.fleet.any(&mut self.random).move_clock(next_ms);
        self.now_ms = next_ms;
        let book = Book::of(&self.place);
        book.check_sums_and_audit();
        let snapshot = book.snapshot();
        snapshot.check_entries(&self.accepted);
        snapshot.check_settled(&self.outcomes, next_ms);
    }

    /// What a kill left: half of the time it is looked at before a server comes back, else the server finds it.
    fn look(&mut self, moment: Moment, settled_before: usize) {
        if self.random.below(2) == 0 {
            return;
        }
        let book = Book::of(&self.place);
        book.check_sums_and_audit();
        book.snapshot().check_consistent();
        let found = match (moment, book.rounds_by_state()) {
            (Moment::Joining, _) => "killed among joins",
            (Moment::Settling { .. }, [_, 0, settled]) if settled > settled_before => {
                "killed after the payout"
            }
            (Moment::Settling { .. }, [_, 0, _]) => "killed before the plan",
            (Moment::Settling { .. }, _) => "killed between plan and payout",
        };
        *self.tally.entry(found).or_default() += 1;
    }

    /// Settles what is left and compares what the players see.
    fn finish(mut self) {
        self.settle(self.now_ms + CYCLE_MS);
        let paid = Book::of(&self.place).snapshot().paid(&self.outcomes);
        assert_eq!(paid.len(), self.accepted.len());
        let mut seen = BTreeMap::new();
        let server = self.fleet.any(&mut self.random);
        let mut players: Vec<u64> = self.accepted.iter().map(|bet| bet.player).collect();
        players.sort_unstable();
        players.dedup();
        for player in players {
            let results = all_results(server, player);
            for (id, cents) in results {
                assert_eq!(seen.insert(id.clone(), cents), None, "{id} is shown twice");
            }
        }
        assert!(seen == paid, "the results are not what the book says");
        println!("{} entries in {} rounds; {:?}", paid.len(), self.cycle * 6, self.tally);
    }
}

/// Every entry of a player with its payout in cents, page by page; all of them are final.
fn all_results(server: &Server, player: u64) -> Vec<(String, u128)> {
    let address = crate::harness::wallet(player);
    let mut found = Vec::new();
    loop {
        let path = format!("/api/sim/results?wallet={address}&limit=200&offset={}", found.len());
        let page = server.get(&path).expect(200)["rounds"].as_array().unwrap().clone();
        for entry in &page {
            assert_ne!(entry["status"], "PENDING", "{entry}");
            let cents = u128::from(entry["payoutLamports"].as_u64().unwrap());
            found.push((entry["entrySignature"].as_str().unwrap().to_owned(), cents));
        }
        if page.is_empty() {
            return found;
        }
    }
}

/// Every other kill falls into joins, the rest into settlements.
fn run(place: Place, servers: usize) {
    let mut campaign = Campaign::start(place, servers);
    let takes = campaign.measure();
    for number in 0..count("BURSAR_CAMPAIGN_KILLS", KILLS) {
        campaign.kill(if number % 2 == 0 { Moment::Settling { takes } } else { Moment::Joining });
    }
    campaign.finish();
}

#[test]
fn campaign_of_kills_loses_no_acknowledged_join_and_settles_each_round_once_embedded() {
    run(Place::sqlite(), 1);
}

#[test]
fn campaign_of_kills_loses_no_acknowledged_join_and_settles_each_round_once_on_postgres() {
    run(Place::postgres(), 1);
}

#[test]
fn campaign_of_kills_of_two_servers_loses_no_acknowledged_join_and_settles_each_round_once() {
    run(Place::postgres(), 2);
}
