//! Callers that never pause while a test changes something.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One call after the other; an error is a call that should have passed and did not.
pub type Caller<'a> = Box<dyn Fn(u64) -> Result<(), String> + Send + Sync + 'a>;

/// How far the callers are.
pub struct Meter {
    done: Vec<AtomicU64>,
    failures: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Meter {
    /// Returns once every caller has begun and ended `calls` more calls.
    #[track_caller]
    pub fn let_pass(&self, calls: u64) {
        let before: Vec<u64> = self.counts();
        let patience = Instant::now() + Duration::from_secs(60);
        // One call may have begun before.
        while self.counts().iter().zip(&before).any(|(now, before)| *now < before + calls + 1) {
            let failures = self.failures.lock().unwrap();
            assert!(failures.is_empty(), "{failures:?}");
            assert!(Instant::now() < patience, "a caller stands still: {:?}", self.counts());
            drop(failures);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Calls of each caller so far.
    pub fn counts(&self) -> Vec<u64> {
        self.done.iter().map(|done| done.load(Ordering::SeqCst)).collect()
    }

    fn run(&self, number: usize, caller: &Caller<'_>) {
        for call in 0.. {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            if let Err(failure) = caller(call) {
                self.failures.lock().unwrap().push(format!("caller {number}, call {call}: {failure}"));
                return;
            }
            self.done[number].fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Runs `script` while all `callers` call; no call may fail. The calls that each of them made.
#[track_caller]
pub fn under_load(callers: Vec<Caller<'_>>, script: impl FnOnce(&Meter)) -> Vec<u64> {
    let meter = Meter {
        done: callers.iter().map(|_| AtomicU64::new(0)).collect(),
        failures: Mutex::default(),
        is_over: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        for (number, caller) in callers.iter().enumerate() {
            let meter = &meter;
            scope.spawn(move || meter.run(number, caller));
        }
        // Even when the script fails the callers have to end.
        let end = End(&meter);
        script(&meter);
        drop(end);
    });
    let failures = meter.failures.lock().unwrap();
    assert!(failures.is_empty(), "{failures:?}");
    meter.counts()
}

struct End<'a>(&'a Meter);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}
