//! The players: threads that join rounds over HTTP, each on a connection of its own that it keeps.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bursar_rounds::market::Market;
use bursar_rounds::timing::{CYCLE_MS, Round};
use bursar_store::clock::machine_time;
use bursar_store::{Clock, Timestamp};
use serde_json::Value;
use ureq::Agent;

use super::bet::{Bet, bets, body, wallet, window_ms};
use super::halt::Halt;
use super::tally::Tally;

/// Connections that the players share.
const CONNECTIONS: u32 = 8;
/// From one request to the next on a connection: 400 requests a second over all.
const PACE: Duration = Duration::from_millis(20);
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// The longest wait without a look at the clock.
const LOOK: Duration = Duration::from_millis(200);

/// Players of one seed.
#[derive(Clone)]
pub(super) struct Crowd {
    pub seed: u64,
    pub players: u32,
    pub speed: u32,
    pub clock: Clock,
    pub tally: Arc<Tally>,
    pub halt: Halt,
}

impl Crowd {
    /// Lets them play at `address` until the halt is called.
    pub fn start(&self, address: SocketAddr) -> std::io::Result<Vec<JoinHandle<()>>> {
        let begin = |connection| {
            let share =
                Share { crowd: self.clone(), connection, url: format!("http://{address}"), agent: agent() };
            std::thread::Builder::new().name(format!("players-{connection}")).spawn(move || share.play())
        };
        (0..CONNECTIONS.min(self.players)).map(begin).collect()
    }
}

/// The players of one connection.
struct Share {
    crowd: Crowd,
    connection: u32,
    url: String,
    agent: Agent,
}

impl Share {
    fn play(&self) {
        let window_ms = window_ms(self.crowd.speed);
        while !self.crowd.halt.is_called() {
            let slot = Round::current(Market::default(), self.now()).start_ms();
            let players = (self.connection..self.crowd.players).step_by(step());
            for bet in bets(self.crowd.seed, slot, players, window_ms) {
                let begun = Instant::now();
                if self.wait_until(slot + bet.after_ms) {
                    return;
                }
                if self.now().ms() >= slot + window_ms {
                    break;
                }
                self.join(&bet);
                if self.crowd.halt.wait(PACE.saturating_sub(begun.elapsed())) {
                    return;
                }
            }
            if self.wait_until(slot + CYCLE_MS) {
                return;
            }
        }
    }

    fn join(&self, bet: &Bet) {
        let wallet = wallet(self.crowd.seed, bet.player);
        let body = body(bet, &wallet, self.now().ms()).to_string();
        // An answer that got lost is asked for again, by the same id: that never makes a second entry.
        let answer = self
            .send(&body)
            .or_else(|error| if self.crowd.halt.is_called() { Err(error) } else { self.send(&body) });
        match answer {
            Ok((200, _)) => self.crowd.tally.accepted(),
            Ok((_, answer)) => self.crowd.tally.refused(answer["code"].as_str().unwrap_or("unknown")),
            // A server that ends answers nobody any more.
            Err(_) if self.crowd.halt.is_called() => {}
            Err(error) => {
                tracing::warn!(%error, "a player got no answer");
                self.crowd.tally.unanswered();
            }
        }
    }

    fn send(&self, body: &str) -> Result<(u16, Value), ureq::Error> {
        let request = self.agent.post(format!("{}/api/sim/entries", self.url));
        let mut answer = request.header("content-type", "application/json").send(body)?;
        let status = answer.status().as_u16();
        // A body that is read to its end leaves the connection free for the next request.
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    fn now(&self) -> Timestamp {
        self.crowd.clock.transform(machine_time())
    }

    /// Waits until the rules' clock shows `at_ms`; true = the halt was called.
    fn wait_until(&self, at_ms: i64) -> bool {
        loop {
            let left_ms = (at_ms - self.now().ms()).max(0);
            if left_ms == 0 {
                return self.crowd.halt.is_called();
            }
            let real_ms = u64::try_from(left_ms / i64::from(self.crowd.speed.max(1)) + 1).unwrap_or(1);
            if self.crowd.halt.wait(Duration::from_millis(real_ms).min(LOOK)) {
                return true;
            }
        }
    }
}

fn step() -> usize {
    usize::try_from(CONNECTIONS).unwrap_or(1)
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(ANSWER_TIME_MAX))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent("bursar-demo")
        .build();
    config.into()
}
