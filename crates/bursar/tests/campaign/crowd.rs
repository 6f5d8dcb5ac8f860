//! Players that keep joining, each on a connection of its own, until they are told to stop or their server is gone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use super::{Bet, Connection, Heard, wait_until};

/// One join and what came of it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub bet: Bet,
    pub began: Instant,
    pub heard: Heard,
}

/// What a player does next, knowing what came of the last join.
pub type Player = Box<dyn FnMut(Option<&Heard>) -> Bet + Send>;

/// The players of one stretch of a campaign.
pub struct Crowd {
    players: Vec<JoinHandle<Vec<Asked>>>,
    created: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

impl Crowd {
    /// Lets each player join at its server.
    pub fn start(players: impl IntoIterator<Item = (String, Player)>) -> Crowd {
        let (created, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let start = |(base, player): (String, Player)| {
            let (created, is_over) = (Arc::clone(&created), Arc::clone(&is_over));
            std::thread::spawn(move || play(&base, player, &created, &is_over))
        };
        let players = players.into_iter().map(start).collect();
        Crowd { players, created, is_over }
    }

    /// Waits until this many joins were acknowledged.
    #[track_caller]
    pub fn wait_for(&self, joins: u64) {
        wait_until("enough joins", || self.created.load(Ordering::SeqCst) >= joins);
    }

    /// Tells the players to stop and hears what they did.
    pub fn stop(self) -> Vec<Asked> {
        self.is_over.store(true, Ordering::SeqCst);
        self.players.into_iter().flat_map(|player| player.join().expect("a player")).collect()
    }
}

fn play(base: &str, mut player: Player, created: &AtomicU64, is_over: &AtomicBool) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    let Some(mut connection) = Connection::open(base) else { return asked };
    while !is_over.load(Ordering::SeqCst) {
        let bet = player(asked.last().map(|asked| &asked.heard));
        let began = Instant::now();
        let heard = connection.join(&bet);
        created.fetch_add(u64::from(heard == Heard::Created), Ordering::SeqCst);
        let is_gone = heard == Heard::Nothing;
        asked.push(Asked { bet, began, heard });
        if is_gone {
            break;
        }
    }
    asked
}
