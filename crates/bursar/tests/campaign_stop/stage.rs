//! Where stops are tried: servers of one database, players at each of them, and everything acknowledged so far.

use std::time::Instant;

use crate::campaign::{Asked, Bet, Book, Crowd, Heard, Player, Random};
use crate::harness::{Place, Prices, START_MS, Server, Setup, Tool};

/// Players at each server.
const PLAYERS: usize = 4;
/// Joins of each player after the stop is known to have been set.
const ENCORES: usize = 2;

/// Servers whose clock stands still in an open round.
pub struct Stage {
    pub place: Place,
    pub servers: Vec<Server>,
    pub tool: Tool,
    pub book: Book,
    pub random: Random,
    /// Joins acknowledged so far.
    pub created: u64,
    trials: u64,
}

impl Stage {
    /// Starts `size` servers in this way.
    pub fn start(place: Place, setup: &Setup, size: usize) -> Stage {
        let servers: Vec<Server> = (0..size).map(|_| setup.start()).collect();
        let (tool, book) = (Tool::of(setup), Book::of(&place));
        Stage { place, servers, tool, book, random: Random::of_campaign(), created: 0, trials: 0 }
    }

    /// Players that join until they are told that joins are stopped, and a few times more.
    pub fn crowd(&mut self) -> Crowd {
        self.trials += 1;
        let players: Vec<(String, Player)> = (0..self.servers.len() * PLAYERS)
            .map(|place| {
                let (trial, mut random, mut number) = (self.trials, self.random.part(), 0);
                let player: Player = Box::new(move |_| {
                    number += 1;
                    Bet::any(format!("{trial}-{place}-{number}"), START_MS, &mut random)
                });
                (self.servers[place % self.servers.len()].base().to_owned(), player)
            })
            .collect();
        Crowd::start_with_encores(ENCORES, players)
    }

    /// What the players saw of a stop that was asked for at `asking` and set at `set`: before it every join is made,
    /// after it none, and each that is made counts.
    #[track_caller]
    pub fn account(&mut self, asked: Vec<Asked>, asking: Instant, set: Instant) {
        for Asked { bet, began, ended, heard } in asked {
            match heard {
                Heard::Created => {
                    assert!(began <= set, "asked for after the stop, and made: {bet:?}");
                    self.created += 1;
                }
                Heard::Refused(503, code) if code == "joins_paused" => {
                    assert!(ended >= asking, "refused before anybody stopped anything: {bet:?}");
                }
                other => panic!("{bet:?}: {other:?}"),
            }
        }
    }

    /// Lets joins run again, by command.
    #[track_caller]
    pub fn resume(&self) {
        assert_eq!(self.tool.json(&["ops", "resume", "joins"])["state"], "running");
    }
}

/// A server on this place, with prices that nobody asks for.
pub fn setup(place: &Place) -> (Prices, Setup) {
    let prices = Prices::start();
    let setup = crate::campaign::setup(place, &prices);
    (prices, setup)
}
