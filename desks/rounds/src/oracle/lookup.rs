//! Runs one search against a source.

use super::evidence::PriceEvidence;
use super::sample::AcceptPolicy;
use super::search::{Exhausted, Search, Step};
use super::source::PriceSource;
use crate::market::Market;

/// Finds the price that decides `market` at `wanted_s` (Unix seconds). Blocks for as long as the source does.
pub fn find_price(
    source: &dyn PriceSource,
    market: Market,
    wanted_s: i64,
    policy: AcceptPolicy,
) -> Result<PriceEvidence, Exhausted> {
    let mut search = Search::new(market, wanted_s, policy);
    loop {
        match search.next() {
            Step::Ask(second) => search.answer(source.at(market, second)),
            Step::Found(found) => return Ok(PriceEvidence::from(&found)),
            Step::Exhausted(exhausted) => return Err(exhausted),
        }
    }
}
