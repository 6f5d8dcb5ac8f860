//! What runs behind the routes, and stopping it in order.

use std::sync::Arc;

use bursar_desk::Readiness;
use bursar_desk::job::Scheduler;
use bursar_store::Store;

use crate::host::rest_fast_clock;
use crate::jobs::Watch;
use crate::secrets::SecretFollower;

/// Jobs and the database of a server whose desks have started.
pub(super) struct Running {
    pub scheduler: Arc<Scheduler>,
    pub watch: Watch,
    pub secrets: SecretFollower,
    pub store: Arc<Store>,
    /// The readiness checks of the desks.
    pub checks: Vec<Readiness>,
}

impl Running {
    /// Ends the jobs, and copies the log of an embedded database into it.
    pub fn stop(self) {
        self.scheduler.stop();
        self.watch.stop();
        self.secrets.stop();
        if let Err(error) = rest_fast_clock(&self.store) {
            tracing::warn!(%error, "the fast clock's mark stays ahead; the next start goes on from there");
        }
        if let Err(error) = self.store.checkpoint() {
            tracing::warn!(%error, "no last checkpoint; the next start makes one");
        }
        tracing::info!("stopped");
    }
}
