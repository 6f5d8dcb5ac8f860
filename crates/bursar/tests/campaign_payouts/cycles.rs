//! The campaigns: cycle after cycle a server is killed at a named point, in some weather, and at times everything is
//! brought to rest and proven.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::campaign::{PATIENCE, Random, count};
use crate::harness::Place;
use crate::harness::faucet::RAW_PER_E8;
use crate::points::{self, Occasion, Point};
use crate::rows::BROADCAST;
use crate::stage::{CYCLE_MS, Stage, move_clock, wait_for};
use crate::weather::{Blow, Weather, heal, lose_every_block};

const PLAYERS: u32 = 4;
/// Cycles of the short form on each engine.
const SHORT_EMBEDDED: u64 = 20;
const SHORT_POSTGRES: u64 = 6;
const SHORT_TWO: u64 = 4;
/// Cycles from one proof to the next, at least; of a long campaign it is proven so many times.
const PROOF_EVERY: u64 = 10;
const PROOFS: u64 = 40;
/// A server that stands still so long loses its leases, which last 4 s.
const HANGING: Duration = Duration::from_millis(4_500);

/// A campaign on one database.
struct Campaign {
    stage: Stage,
    random: Random,
    /// How often a server was killed (or hung) at each point.
    hits: BTreeMap<Point, u64>,
    tally: BTreeMap<String, u64>,
    began: Instant,
}

impl Campaign {
    fn start(place: Place, servers: usize) -> Campaign {
        let random = Random::of_campaign();
        let stage = Stage::start(place, servers, PLAYERS);
        Campaign { stage, random, hits: BTreeMap::new(), tally: BTreeMap::new(), began: Instant::now() }
    }

    fn run(mut self, cycles: u64) {
        let proof_every = PROOF_EVERY.max(cycles / PROOFS);
        for cycle in 1..=cycles {
            let (point, occasion) = self.choose();
            self.cycle(point, occasion);
            if cycle % proof_every == 0 {
                let began = Instant::now();
                let payouts = self.stage.prove();
                println!("proven after {cycle} cycles: {payouts} payouts ({:?})", began.elapsed());
            }
        }
        let payouts = self.stage.prove();
        crate::proof::check_verbs(&self.stage.tool());
        self.report(cycles, payouts);
    }

    /// A point at which nobody was killed yet, as long as there is one.
    fn choose(&mut self) -> (Point, Occasion) {
        let all = points::all();
        let fresh: Vec<_> = all.iter().copied().filter(|(point, _)| !self.hits.contains_key(point)).collect();
        let from = if fresh.is_empty() || self.random.below(4) == 0 { &all } else { &fresh };
        self.random.pick(from)
    }

    fn cycle(&mut self, point: Point, occasion: Occasion) {
        let began = Instant::now();
        let weather = self.prepare(occasion);
        let held = match occasion {
            Occasion::Starting => self.stand_in_a_start(point),
            _ => self.stand_in_a_move(point),
        };
        let end = if held { "died there" } else { "nobody came by" };
        println!("{point} in {weather:?}: {end} ({:?})", began.elapsed());
        if held {
            *self.hits.entry(point).or_default() += 1;
        }
        *self.tally.entry(format!("{weather:?}")).or_default() += 1;
        self.stage.restore();
    }

    /// What leads a server to the point, and the weather.
    fn prepare(&mut self, occasion: Occasion) -> Weather {
        for player in 0..self.stage.players.len() {
            if self.random.below(3) > 0 {
                let kills = 1 + self.random.below(20);
                self.stage.play(player, kills);
            }
        }
        match occasion {
            Occasion::Paying | Occasion::Starting => {}
            Occasion::Short => self.owe_more_than_there_is(),
            Occasion::Receiving => self.stage.outside.fund_e8(u128::from(1 + self.random.below(1_000_000))),
            Occasion::Freeing => self.free_a_slot(),
        }
        let node = &self.stage.outside.node;
        if occasion == Occasion::Freeing {
            heal(node);
            return Weather::Calm;
        }
        let weather = Weather::any(&mut self.random);
        weather.begin(node, &mut self.random);
        weather
    }

    /// Somebody earns more than the wallet holds, at the newest rate.
    fn owe_more_than_there_is(&mut self) {
        let rate = self.stage.rows().accruals.last().map_or(10_000_000, |row| row.rate_e8);
        let held = self.stage.outside.operator_balance() / RAW_PER_E8;
        let kills = held * 13 / 10 / u128::try_from(rate).unwrap() + 100;
        let player = self.random.index(self.stage.players.len());
        self.stage.play(player, u64::try_from(kills).unwrap());
    }

    /// Lets a payment be lost on its way, and an operator ask for its slot.
    fn free_a_slot(&mut self) {
        self.stage.come_to_rest();
        self.stage.play(0, 1);
        lose_every_block(&self.stage.outside.node);
        self.stage.pass_ms(2 * CYCLE_MS);
        let rows = self.stage.rows();
        let intent = rows.intents.iter().find(|intent| intent.state == BROADCAST);
        let id =
            intent.unwrap_or_else(|| panic!("nothing under way: {}", rows.what_is_open())).id.to_string();
        let resolve = ["payouts", "resolve", &id, "--free-slot", "--then", "retry", "--reason", "lost"];
        let answer = self.stage.tool().run(&resolve);
        assert_eq!(answer.status, 0, "{answer:?}");
    }

    /// Moves the clock until a server stands at the point, lets something befall the chain, and kills it there, or lets
    /// it hang until others have taken over. Whether one came by.
    fn stand_in_a_move(&mut self, point: Point) -> bool {
        let stage = &self.stage;
        let target = stage.now_ms() + CYCLE_MS;
        stage.failpoints.arm(point.unit, point.step);
        let movers: Vec<_> = stage
            .servers
            .iter()
            .map(|server| {
                let base = server.base().to_owned();
                std::thread::spawn(move || move_clock(&base, target))
            })
            .collect();
        let is_held = || stage.failpoints.is_held(point.unit, point.step);
        let ended =
            wait_for(PATIENCE, || is_held() || movers.iter().all(std::thread::JoinHandle::is_finished));
        let logs =
            || stage.servers.iter().map(crate::harness::Server::log).collect::<Vec<_>>().join("\n---\n");
        assert!(ended, "a move hangs: {}", logs());
        let held = is_held();
        if held {
            self.strike();
        } else if self.random.below(2) == 0 {
            self.stage.kill_all();
        }
        self.stage.failpoints.clear();
        for mover in movers {
            // A server that lives moves the clock to its end, if no dead one's lease is in its way.
            let status = mover.join().unwrap();
            assert!(matches!(status, None | Some(200 | 500)), "{status:?}");
        }
        held
    }

    fn strike(&mut self) {
        let blow = Blow::any(&mut self.random);
        *self.tally.entry(format!("blow {blow:?}")).or_default() += 1;
        let mut rivals = std::collections::BTreeSet::new();
        blow.fall(&self.stage.outside.node, &mut self.random, &mut rivals);
        self.stage.rivals.extend(rivals.iter().map(ToString::to_string));
        let is_alone = self.stage.servers.len() == 1;
        match self.random.below(4) {
            0 if !is_alone => {
                *self.tally.entry("hung".to_owned()).or_default() += 1;
                std::thread::sleep(HANGING);
            }
            1 if !is_alone => {
                *self.tally.entry("one of two killed".to_owned()).or_default() += 1;
                let index = self.random.index(self.stage.servers.len());
                self.stage.kill(index);
            }
            _ => {
                *self.tally.entry("all killed".to_owned()).or_default() += 1;
                self.stage.kill_all();
            }
        }
    }

    /// Kills a server, starts it until it stands at the point, and kills it there.
    fn stand_in_a_start(&mut self, point: Point) -> bool {
        let index = self.random.index(self.stage.servers.len());
        self.stage.kill(index);
        self.stage.failpoints.arm(point.unit, point.step);
        let starting = self.stage.free_setup().spawn();
        let held = wait_for(PATIENCE, || self.stage.failpoints.is_held(point.unit, point.step));
        starting.kill();
        self.stage.failpoints.clear();
        if self.stage.servers.is_empty() {
            self.stage.kill_all();
        }
        held
    }

    fn report(&self, cycles: u64, payouts: usize) {
        let all = points::all();
        let missed: Vec<String> = all
            .iter()
            .filter(|(point, _)| !self.hits.contains_key(point))
            .map(|(point, _)| point.to_string())
            .collect();
        let deaths: u64 = self.hits.values().sum();
        let handed_over = self.stage.customs.seen(|seen| (seen.blocks.len(), seen.handed_over));
        println!(
            "{cycles} cycles in {:?}: stood {deaths} times at {} of {} points; {payouts} payouts; {} blocks left {} times; \
             {:?}",
            self.began.elapsed(),
            self.hits.len(),
            all.len(),
            handed_over.0,
            handed_over.1,
            self.tally
        );
        println!("not reached: {missed:?}");
        // Long enough to come to each point, whatever the weather was.
        if cycles >= 3 * u64::try_from(all.len()).unwrap() {
            assert!(missed.is_empty(), "nobody was killed at {missed:?}");
        }
    }
}

fn run(place: Place, servers: usize, short: u64) {
    Campaign::start(place, servers).run(count("BURSAR_CAMPAIGN_CYCLES", short));
}

#[test]
fn campaign_of_payouts_pays_everything_owed_once_whatever_dies_where_embedded() {
    run(Place::sqlite(), 1, SHORT_EMBEDDED);
}

#[test]
fn campaign_of_payouts_pays_everything_owed_once_whatever_dies_where_on_postgres() {
    run(Place::postgres(), 1, SHORT_POSTGRES);
}

#[test]
fn campaign_of_payouts_of_two_servers_pays_everything_owed_once_whatever_dies_where() {
    run(Place::postgres(), 2, SHORT_TWO);
}
