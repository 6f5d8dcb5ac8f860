//! Sending entries into an open window.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::crowd::each;
use super::entries::Entry;
use super::patience::{NoAnswer, Outcome, insist};
use super::progress::Bar;
use super::run::Run;
use super::window::Window;

/// What became of one entry that was to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server has accepted it.
    Accepted(Duration),
    /// The server has done nothing with it: the window closed before, perhaps because it said to come later.
    Unsent(Option<String>),
    /// It was refused, or nobody knows.
    Failed(String),
}

/// What came of sending a set of entries.
pub struct Joined {
    /// The fate of each, in the order they were given.
    pub fates: Vec<Fate>,
    /// Tries that the network failed.
    pub network_errors: u64,
    /// Answers that said to come later.
    pub postponed: u64,
    /// From the first to the last.
    pub elapsed: Duration,
}

/// Sends `entries` into `window`, whose rounds take them until the buffer before the lock.
pub fn join(run: &Run, window: Window, entries: &[&Entry]) -> Joined {
    let deadline_ms = window.lock_ms() - run.profile.stop_buffer_ms;
    let begun = Instant::now();
    let bar = Bar::of(format!("joining {}", window.start_ms() / 1_000), entries.len());
    let outcomes = each(&run.server, run.profile.join_workers, &bar, entries, |connection, entry| {
        let body = entry.body(run.seed, window);
        insist(&run.clock, Some(deadline_ms), || connection.post("/api/sim/entries", &body))
    });
    Joined {
        elapsed: begun.elapsed(),
        network_errors: outcomes.iter().map(|outcome| outcome.network_errors).sum(),
        postponed: outcomes.iter().map(|outcome| outcome.postponed).sum(),
        fates: outcomes.into_iter().map(fate).collect(),
    }
}

fn fate(outcome: Outcome) -> Fate {
    match outcome.answer {
        Err(NoAnswer::TooLate { said }) => Fate::Unsent(said),
        Err(NoAnswer::Network(error)) => Fate::Failed(format!("network: {error}")),
        Ok(reply) if !reply.is_good() => Fate::Failed(reply.outcome()),
        Ok(reply) => match reply.body["created"] {
            Value::Bool(true) => Fate::Accepted(reply.took),
            // An earlier try has made it, though its answer was lost.
            Value::Bool(false) if outcome.network_errors > 0 => Fate::Accepted(reply.took),
            Value::Bool(false) => Fate::Failed("the entry was there before it was sent".to_owned()),
            _ => Fate::Failed(format!("{} without an answer to a join", reply.outcome())),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::commands::load::server::Reply;

    fn after(network_errors: u64, status: u16, body: Value) -> Fate {
        let reply = Reply { status, retry_after_s: None, body, took: Duration::from_millis(5) };
        fate(Outcome { answer: Ok(reply), network_errors, postponed: 0 })
    }

    #[test]
    fn only_an_entry_that_the_load_itself_has_made_is_accepted() {
        let created = |created: bool| json!({"ok": true, "created": created});
        assert_eq!(after(0, 200, created(true)), Fate::Accepted(Duration::from_millis(5)));
        assert_eq!(after(1, 200, created(false)), Fate::Accepted(Duration::from_millis(5)));
        assert!(matches!(after(0, 200, created(false)), Fate::Failed(why) if why.contains("before")));
        assert_eq!(
            after(0, 503, json!({"code": "joins_paused"})),
            Fate::Failed("503 joins_paused".to_owned())
        );
        assert!(matches!(after(0, 200, Value::Null), Fate::Failed(_)));
    }
}
