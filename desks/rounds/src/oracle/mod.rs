//! Prices that decide rounds: how they are asked for, judged and kept (docs/spec/rounds.md 3.2).
//!
//! `sample`, `search` and `evidence` are pure; `hermes` does the I/O; `lookup` drives one search over a source.

mod evidence;
mod hermes;
mod latest;
mod lookup;
mod sample;
mod search;
mod source;
#[cfg(test)]
mod tests;

pub use evidence::PriceEvidence;
pub use hermes::{HermesClient, HermesConfig, HermesConfigError};
pub use latest::{Answer, Latest, LatestPrices, NoPrice, Question, Turn};
pub use lookup::find_price;
pub use sample::{AcceptPolicy, ParseFailure, Refusal, Sample, accept, parse};
pub use search::{Exhausted, Found, Miss, MissReason, OFFSETS_S, Search, Step};
pub use source::{BODY_LIMIT_BYTES, PriceSource, UpstreamError};
