//! Reads kills at the pace that the statistics allow: waits for a turn, asks, tries again, adapts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::observer::Observer;
use super::pace::Pace;
use super::questions::{KillQuestion, KillStats};
use super::reading::{Problem, Reading, Unavailable, Upstream};
use super::retry::wait_before_retry;
use super::throttle::{Admission, Effect, Throttle, ThrottleSettings};

/// How long until another look when all places are taken.
const BUSY_WAIT: Duration = Duration::from_millis(25);
/// A service that wants a longer pause is left alone instead of being tried again within the same read.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The statistics, asked once. Blocks.
pub trait StatsSource: Send + Sync {
    /// The account's lifetime kills, by one question.
    fn ask(&self, account: &str) -> Reading<u64>;
}

/// One account's read under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRead {
    account: String,
    cursor: Option<u64>,
    tries: u32,
    waited_for_turn: bool,
    last_failure: Option<Unavailable>,
}

impl PendingRead {
    /// A read that has not begun.
    #[must_use]
    pub fn new(question: KillQuestion<'_>) -> PendingRead {
        PendingRead {
            account: question.account.to_owned(),
            cursor: question.cursor,
            tries: 0,
            waited_for_turn: false,
            last_failure: None,
        }
    }

    /// What comes of the read when nobody wants to wait any longer: the last failure, or else that it was not its turn.
    #[must_use]
    pub fn given_up(&self, wait: Duration) -> Unavailable {
        self.last_failure.unwrap_or(Unavailable {
            upstream: Upstream::Fortnite,
            problem: Problem::LocallyLimited,
            retry_after: Some(wait),
        })
    }
}

/// What a read waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Its turn under our own limit, or the end of a pause that the service asked for.
    Turn,
    /// A place among the questions under way.
    Place,
    /// The next try.
    Retry,
}

/// How far a step brought a read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Step again once this much time has passed.
    Wait {
        /// How long.
        wait: Duration,
        /// What for.
        what_for: Waiting,
    },
    /// It is over.
    Done(Reading<u64>),
}

/// Reads kills from a source. Share one among all threads: the limit is kept here.
pub struct KillReader {
    source: Box<dyn StatsSource>,
    throttle: Mutex<Throttle>,
    pace: Arc<dyn Pace>,
    observer: Arc<dyn Observer>,
}

impl KillReader {
    /// A reader with a full bucket.
    #[must_use]
    pub fn new(
        source: Box<dyn StatsSource>,
        settings: ThrottleSettings,
        pace: Arc<dyn Pace>,
        observer: Arc<dyn Observer>,
    ) -> KillReader {
        let throttle = Mutex::new(Throttle::new(settings, pace.now_ms()));
        KillReader { source, throttle, pace, observer }
    }

    /// Takes a read one step further: at most one question, and no waiting besides.
    pub fn step(&self, read: &mut PendingRead) -> Step {
        let admission = self.throttle.lock().admit(self.pace.now_ms());
        match admission {
            Admission::Go => {}
            Admission::Busy => return Step::Wait { wait: BUSY_WAIT, what_for: Waiting::Place },
            Admission::Wait { ms } => {
                if !read.waited_for_turn {
                    read.waited_for_turn = true;
                    self.observer.locally_limited(Upstream::Fortnite);
                }
                return Step::Wait { wait: Duration::from_millis(ms), what_for: Waiting::Turn };
            }
        }
        let reading = self.ask(read);
        read.waited_for_turn = false;
        read.tries += 1;
        match self.wait_before_next_try(read.tries, &reading) {
            Some(wait) => Step::Wait { wait, what_for: Waiting::Retry },
            None => Step::Done(reading),
        }
    }

    /// The limit in force, in thousandths of a call a minute.
    #[must_use]
    pub fn limit_milli_per_minute(&self) -> u64 {
        self.throttle.lock().limit_milli_per_minute()
    }

    fn ask(&self, read: &mut PendingRead) -> Reading<u64> {
        let mut turn = Turn { reader: self, effect: Effect::Unknown };
        let reading = self.source.ask(&read.account);
        match (&reading, read.cursor) {
            (Reading::Found(kills), Some(cursor)) if *kills > cursor => turn.effect = Effect::Grown,
            (Reading::Found(_), Some(_)) => turn.effect = Effect::Unchanged,
            _ => {}
        }
        if let Reading::Unavailable(unavailable) = &reading {
            read.last_failure = Some(*unavailable);
            if let Some(pause) = unavailable.retry_after {
                let until_ms = self.pace.now_ms().saturating_add(milliseconds(pause));
                self.throttle.lock().hold_until(until_ms);
            }
        }
        reading
    }

    fn wait_before_next_try(&self, tries: u32, reading: &Reading<u64>) -> Option<Duration> {
        let Reading::Unavailable(unavailable) = reading else { return None };
        let pause = unavailable.retry_after.unwrap_or_default();
        if !unavailable.problem.is_passing() || pause > LONGEST_PAUSE {
            return None;
        }
        wait_before_retry(tries, self.pace.random()).map(|wait| wait.max(pause))
    }
}

impl KillStats for KillReader {
    fn lifetime_kills_unless(
        &self,
        question: KillQuestion<'_>,
        patience: Duration,
        is_over: &dyn Fn() -> bool,
    ) -> Reading<u64> {
        let deadline_ms = self.pace.now_ms().saturating_add(milliseconds(patience));
        let mut read = PendingRead::new(question);
        loop {
            let wait = match self.step(&mut read) {
                Step::Done(reading) => return reading,
                Step::Wait { wait, .. } => wait,
            };
            if self.pace.now_ms().saturating_add(milliseconds(wait)) > deadline_ms {
                return Reading::Unavailable(read.given_up(wait));
            }
            self.pace.sleep_unless(wait, is_over);
            if is_over() {
                return Reading::Unavailable(read.given_up(wait));
            }
        }
    }
}

impl fmt::Debug for KillReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KillReader").field("throttle", &self.throttle).finish_non_exhaustive()
    }
}

/// A place among the questions under way, given back even if asking panics.
struct Turn<'a> {
    reader: &'a KillReader,
    effect: Effect,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.reader.throttle.lock().finish(self.reader.pace.now_ms(), self.effect);
    }
}

/// Rounded up, so that no wait ends early.
fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
