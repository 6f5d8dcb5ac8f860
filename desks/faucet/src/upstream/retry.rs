//! How often a question is tried, and the waits in between; pure.

use std::time::Duration;

/// Tries of one question, the first included.
pub const TRIES: u32 = 3;

const FIRST_WAIT_MS: u64 = 250;
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The wait before the next try after so many: `min(0.25 s x 2^k x U(0.5, 1.5), 2 s)` with k = 0 after the first;
/// `None` after the last. `random` is any number; the factor it stands for is exact to a thousandth.
#[must_use]
pub fn wait_before_retry(tries_made: u32, random: u64) -> Option<Duration> {
    if tries_made == 0 || tries_made >= TRIES {
        return None;
    }
    let base_ms = FIRST_WAIT_MS << (tries_made - 1);
    let thousandths = 500 + random % 1_001;
    // Milliseconds times thousandths are microseconds.
    Some(Duration::from_micros(base_ms * thousandths).min(LONGEST_WAIT))
}
