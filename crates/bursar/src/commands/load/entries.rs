//! The entries of a load: market, side, stake and wallet of each drawn independently from one seed.

use bursar_rounds::market::Market;
use bursar_rounds::stake::{Side, Stake, TIERS_BUCKS};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::window::Window;

/// One entry before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the load, from 0.
    pub number: usize,
    /// Where it joins.
    pub market: Market,
    /// What it stands on.
    pub side: Side,
    /// How much, in whole bucks.
    pub bucks: u64,
    /// A fresh address, base58.
    pub wallet: String,
}

/// `count` entries; the same for the same seed.
pub fn draw(seed: u64, count: usize) -> Vec<Entry> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut entry = |number| {
        let market = Market::ALL.choose(&mut random).copied().unwrap_or_default();
        let side = if random.random() { Side::Up } else { Side::Down };
        let tier = TIERS_BUCKS.choose(&mut random).copied().unwrap_or(TIERS_BUCKS[0]);
        let bucks = Stake::from_bucks(tier).map_or(0, Stake::bucks).unsigned_abs();
        let wallet = bs58::encode(random.random::<[u8; 32]>()).into_string();
        Entry { number, market, side, bucks, wallet }
    };
    (0..count).map(&mut entry).collect()
}

impl Entry {
    /// Its id when it joins `window`: another one in each window, so that a seed can be used again.
    pub fn id(&self, seed: u64, window: Window) -> String {
        format!("load-{seed:016x}-{}-{}", window.start_ms() / 1_000, self.number)
    }

    /// The stake in cents.
    pub fn cents(&self) -> u64 {
        self.bucks * 100
    }

    /// The body of its join.
    pub fn body(&self, seed: u64, window: Window) -> Value {
        json!({
            "id": self.id(seed, window), "roundId": window.round_id(self.market), "market": self.market.key(),
            "feedId": self.market.feed_id(), "roundStartMs": window.start_ms(), "roundEndMs": window.end_ms(),
            "wallet": self.wallet, "direction": self.side.word(), "stakeBucks": self.bucks,
            "joinedAtMs": window.start_ms(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn a_seed_draws_the_same_entries_again_and_another_seed_others() {
        assert_eq!(draw(7, 100), draw(7, 100));
        assert_eq!(draw(7, 10)[..], draw(7, 100)[..10]);
        assert!(draw(7, 100).iter().zip(draw(8, 100)).all(|(one, other)| one.wallet != other.wallet));
    }

    #[test]
    fn side_and_stake_do_not_follow_the_market_and_all_tiers_are_used() {
        let mut cells: BTreeMap<(&str, &str, u64), usize> = BTreeMap::new();
        for entry in draw(1, 7_200) {
            *cells.entry((entry.market.key(), entry.side.word(), entry.bucks)).or_default() += 1;
        }
        // Six markets, two sides, six tiers: 100 expected in each cell, and far outside 50..150 by chance never.
        assert_eq!(cells.len(), 72);
        assert!(cells.values().all(|count| (50..150).contains(count)), "{cells:?}");
    }

    #[test]
    fn wallets_are_fresh_addresses_and_ids_differ_by_window() {
        let entries = draw(1, 2_000);
        let wallets: BTreeSet<_> = entries.iter().map(|entry| &entry.wallet).collect();
        assert_eq!(wallets.len(), 2_000);
        assert!(wallets.iter().all(|wallet| bs58::decode(wallet).into_vec().unwrap().len() == 32));
        let [first, next] = [1_700_000_040_000, 1_700_000_160_000].map(|start| Window::at(start).unwrap());
        assert_eq!(entries[3].id(255, first), "load-00000000000000ff-1700000040-3");
        assert_ne!(entries[3].id(255, first), entries[3].id(255, next));
        assert_eq!(entries[3].body(255, next)["roundEndMs"], 1_700_000_520_000_i64);
    }
}
