//! Whether the process was told to stop: long work that a request waits for ends soon, and what is left waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Told once that the process stops. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// From now on everything ends as soon as it can.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the process was told to stop.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
