//! Players that keep joining, each on a connection of its own, until they are told to stop or their server is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use super::{Bet, Connection, Heard, wait_until};

/// One join and what came of it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub bet: Bet,
    pub began: Instant,
    pub ended: Instant,
    pub heard: Heard,
}

/// Where a player joins.
pub struct Seat {
    /// At this server.
    pub base: String,
    /// Every eighth time at this one too, with the same join at the same time.
    pub twin: Option<String>,
}

impl From<String> for Seat {
    fn from(base: String) -> Seat {
        Seat { base, twin: None }
    }
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
    pub fn start(players: impl IntoIterator<Item = (impl Into<Seat>, Player)>) -> Crowd {
        Crowd::start_with_encores(0, players)
    }

    /// The same; each player joins so many times more after it was told to stop.
    pub fn start_with_encores(
        encores: usize,
        players: impl IntoIterator<Item = (impl Into<Seat>, Player)>,
    ) -> Crowd {
        let (created, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let players = players.into_iter().map(|(seat, player)| {
            let (created, is_over, seat) = (Arc::clone(&created), Arc::clone(&is_over), seat.into());
            std::thread::spawn(move || play(&seat, player, encores, &created, &is_over))
        });
        let players = players.collect();
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

fn play(
    seat: &Seat,
    mut player: Player,
    mut encores: usize,
    created: &AtomicU64,
    is_over: &AtomicBool,
) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    let Some(mut connection) = Connection::open(&seat.base) else { return asked };
    let mut twin = seat.twin.as_deref().and_then(Connection::open);
    loop {
        if is_over.load(Ordering::SeqCst) {
            match encores.checked_sub(1) {
                Some(left) => encores = left,
                None => return asked,
            }
        }
        let bet = player(asked.last().map(|asked| &asked.heard));
        let began = Instant::now();
        let heard = match twin.as_mut().filter(|_| asked.len() % 8 == 7) {
            Some(twin) => join_twice(&mut connection, twin, &bet),
            None => connection.join(&bet),
        };
        created.fetch_add(u64::from(heard == Heard::Created), Ordering::SeqCst);
        let is_gone = heard == Heard::Nothing;
        asked.push(Asked { bet, began, ended: Instant::now(), heard });
        if is_gone {
            return asked;
        }
    }
}

/// Of two servers that are asked for the same join at once, at most one makes it.
fn join_twice(one: &mut Connection, other: &mut Connection, bet: &Bet) -> Heard {
    one.send_join(bet);
    other.send_join(bet);
    match (one.hear_join(), other.hear_join()) {
        (Heard::Created, Heard::Known) | (Heard::Known, Heard::Created) => Heard::Created,
        // Refused before its round opened, accepted after.
        (Heard::Created, Heard::Refused(..)) | (Heard::Refused(..), Heard::Created) => Heard::Created,
        (Heard::Refused(status, code), Heard::Refused(..)) => Heard::Refused(status, code),
        (one, other) => panic!("{bet:?} at two servers: {one:?} and {other:?}"),
    }
}
