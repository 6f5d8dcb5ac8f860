//! Work from peers: nodes that offer `work_generate`.

use std::time::{Duration, Instant};

use super::client::NodeClient;
use crate::keys::PublicKey;
use crate::work::{Root, Threshold, Work, WorkError, WorkSource};

/// Asks nodes for work, one after another, and verifies what they return. A peer's own time-out bounds each question;
/// no further peer is asked once the wait is over.
pub struct PeerWork {
    peers: Vec<NodeClient>,
}

impl PeerWork {
    /// Work from these peers, in order of preference.
    #[must_use]
    pub fn new(peers: Vec<NodeClient>) -> PeerWork {
        PeerWork { peers }
    }
}

impl WorkSource for PeerWork {
    fn prefetch(&self, _: &PublicKey, _: &Root, _: Threshold) {}

    fn work(
        &self,
        _: &PublicKey,
        root: &Root,
        threshold: Threshold,
        wait: Duration,
    ) -> Result<Work, WorkError> {
        let deadline = Instant::now() + wait;
        let mut problems = Vec::new();
        for peer in &self.peers {
            match peer.work_generate(root, threshold) {
                Ok(work) => return Ok(work),
                Err(error) => problems.push(format!("{}: {error}", peer.name())),
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        Err(WorkError::Peers(problems.join("; ")))
    }
}
