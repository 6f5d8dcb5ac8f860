//! What runs behind the routes, and stopping it in order.

use std::sync::Arc;

use bursar_desk::Readiness;
use bursar_desk::job::Scheduler;
use bursar_store::Store;

/// Jobs and the database of a server whose desks have started.
pub(super) struct Running {
    pub scheduler: Arc<Scheduler>,
    pub store: Arc<Store>,
    /// The readiness checks of the desks.
    pub checks: Vec<Readiness>,
}

impl Running {
    /// Ends the jobs, and copies the log of an embedded database into it.
    pub fn stop(self) {
        self.scheduler.stop();
        if let Err(error) = self.store.checkpoint() {
            tracing::warn!(%error, "no last checkpoint; the next start makes one");
        }
        tracing::info!("stopped");
    }
}
