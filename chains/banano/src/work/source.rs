//! Where work comes from.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::{Root, Threshold, Work, generate};
use crate::keys::PublicKey;

/// Why there is no work yet. Nothing is lost: ask again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// It is still being computed.
    #[error("proof of work")]
    NotReady,
    /// Someone asked for work on a newer block of the account meanwhile.
    #[error("proof of work (the account has a newer block)")]
    Superseded,
    /// Nobody who was asked had any.
    #[error("proof of work (peers: {0})")]
    Peers(String),
}

/// Somewhere that work can be had from.
pub trait WorkSource: Send + Sync {
    /// Lets the source begin with work that will soon be wanted. Returns at once, and replaces what was wanted for the
    /// account before.
    fn prefetch(&self, account: &PublicKey, root: &Root, threshold: Threshold);

    /// Work that `threshold` admits for `root`, waited for no longer than `wait`.
    fn work(
        &self,
        account: &PublicKey,
        root: &Root,
        threshold: Threshold,
        wait: Duration,
    ) -> Result<Work, WorkError>;
}

/// Computes in the calling thread, however long it takes: for tests and simulations with a low threshold.
#[derive(Clone, Copy, Debug, Default)]
pub struct InThread;

impl WorkSource for InThread {
    fn prefetch(&self, _: &PublicKey, _: &Root, _: Threshold) {}

    fn work(&self, _: &PublicKey, root: &Root, threshold: Threshold, _: Duration) -> Result<Work, WorkError> {
        generate(root, threshold, NonZeroUsize::MIN, &AtomicBool::new(false)).ok_or(WorkError::NotReady)
    }
}

/// Sources in order of preference: the next one is asked when one has none. All of them are told ahead.
impl WorkSource for Vec<Box<dyn WorkSource>> {
    fn prefetch(&self, account: &PublicKey, root: &Root, threshold: Threshold) {
        self.iter().for_each(|source| source.prefetch(account, root, threshold));
    }

    fn work(
        &self,
        account: &PublicKey,
        root: &Root,
        threshold: Threshold,
        wait: Duration,
    ) -> Result<Work, WorkError> {
        let mut problem = WorkError::NotReady;
        for source in self {
            match source.work(account, root, threshold, wait) {
                Ok(work) => return Ok(work),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }
}
