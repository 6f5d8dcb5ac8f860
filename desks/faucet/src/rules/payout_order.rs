//! Who is settled first in a cycle: by lot, but whoever has waited too long before the others (docs/spec/faucet.md 3.5).

use bursar_store::Timestamp;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Cycles after which a player goes before the others.
const PATIENCE_CYCLES: i64 = 2;

/// A player who could be paid now: eligible, with a wallet, open accruals and room under the caps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The player.
    pub user_id: i64,
    /// When the oldest open accrual was made.
    pub since: Timestamp,
}

/// A cycle's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The cycle's time.
    pub now: Timestamp,
    /// Seconds between settlements.
    pub interval_s: u32,
    /// Decides the order; a new one for each cycle.
    pub seed: u64,
}

/// The players of this cycle in their order. Everybody takes part; where a batch is limited, whoever comes first is paid.
#[must_use]
pub fn draw(waiting: &[Waiting], terms: Draw) -> Vec<i64> {
    let patience_ms = i64::from(terms.interval_s) * 1_000 * PATIENCE_CYCLES;
    let is_overdue = |player: &Waiting| terms.now.ms().saturating_sub(player.since.ms()) > patience_ms;
    let mut players = waiting.to_vec();
    // The order depends on who waits and on the seed alone, not on how the rows were loaded.
    players.sort_unstable_by_key(|player| player.user_id);
    players.shuffle(&mut ChaCha8Rng::seed_from_u64(terms.seed));
    players.sort_by_key(|player| !is_overdue(player));
    players.into_iter().map(|player| player.user_id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

    fn waiting(user_id: i64, seconds: i64) -> Waiting {
        Waiting { user_id, since: NOW.after_ms(-seconds * 1_000) }
    }

    fn terms(seed: u64) -> Draw {
        Draw { now: NOW, interval_s: 1_200, seed }
    }

    #[test]
    fn everybody_is_settled_in_an_order_that_the_seed_decides() {
        let players: Vec<Waiting> = (1..=20).map(|user_id| waiting(user_id, 60)).collect();
        let order = draw(&players, terms(1));
        assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), (1..=20).collect());
        assert_ne!(order, draw(&players, terms(2)));
        let reversed: Vec<Waiting> = players.into_iter().rev().collect();
        assert_eq!(order, draw(&reversed, terms(1)), "however the rows were loaded");
    }

    #[test]
    fn whoever_comes_first_is_drawn_from_all() {
        let players: Vec<Waiting> = (1..=10).map(|user_id| waiting(user_id, 60)).collect();
        let drawn = (0..100).flat_map(|seed| draw(&players, terms(seed)).into_iter().take(2));
        assert_eq!(drawn.collect::<BTreeSet<_>>(), (1..=10).collect());
    }

    #[test]
    fn whoever_has_waited_more_than_two_cycles_goes_first() {
        let mut players: Vec<Waiting> = (1..=10).map(|user_id| waiting(user_id, 2_400)).collect();
        players.extend([waiting(11, 2_401), waiting(12, 90_000)]);
        for seed in 0..50 {
            let order = draw(&players, terms(seed));
            assert_eq!(
                order[..2].iter().copied().collect::<BTreeSet<_>>(),
                BTreeSet::from([11, 12]),
                "{seed}"
            );
        }
        let firsts = (0..50).map(|seed| draw(&players, terms(seed))[0]);
        assert_eq!(firsts.collect::<BTreeSet<_>>(), BTreeSet::from([11, 12]), "by lot among themselves");
    }
}
