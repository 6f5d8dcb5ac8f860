//! What a running feed knows: its source, its faults, its clock and what it was asked.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::faults::Faults;
use super::source::Source;

/// Requests remembered; older ones are only counted.
const LOG_LIMIT: usize = 10_000;

/// Shared by the server thread and the handle.
pub(super) struct State {
    pub(super) source: Box<dyn Source>,
    pub(super) faults: Mutex<Faults>,
    /// The time of the latest price in Unix seconds; `None` follows the system clock.
    pub(super) now: Mutex<Option<i64>>,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    count: u64,
    paths: VecDeque<String>,
}

impl State {
    pub(super) fn new(source: Box<dyn Source>) -> State {
        State { source, faults: Mutex::default(), now: Mutex::default(), log: Mutex::default() }
    }

    pub(super) fn now(&self) -> i64 {
        let system = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.now.lock().unwrap_or_else(|| i64::try_from(system()).unwrap_or(i64::MAX))
    }

    pub(super) fn record(&self, path: &str) {
        let mut log = self.log.lock();
        log.count += 1;
        if log.paths.len() == LOG_LIMIT {
            log.paths.pop_front();
        }
        log.paths.push_back(path.to_owned());
    }

    pub(super) fn request_count(&self) -> u64 {
        self.log.lock().count
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.log.lock().paths.iter().cloned().collect()
    }

    pub(super) fn forget_requests(&self) {
        *self.log.lock() = Log::default();
    }
}
