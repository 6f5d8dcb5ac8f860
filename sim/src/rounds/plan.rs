//! How rounds are played in one seed's world.

use bursar_rounds::market::Market;
use bursar_rounds::wallet::Address;

use crate::random::Random;
use crate::scenario::{Scenario, Simpler};

/// How rounds are played.
#[derive(Clone, Debug)]
pub struct RoundsPlan {
    /// Markets that are played.
    pub markets: Vec<Market>,
    /// Players' wallets.
    pub wallets: Vec<Address>,
    /// Most wishes that come together.
    pub burst_max: u64,
    /// Single price questions that fail, of 100.
    pub upstream_faults_of_100: u64,
    /// Whether operators change settings besides stopping and resuming.
    pub settings_change: bool,
}

impl RoundsPlan {
    /// The play of a scenario.
    pub fn of(scenario: &Scenario) -> RoundsPlan {
        let mut random = Random::of(scenario.seed, "rounds plan");
        let mut markets = Market::ALL.to_vec();
        while markets.len() > 3 || (markets.len() > 1 && random.chance(1, 2)) {
            let gone = random.index(markets.len());
            markets.remove(gone);
        }
        let is = |simpler| scenario.omitted.options.contains(&simpler);
        RoundsPlan {
            markets,
            wallets: (0..random.between(4, 16)).map(|_| wallet(&mut random)).collect(),
            burst_max: random.below(12) + 16,
            upstream_faults_of_100: random.below(20) * u64::from(!is(Simpler::CalmUpstream)),
            settings_change: random.chance(1, 2) && !is(Simpler::FixedSettings),
        }
    }
}

fn wallet(random: &mut Random) -> Address {
    let mut bytes = [0; 32];
    bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&random.bits().to_be_bytes()));
    Address::from_bytes(bytes)
}
