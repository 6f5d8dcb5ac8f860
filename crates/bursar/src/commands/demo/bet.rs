//! Who the players are and what they bet: functions of the seed alone, so that a second run has the same players.

use bursar_rounds::market::Market;
use bursar_rounds::stake::{Side, TIERS_BUCKS};
use bursar_rounds::timing::{OPEN_MS, Round};
use bursar_rounds::wallet::Address;
use serde_json::{Value, json};
use uuid::Uuid;

const WALLETS: &str = "bursar demo 2026 wallet";
const BETS: &str = "bursar demo 2026 bet";
/// Joins end at least so long before the lock, by the rules' clock.
const BUFFER_MS: i64 = 5_000;
/// And at least so long in real time, since a join takes its way through the network and a transaction.
const BUFFER_REAL_MS: i64 = 100;

/// What one player does in one open window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bet {
    /// How long after the start of the round, by the rules' clock.
    pub after_ms: i64,
    pub player: u32,
    pub round: Round,
    pub side: Side,
    pub bucks: i64,
}

/// The wallet of player number `player`.
pub(super) fn wallet(seed: u64, player: u32) -> String {
    Address::from_bytes(draw(WALLETS, &[seed.to_be_bytes(), u64::from(player).to_be_bytes()])).to_text()
}

/// How long after their start rounds are joined, by a clock of this speed.
pub(super) fn window_ms(speed: u32) -> i64 {
    OPEN_MS - BUFFER_MS.max(BUFFER_REAL_MS * i64::from(speed))
}

/// What `players` do in the rounds that start at `start_ms`, in order of time: about half of them join one market.
pub(super) fn bets(
    seed: u64,
    start_ms: i64,
    players: impl IntoIterator<Item = u32>,
    window_ms: i64,
) -> Vec<Bet> {
    let of_player = |player| bet(seed, start_ms, player, window_ms);
    let mut bets: Vec<Bet> = players.into_iter().filter_map(of_player).collect();
    bets.sort_by_key(|bet| (bet.after_ms, bet.player));
    bets
}

fn bet(seed: u64, start_ms: i64, player: u32, window_ms: i64) -> Option<Bet> {
    let key = [seed.to_be_bytes(), u64::from(player).to_be_bytes(), start_ms.to_be_bytes()];
    let mut numbers = Numbers(draw(BETS, &key), 0);
    if numbers.below(2) == 0 {
        return None;
    }
    let market = *numbers.pick(&Market::ALL)?;
    Some(Bet {
        round: Round::starting(market, start_ms)?,
        side: *numbers.pick(&[Side::Up, Side::Down])?,
        bucks: *numbers.pick(&TIERS_BUCKS)?,
        after_ms: i64::from(numbers.below(u32::try_from(window_ms.max(1)).ok()?)),
        player,
    })
}

/// The body of the join; the id is a new one each time.
pub(super) fn body(bet: &Bet, wallet: &str, now_ms: i64) -> Value {
    let (round, market) = (bet.round, bet.round.market());
    json!({
        "id": Uuid::new_v4().to_string(), "roundId": round.id(), "market": market.key(), "feedId": market.feed_id(),
        "roundStartMs": round.start_ms(), "roundEndMs": round.end_ms(), "wallet": wallet,
        "direction": bet.side.word(), "stakeBucks": bet.bucks, "joinedAtMs": now_ms,
    })
}

fn draw(purpose: &str, key: &[[u8; 8]]) -> [u8; 32] {
    blake3::derive_key(purpose, key.concat().as_slice())
}

/// Eight numbers out of a draw, one after the other.
struct Numbers([u8; 32], usize);

impl Numbers {
    /// A number below `end`, which is small against 2^32, so that the bias does not matter in play.
    fn below(&mut self, end: u32) -> u32 {
        let mut bytes = [0; 4];
        if let Some(next) = self.0.get(self.1..self.1 + 4) {
            bytes.copy_from_slice(next);
        }
        self.1 += 4;
        u32::from_be_bytes(bytes) % end.max(1)
    }

    fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let index = self.below(u32::try_from(choices.len()).ok()?);
        choices.get(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use bursar_rounds::join::JoinRequest;

    use super::*;

    const START_MS: i64 = 1_700_000_040_000;

    #[test]
    fn a_seed_has_its_players_and_each_is_somebody_else() {
        assert_eq!(wallet(1, 7), wallet(1, 7));
        let all: std::collections::BTreeSet<String> =
            (0..300).flat_map(|player| [wallet(1, player), wallet(2, player)]).collect();
        assert_eq!(all.len(), 600);
        assert!(all.iter().all(|wallet| Address::parse(wallet).is_some()));
    }

    #[test]
    fn about_half_of_the_players_join_within_the_window_in_order_of_time() {
        let bets = bets(1, START_MS, 0..1_000, window_ms(60));
        assert!((400..600).contains(&bets.len()), "{}", bets.len());
        assert!(bets.is_sorted_by_key(|bet| bet.after_ms));
        assert!(bets.iter().all(|bet| (0..54_000).contains(&bet.after_ms)));
        for market in Market::ALL {
            for side in [Side::Up, Side::Down] {
                let of = bets.iter().filter(|bet| bet.round.market() == market && bet.side == side);
                assert!(of.count() > 15, "{market:?} {side:?}");
            }
        }
    }

    #[test]
    fn the_window_leaves_real_time_for_a_join_at_every_speed() {
        assert_eq!([1, 50, 60, 240].map(window_ms), [55_000, 55_000, 54_000, 36_000]);
    }

    #[test]
    fn a_bet_is_a_join_that_the_server_understands_with_an_id_of_its_own() {
        let bet = bets(1, START_MS, 0..10, 50_000)[0];
        let [one, two] = [(); 2].map(|()| body(&bet, &wallet(1, bet.player), START_MS));
        assert_ne!(one["id"], two["id"]);
        assert!(JoinRequest::from_json(one.as_object().unwrap()).is_ok());
    }
}
