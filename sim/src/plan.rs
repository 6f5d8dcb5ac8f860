//! What one seed's world is like: its size, its players, and which kinds of trouble it has.

use bursar_rounds::market::Market;
use bursar_rounds::timing::CYCLE_MS;
use bursar_rounds::wallet::Address;

use crate::random::Random;

/// Simulated time with faults: one hour.
pub const TROUBLE_MS: i64 = 3_600_000;
/// Longest time after it in which everything must come to rest: clocks may have run 10 minutes ahead, a price may be
/// missing for 15 minutes more, and the last round ends 6 minutes after it began.
pub const CALM_MAX_MS: i64 = 45 * 60_000;

const ORIGIN_MS: i64 = 1_700_000_040_000;

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// A step of a transaction fails, or its node dies there.
    StoreStep,
    /// A write or sync of the disk fails or tears, or everything dies there.
    DiskStep,
    /// The disk is full for a while.
    FullDisk,
    /// A node dies between two of its steps.
    NodeKill,
    /// All nodes die, or the power goes.
    MachineCrash,
    /// A node's clock is set forward or back, for moments or minutes.
    Clock,
    /// The price service fails for a while.
    Upstream,
    /// Everything is stopped in order and started again.
    Maintenance,
}

const STRIKES: [Strike; 8] = [
    Strike::StoreStep,
    Strike::DiskStep,
    Strike::FullDisk,
    Strike::NodeKill,
    Strike::MachineCrash,
    Strike::Clock,
    Strike::Upstream,
    Strike::Maintenance,
];

/// One seed's world.
#[derive(Clone, Debug)]
pub struct Plan {
    /// When it begins, Unix ms.
    pub start_ms: i64,
    /// Serving nodes.
    pub nodes: usize,
    /// Markets that are played.
    pub markets: Vec<Market>,
    /// Players' wallets.
    pub wallets: Vec<Address>,
    /// Most wishes that come together.
    pub burst_max: u64,
    /// Kinds of trouble, drawn anew for each seed so that each gets its turn without the others.
    pub strikes: Vec<Strike>,
    /// Mean time between two troubles, ms.
    pub strike_gap_ms: i64,
    /// Requests or answers lost on the network, of 1,000.
    pub network_loss_of_1000: u64,
    /// Single price questions that fail, of 100.
    pub upstream_faults_of_100: u64,
    /// Whether operators change settings besides stopping and resuming.
    pub settings_change: bool,
}

impl Plan {
    /// The world of `seed`.
    pub fn of(seed: u64) -> Plan {
        let mut random = Random::of(seed, "plan");
        let mut markets = Market::ALL.to_vec();
        while markets.len() > 3 || (markets.len() > 1 && random.chance(1, 2)) {
            let gone = random.index(markets.len());
            markets.remove(gone);
        }
        let mut strikes: Vec<Strike> = STRIKES.iter().copied().filter(|_| random.chance(2, 3)).collect();
        if !strikes.iter().any(|strike| matches!(strike, Strike::StoreStep | Strike::DiskStep)) {
            strikes.push(Strike::StoreStep);
        }
        let wallets = (0..random.between(4, 16)).map(|_| wallet(&mut random)).collect();
        Plan {
            start_ms: ORIGIN_MS + CYCLE_MS * random.between(0, 10_000) + random.between(0, CYCLE_MS - 1),
            nodes: usize::try_from(random.between(1, 3)).expect("a few"),
            markets,
            wallets,
            burst_max: random.below(12) + 16,
            strikes,
            strike_gap_ms: random.between(40_000, 120_000),
            network_loss_of_1000: random.below(80),
            upstream_faults_of_100: random.below(20),
            settings_change: random.chance(1, 2),
        }
    }
}

fn wallet(random: &mut Random) -> Address {
    let mut bytes = [0; 32];
    bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&random.bits().to_be_bytes()));
    Address::from_bytes(bytes)
}
