//! Telling the demo's threads to end, in the middle of a wait if need be.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Whether it is time to end. Clones share one answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Halt(Arc<(Mutex<bool>, Condvar)>);

impl Halt {
    /// Ends every wait, now and from now on.
    pub fn call(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    pub fn is_called(&self) -> bool {
        *self.0.0.lock()
    }

    /// Waits so long in real time, less once it is called; whether it was.
    pub fn wait(&self, longest: Duration) -> bool {
        let mut called = self.0.0.lock();
        self.0.1.wait_while_for(&mut called, |called| !*called, longest);
        *called
    }
}
