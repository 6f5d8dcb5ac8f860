//! Settlement: open accruals become payouts, and follow them to their end (docs/spec/faucet.md 3.4, 3.5).
//!
//! [`Settlement::run`] is one cycle. [`PayoutEar`] is told by the payouts room, in its own transactions, how payouts go on.

mod aside;
mod chunk;
mod cycle;
mod ear;
mod load;
mod resume;
mod save;

pub(crate) use load::{Candidate, candidates};

pub use aside::{NOT_ELIGIBLE, keeps_back, set_aside};
pub use cycle::{Cycle, Settlement, SettlementParts, Skipped};
pub use ear::{PayoutEar, Receives, Told, Word};
pub use load::{payable, waiting};
pub use resume::{INSUFFICIENT, margin};
