//! Waking the scheduler's thread.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Makes the scheduler look for work now instead of at its next look.
#[derive(Clone, Debug, Default)]
pub struct Waker(Arc<(Mutex<bool>, Condvar)>);

impl Waker {
    /// Wakes it. A wake that comes while it is busy is not lost.
    pub fn wake(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    /// Waits until somebody wakes it, at most `longest`.
    pub(super) fn wait(&self, longest: Duration) {
        let mut woken = self.0.0.lock();
        if !*woken {
            self.0.1.wait_for(&mut woken, longest);
        }
        *woken = false;
    }
}
