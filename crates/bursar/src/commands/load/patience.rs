//! Sending until there is an answer that counts: network errors are tried again, and "try again later" is obeyed.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::clock::ServerClock;
use super::server::Reply;

/// Tries of one request when the network fails.
const TRIES: u32 = 3;
/// Pause after a network error, times the number of tries so far.
const TRY_PAUSE: Duration = Duration::from_millis(120);
/// The longest obedience to "try again later", in real time; a limit that needs more is too tight for the load.
const OBEDIENCE: Duration = Duration::from_secs(120);
/// When a server that is overloaded does not say how long.
const RETRY_AFTER_S: u64 = 1;

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The answer that counts, or why there is none.
    pub answer: Result<Reply, NoAnswer>,
    /// Tries that the network failed.
    pub network_errors: u64,
    /// Answers that said to come later.
    pub postponed: u64,
}

/// Why no answer counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nothing was sent, or every answer said to come after the deadline: the server has done nothing.
    TooLate {
        /// What the server said, when it was asked at all.
        said: Option<String>,
    },
    /// The network failed each time: nobody knows what the server has done.
    Network(String),
}

/// Sends until an answer counts. With a `deadline_ms` (of the server's clock) nothing is sent from then on.
pub fn insist(
    clock: &ServerClock,
    deadline_ms: Option<i64>,
    send: impl Fn() -> Result<Reply, String>,
) -> Outcome {
    let begun = Instant::now();
    let mut outcome =
        Outcome { answer: Err(NoAnswer::TooLate { said: None }), network_errors: 0, postponed: 0 };
    let mut tries = 0;
    loop {
        let sent_at = clock.now_ms();
        if deadline_ms.is_some_and(|deadline| sent_at >= deadline) {
            return outcome;
        }
        match send() {
            Err(error) => {
                outcome.network_errors += 1;
                tries += 1;
                outcome.answer = Err(NoAnswer::Network(error));
                if tries >= TRIES {
                    return outcome;
                }
                sleep(TRY_PAUSE * tries);
            }
            Ok(reply) if is_later(&reply) => {
                outcome.postponed += 1;
                let wait_ms = reply.retry_after_s.unwrap_or(RETRY_AFTER_S).saturating_mul(1_000);
                let until = sent_at.saturating_add(i64::try_from(wait_ms).unwrap_or(i64::MAX));
                let is_too_late = deadline_ms.is_some_and(|deadline| until >= deadline)
                    || begun.elapsed() + Duration::from_millis(wait_ms) > OBEDIENCE;
                // What an earlier try did before the network failed is not known, whatever this answer says.
                if tries == 0 {
                    outcome.answer = Err(NoAnswer::TooLate { said: Some(reply.outcome()) });
                }
                if is_too_late || clock.wait_until(until, |_| ()).is_err() {
                    return outcome;
                }
            }
            Ok(reply) => {
                outcome.answer = Ok(reply);
                return outcome;
            }
        }
    }
}

/// Limits, and queues that are full; a stop is an answer that counts.
fn is_later(reply: &Reply) -> bool {
    reply.status == 429 || (reply.status == 503 && reply.code() == "overloaded")
}
