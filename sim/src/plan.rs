//! What one seed's world is like: its size, and which kinds of trouble it has.

use bursar_rounds::timing::CYCLE_MS;

use crate::broken::Bug;
use crate::random::Random;
use crate::scenario::{Room, Scenario, Simpler};

/// Simulated time with faults: one hour.
pub const TROUBLE_MS: i64 = 3_600_000;
/// Longest time after it in which everything must come to rest: clocks may have run 20 minutes ahead, a price may be
/// missing for 15 minutes more, and the last round ends 6 minutes after it began.
pub const CALM_MAX_MS: i64 = 45 * 60_000;

/// What an hour's load is kept above; no seed may have less than 200.
const COMMANDS_PER_HOUR: i64 = 240;
const ORIGIN_MS: i64 = 1_700_000_040_000;

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// A step of a transaction fails or takes long, or its node dies there.
    StoreStep,
    /// A write or sync of the disk fails or tears, or everything dies there.
    DiskStep,
    /// The disk is full for a while.
    FullDisk,
    /// A node dies between two of its steps.
    NodeKill,
    /// All nodes die, or the power goes.
    MachineCrash,
    /// A node's clock is set forward or back, or drifts, for moments or minutes.
    Clock,
    /// Something that nodes ask outside fails for a while.
    Outside,
    /// Everything is stopped in order and started again.
    Maintenance,
    /// A backup is made, or the last one restored.
    Restore,
}

const STRIKES: [Strike; 9] = [
    Strike::StoreStep,
    Strike::DiskStep,
    Strike::FullDisk,
    Strike::NodeKill,
    Strike::MachineCrash,
    Strike::Clock,
    Strike::Outside,
    Strike::Maintenance,
    Strike::Restore,
];

/// The rooms of a world. The faucet stands alone: the other rooms owe by rules of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rooms {
    /// Rounds are played.
    pub rounds: bool,
    /// Payouts are made that somebody asked for.
    pub payouts: bool,
    /// Kills earn.
    pub faucet: bool,
}

impl Rooms {
    const NONE: Rooms = Rooms { rounds: false, payouts: false, faucet: false };
    /// Rounds alone.
    pub const ROUNDS: Rooms = Rooms { rounds: true, ..Rooms::NONE };
    /// Payouts alone.
    pub const PAYOUTS: Rooms = Rooms { payouts: true, ..Rooms::NONE };
    /// The faucet alone.
    pub const FAUCET: Rooms = Rooms { faucet: true, ..Rooms::NONE };
    /// Rounds and payouts beside each other.
    pub const BOTH: Rooms = Rooms { rounds: true, payouts: true, ..Rooms::NONE };
}

/// The room of a planted bug, the one that is asked for, or what the seed draws; a draw is made in any case, so that what
/// is drawn after it stays the same.
fn rooms_of(scenario: &Scenario, random: &mut Random) -> Rooms {
    let drawn = *random.pick(&[Rooms::ROUNDS, Rooms::PAYOUTS, Rooms::BOTH, Rooms::FAUCET]);
    match scenario.bug.map(Bug::room).or(scenario.room) {
        Some(Room::Rounds) => Rooms::ROUNDS,
        Some(Room::Payouts) => Rooms::PAYOUTS,
        Some(Room::Faucet) => Rooms::FAUCET,
        None => drawn,
    }
}

/// One seed's world.
#[derive(Clone, Debug)]
pub struct Plan {
    /// When it begins, Unix ms.
    pub start_ms: i64,
    /// Serving nodes.
    pub nodes: usize,
    /// What stands in it.
    pub rooms: Rooms,
    /// Kinds of trouble, drawn anew for each seed so that each gets its turn without the others.
    pub strikes: Vec<Strike>,
    /// Mean time between two troubles, ms.
    pub strike_gap_ms: i64,
    /// Requests or answers lost on the network, of 1,000.
    pub network_loss_of_1000: u64,
}

impl Plan {
    /// The world of a scenario.
    pub fn of(scenario: &Scenario) -> Plan {
        let mut random = Random::of(scenario.seed, "plan");
        let mut strikes: Vec<Strike> = STRIKES.iter().copied().filter(|_| random.chance(2, 3)).collect();
        if !strikes.iter().any(|strike| matches!(strike, Strike::StoreStep | Strike::DiskStep)) {
            strikes.push(Strike::StoreStep);
        }
        let mut plan = Plan {
            start_ms: ORIGIN_MS + CYCLE_MS * random.between(0, 10_000) + random.between(0, CYCLE_MS - 1),
            nodes: usize::try_from(random.between(1, 3)).expect("a few"),
            strikes,
            rooms: rooms_of(scenario, &mut random),
            strike_gap_ms: random.between(40_000, 120_000),
            network_loss_of_1000: random.below(80),
        };
        if scenario.omitted.options.contains(&Simpler::OneNode) {
            plan.nodes = 1;
        }
        if scenario.omitted.options.contains(&Simpler::CalmNetwork) {
            plan.network_loss_of_1000 = 0;
        }
        plan
    }

    /// Mean time between the bursts of one room's load, ms, so long after the start and so many commands: rooms that
    /// stand in one world share its load, and whoever is behind what an hour must have makes haste.
    pub fn burst_gap_ms(&self, alone_ms: i64, passed_ms: i64, commands: u64) -> i64 {
        let gap_ms = if self.rooms == Rooms::BOTH { alone_ms * 2 } else { alone_ms };
        let due = passed_ms.clamp(0, TROUBLE_MS) * COMMANDS_PER_HOUR / TROUBLE_MS;
        if i64::try_from(commands).is_ok_and(|commands| commands < due) { gap_ms / 4 } else { gap_ms }
    }

    /// A world in which nothing goes wrong by itself, for scenarios that say what does.
    #[cfg(test)]
    pub fn calm(nodes: usize, rooms: Rooms) -> Plan {
        let strikes = vec![Strike::StoreStep];
        Plan { start_ms: ORIGIN_MS, nodes, rooms, strikes, strike_gap_ms: 60_000, network_loss_of_1000: 0 }
    }
}
