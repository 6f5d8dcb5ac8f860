//! A lane: commands that wait together are loaded, decided and saved in one transaction with one flush to disk.

mod batch;
mod queue;

pub use batch::{LaneFault, run_batch};
pub use queue::{Full, Lane, LaneOptions};

use crate::{StoreError, Tx};

/// What a lane does with a batch. The rules inside are pure; this only loads what the batch touches and saves it.
pub trait Work: Send + 'static {
    /// One request to change something.
    type Command: Send + 'static;
    /// What became of it, a rejection included.
    type Reply: Send + 'static;

    /// Names the lane in logs, metrics and faults.
    fn unit(&self) -> &'static str;

    /// Runs all commands in their order and returns one reply each. It may be called again for the same commands
    /// when the transaction has to be repeated, so it keeps nothing between calls.
    fn run(&mut self, tx: &mut Tx<'_>, commands: &[Self::Command]) -> Result<Vec<Self::Reply>, StoreError>;
}
