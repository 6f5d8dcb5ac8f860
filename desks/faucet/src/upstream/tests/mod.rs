//! The clients against stand-ins on loopback, healthy and faulty; the pure parts by tables and properties.

mod configuration;
mod discord;
mod dry_run;
mod kill_reader;
mod queue;
mod retry;
mod stats;
mod throttle;
mod token_balance;
mod yunite;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bursar_devnet_faucet::{Misbehaviour, StandIn};
use parking_lot::Mutex;

use super::{Observer, Pace, Problem, Reading, Unavailable, Upstream};

/// For questions that are answered.
const LONG: Duration = Duration::from_secs(20);
/// For questions that are not.
const SHORT: Duration = Duration::from_millis(100);

/// Whatever a service can do wrong in the transport, and what each means.
const TROUBLES: [(Misbehaviour, Problem); 8] = [
    (Misbehaviour::Status(500), Problem::Status(500)),
    (Misbehaviour::Status(503), Problem::Status(503)),
    (Misbehaviour::Status(302), Problem::Status(302)),
    (Misbehaviour::Status(401), Problem::KeyRefused(401)),
    (Misbehaviour::TooManyRequests { retry_after_ms: None }, Problem::RateLimited),
    (Misbehaviour::CutBody, Problem::Broken),
    (Misbehaviour::Oversized, Problem::TooLarge),
    (Misbehaviour::Garbage, Problem::Invalid("it is no JSON of the documented shape")),
];

/// Asks once for each of [`TROUBLES`], and checks what comes of it.
fn check_troubles<S, T: std::fmt::Debug>(
    stand_in: &StandIn<S>,
    operation: &str,
    ask: impl Fn() -> Reading<T>,
) {
    for (misbehaviour, expected) in TROUBLES {
        let before = stand_in.calls_of(operation);
        stand_in.fail_next_of(operation, misbehaviour.clone(), 1);
        assert_eq!(problem(ask()), expected, "{operation}: {misbehaviour:?}");
        assert_eq!(stand_in.calls_of(operation), before + 1, "{operation}: {misbehaviour:?}");
    }
    stand_in.fail_next_of(operation, Misbehaviour::DropAnswer, 1);
    let dropped = problem(ask());
    assert!(matches!(dropped, Problem::Unreachable | Problem::Broken), "{operation}: {dropped:?}");
}

fn unavailable<T: std::fmt::Debug>(reading: Reading<T>) -> Unavailable {
    match reading {
        Reading::Unavailable(unavailable) => unavailable,
        other => panic!("{other:?} is an answer"),
    }
}

fn problem<T: std::fmt::Debug>(reading: Reading<T>) -> Problem {
    unavailable(reading).problem
}

/// A clock that moves when somebody sleeps, and chance that is always the same.
struct ManualPace {
    now_ms: AtomicU64,
    slept: Mutex<Vec<Duration>>,
}

impl ManualPace {
    fn new() -> Arc<ManualPace> {
        Arc::new(ManualPace { now_ms: AtomicU64::new(1_000), slept: Mutex::default() })
    }

    fn slept_ms(&self) -> Vec<u128> {
        self.slept.lock().iter().map(Duration::as_millis).collect()
    }
}

impl Pace for ManualPace {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn sleep(&self, wait: Duration) {
        self.slept.lock().push(wait);
        let ms = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap();
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Makes the factor of a retry's wait 1.
    fn random(&self) -> u64 {
        500
    }
}

/// Remembers what it is told.
#[derive(Default)]
struct Recorder {
    calls: Mutex<Vec<(Upstream, Option<Problem>)>>,
    limited: AtomicU64,
}

impl Observer for Recorder {
    fn called(&self, upstream: Upstream, _: Duration, error: Option<&Unavailable>) {
        self.calls.lock().push((upstream, error.map(|error| error.problem)));
    }

    fn locally_limited(&self, upstream: Upstream) {
        assert_eq!(upstream, Upstream::Fortnite);
        self.limited.fetch_add(1, Ordering::Relaxed);
    }
}
