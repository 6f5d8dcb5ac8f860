//! Bets that players place.

use super::Random;
use crate::harness::Join;

/// Every market, in the order of the codes in storage.
pub const MARKETS: [&str; 6] = ["SOL", "BTC", "ETH", "XRP", "PEPE", "BONK"];
/// How many players there are.
const PLAYERS: u64 = 60;

/// One join, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bet {
    pub id: String,
    pub market: &'static str,
    pub start_ms: i64,
    pub player: u64,
    pub is_up: bool,
    pub bucks: i64,
}

impl Bet {
    /// Any bet on a round that starts at `start_ms`. BONK has takers for UP only, so its rounds are refunded.
    pub fn any(id: String, start_ms: i64, random: &mut Random) -> Bet {
        let market = random.pick(&MARKETS);
        Bet {
            id,
            market,
            start_ms,
            player: random.below(PLAYERS) + 1,
            is_up: market == "BONK" || random.below(2) == 0,
            bucks: random.pick(&[5, 10, 25, 50, 100, 250]),
        }
    }

    /// The body of its request.
    pub fn body(&self) -> String {
        let join = Join::new(&self.id).round(self.market, self.start_ms).wallet(self.player);
        let join = if self.is_up { join.up(self.bucks) } else { join.down(self.bucks) };
        join.body.to_string()
    }

    /// The number of its round in storage.
    pub fn round_key(&self) -> i64 {
        round_key(self.market, self.start_ms)
    }
}

/// The number of a round in storage: slots of 120 s, sixteen numbers each.
pub fn round_key(market: &str, start_ms: i64) -> i64 {
    let code = MARKETS.iter().position(|known| *known == market).unwrap();
    start_ms / 120_000 * 16 + i64::try_from(code).unwrap()
}
