//! Time and chance for whoever waits between questions; what a simulator replaces.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use rand::TryRngCore;
use rand::rngs::OsRng;

/// A clock that never goes back, a way to wait, and chance.
pub trait Pace: Send + Sync {
    /// Milliseconds since some fixed moment.
    fn now_ms(&self) -> u64;

    /// Returns once this much time has passed.
    fn sleep(&self, wait: Duration);

    /// The same, or soon after `is_over`.
    fn sleep_unless(&self, wait: Duration, is_over: &dyn Fn() -> bool) {
        if !is_over() {
            self.sleep(wait);
        }
    }

    /// Any number, each as likely as the others.
    fn random(&self) -> u64;
}

/// Whoever sleeps until something is over looks whether it is this often.
const NAP: Duration = Duration::from_millis(100);

/// The machine's time and chance.
pub struct SystemPace(Instant);

impl SystemPace {
    /// Its clock starts at zero now.
    #[must_use]
    pub fn new() -> SystemPace {
        SystemPace(Instant::now())
    }
}

impl Default for SystemPace {
    fn default() -> SystemPace {
        SystemPace::new()
    }
}

impl Pace for SystemPace {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, wait: Duration) {
        thread::sleep(wait);
    }

    fn sleep_unless(&self, wait: Duration, is_over: &dyn Fn() -> bool) {
        let mut left = wait;
        while !left.is_zero() && !is_over() {
            let some = left.min(NAP);
            self.sleep(some);
            left -= some;
        }
    }

    fn random(&self) -> u64 {
        // It only spreads retries, so a machine without chance may do without.
        OsRng.try_next_u64().unwrap_or(0)
    }
}

impl fmt::Debug for SystemPace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemPace")
    }
}
