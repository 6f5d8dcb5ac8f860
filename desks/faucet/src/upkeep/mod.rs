//! Upkeep: whether kills and wallet add up, deleting what is old, and erasing a player (docs/spec/faucet.md section 6).

mod erase;
mod prune;
mod reconcile;
mod wallet;

pub use erase::{ERASED, Erased, Eraser, erase, erasure};
pub use prune::{Pruned, prunable, prune, prune_now};
pub use reconcile::{Reconciled, reconcile, reconcile_all};
pub use wallet::{Watched, watch};
