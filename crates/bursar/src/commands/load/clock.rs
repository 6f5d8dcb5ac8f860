//! The server's clock: followed from afar, found standing still, or moved.

use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bursar_store::clock::machine_time;
use serde_json::json;

use super::server::{Connection, Server};

/// How long the clock is watched to see whether it runs.
const WATCH: Duration = Duration::from_millis(250);
/// The longest sleep before those who wait hear how long it still takes.
const STEP_MS: i64 = 500;
/// A move of the clock runs all that falls due on the way.
const MOVE_TIME_MAX: Duration = Duration::from_secs(600);

/// Why there is no waiting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockFault {
    /// The server does not say what its clock shows.
    #[error("{base} does not tell the time: {why}. Start the server, or name the right one with --base.")]
    Silent {
        /// Which server.
        base: String,
        /// What came instead.
        why: String,
    },
    /// The clock stands still, and nobody said that it may be moved.
    #[error("the server's clock stands still until it is moved; allow that with --advance-clock")]
    StandsStill,
    /// Waiting would not be the waiting of real time.
    #[error("the server's clock runs faster than real time; start it with the system clock or a manual one")]
    RunsFast,
    /// The clock was to be moved.
    #[error(
        "the server's clock cannot be moved ({0}); start it with --clock manual:UNIX-MS outside production"
    )]
    Immovable(String),
}

/// What the server's clock does.
pub struct ServerClock(Pace);

enum Pace {
    /// It runs with real time, ahead of this machine's clock by so much.
    Runs { ahead_ms: i64 },
    /// It shows this for good.
    StandsStill(i64),
    /// It shows this until it is moved.
    Moved { now_ms: Mutex<i64>, server: Server },
}

impl ServerClock {
    /// Finds out how the clock runs; `may_move` = move a manual one instead of waiting.
    pub fn of(server: &Server, may_move: bool) -> Result<ServerClock, ClockFault> {
        let connection = server.connect();
        let first = read(&connection, server)?;
        if may_move {
            let clock = Pace::Moved { now_ms: Mutex::new(first), server: server.with_timeout(MOVE_TIME_MAX) };
            let clock = ServerClock(clock);
            clock.move_to(first)?;
            return Ok(clock);
        }
        let begun = Instant::now();
        sleep(WATCH);
        let (now_ms, here_ms) = (read(&connection, server)?, machine_time().ms());
        let real_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        match now_ms - first {
            0 => Ok(ServerClock(Pace::StandsStill(first))),
            passed if passed > real_ms * 3 / 2 + 200 => Err(ClockFault::RunsFast),
            _ => Ok(ServerClock(Pace::Runs { ahead_ms: now_ms - here_ms })),
        }
    }

    /// What it shows, Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Pace::Runs { ahead_ms } => machine_time().ms() + ahead_ms,
            Pace::StandsStill(now_ms) => *now_ms,
            Pace::Moved { now_ms, .. } => *now_ms.lock().unwrap_or_else(|poisoned| poisoned.into_inner()),
        }
    }

    /// Whether waiting is possible at all.
    pub fn stands_still(&self) -> bool {
        matches!(self.0, Pace::StandsStill(_))
    }

    /// Waits until it shows `until_ms`, telling now and then how many milliseconds are left. Of many who wait for the
    /// same instant one moves a manual clock.
    pub fn wait_until(&self, until_ms: i64, tell: impl Fn(i64)) -> Result<(), ClockFault> {
        match &self.0 {
            Pace::Runs { .. } => loop {
                let left_ms = until_ms - self.now_ms();
                let Some(step) = u64::try_from(left_ms.min(STEP_MS)).ok().filter(|step| *step > 0) else {
                    return Ok(());
                };
                tell(left_ms);
                sleep(Duration::from_millis(step));
            },
            Pace::StandsStill(now_ms) if *now_ms >= until_ms => Ok(()),
            Pace::StandsStill(_) => Err(ClockFault::StandsStill),
            Pace::Moved { .. } => self.move_to(until_ms),
        }
    }

    /// Lets a span pass.
    pub fn pause(&self, span_ms: i64) -> Result<(), ClockFault> {
        if span_ms <= 0 {
            return Ok(());
        }
        self.wait_until(self.now_ms() + span_ms, |_| ())
    }

    fn move_to(&self, to_ms: i64) -> Result<(), ClockFault> {
        let Pace::Moved { now_ms, server } = &self.0 else { return Ok(()) };
        let mut now_ms = now_ms.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if *now_ms > to_ms {
            return Ok(());
        }
        let reply =
            server.connect().post("/dev/clock", &json!({"nowMs": to_ms})).map_err(ClockFault::Immovable)?;
        if !reply.is_good() {
            return Err(ClockFault::Immovable(reply.outcome()));
        }
        *now_ms = to_ms;
        Ok(())
    }
}

/// The time of the server: from its own clock route, which production lacks, else from its public status.
fn read(connection: &Connection, server: &Server) -> Result<i64, ClockFault> {
    let silent = |why: String| ClockFault::Silent { base: server.base().to_owned(), why };
    let clock = connection.get("/dev/clock").map_err(silent)?;
    if let Some(now_ms) = clock.body["nowMs"].as_i64().filter(|_| clock.is_good()) {
        return Ok(now_ms);
    }
    let status = connection.get("/api/status").map_err(silent)?;
    let now_ms = status.body["updatedAtMs"].as_i64().filter(|_| status.is_good());
    now_ms.ok_or_else(|| silent(format!("GET /api/status answered {}", status.outcome())))
}
