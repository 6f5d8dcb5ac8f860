//! Failpoints: places where a crash test makes the server stand still, to kill it there or to let it go on.
//!
//! `BURSAR_FAILPOINTS` names a folder (refused in production). A file `<unit>.<step>` there, such as
//! `rounds.join.commit`, arms one place once: the first process that comes by renames it to `<unit>.<step>.held` and
//! waits before that step, with every lock that it holds, until the renamed file is gone. Steps of a unit of work are
//! `begin`, `statement` (the next one), `commit` (written and agreed, not committed) and `committed` (the caller not
//! told). Between the units of a payout, steps of the payouts room are places too, such as `payouts.journal.begin`.
//! Questions to a Banano node are units of their own, such as `banano.process`, with `before` (nothing was sent) and
//! `after` (whatever came back is not known yet).

use std::path::PathBuf;
use std::time::Duration;

use bursar_banano::rpc::{Answer, Transport, TransportError};
use bursar_store::fault::{Faults, Injected, Step};
use serde_json::Value;

/// How often a process that stands still looks whether it may go on. Real time.
const LOOK: Duration = Duration::from_millis(1);

/// The failpoints of one folder.
#[derive(Clone)]
pub(super) struct Failpoints {
    pub folder: PathBuf,
}

impl Failpoints {
    /// Stands still here, if this place is armed.
    fn pass(&self, unit: &str, step: &str) {
        let place = format!("{unit}.{step}");
        let (armed, held) = (self.folder.join(&place), self.folder.join(format!("{place}.held")));
        if std::fs::rename(armed, &held).is_ok() {
            tracing::warn!(place, "held at a failpoint");
            while held.exists() {
                std::thread::sleep(LOOK);
            }
        }
    }
}

impl Faults for Failpoints {
    fn before(&self, unit: &'static str, step: Step) -> Option<Injected> {
        self.pass(unit, word(step));
        None
    }
}

fn word(step: Step) -> &'static str {
    match step {
        Step::Begin => "begin",
        Step::Statement => "statement",
        Step::Commit => "commit",
        Step::Committed => "committed",
    }
}

/// A node with a failpoint before and after each question.
pub(super) struct HeldNode<T> {
    pub node: T,
    pub failpoints: Failpoints,
}

impl<T: Transport> Transport for HeldNode<T> {
    fn name(&self) -> &str {
        self.node.name()
    }

    fn call(&self, request: &str) -> Result<Answer, TransportError> {
        let unit = unit_of(request);
        self.failpoints.pass(&unit, "before");
        let answer = self.node.call(request);
        self.failpoints.pass(&unit, "after");
        answer
    }
}

/// `banano.` and the action that is asked for: letters and underscores alone, so that it names a file.
fn unit_of(request: &str) -> String {
    let request: Value = serde_json::from_str(request).unwrap_or_default();
    let action = request.get("action").and_then(Value::as_str).unwrap_or_default();
    let is_word = |letter: &char| letter.is_ascii_lowercase() || *letter == '_';
    format!("banano.{}", action.chars().filter(is_word).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn an_armed_place_holds_once_until_its_file_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let failpoints = Failpoints { folder: folder.path().to_owned() };
        let [armed, held] =
            ["rounds.join.commit", "rounds.join.commit.held"].map(|name| folder.path().join(name));
        std::fs::write(&armed, "").unwrap();
        assert_eq!(failpoints.before("rounds.join", Step::Committed), None);
        assert!(armed.exists(), "another step takes nothing");
        std::thread::scope(|scope| {
            let stands = scope.spawn(|| failpoints.before("rounds.join", Step::Commit));
            while !held.exists() {
                std::thread::yield_now();
            }
            assert!(!armed.exists() && !stands.is_finished());
            std::fs::remove_file(&held).unwrap();
            assert_eq!(stands.join().unwrap(), None);
        });
        assert_eq!(failpoints.before("rounds.join", Step::Commit), None, "it is armed no more");
    }

    /// Counts what reaches it.
    struct Counting(AtomicUsize);

    impl Transport for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn call(&self, _: &str) -> Result<Answer, TransportError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Err(TransportError::Timeout)
        }
    }

    #[test]
    fn a_question_to_a_node_is_held_before_it_leaves_and_after_it_was_answered() {
        let folder = tempfile::tempdir().unwrap();
        let failpoints = Failpoints { folder: folder.path().to_owned() };
        let node = HeldNode { node: Counting(AtomicUsize::new(0)), failpoints };
        for (step, reached) in [("before", 0), ("after", 2)] {
            let place = format!("banano.process.{step}");
            let held = folder.path().join(format!("{place}.held"));
            std::fs::write(folder.path().join(&place), "").unwrap();
            std::thread::scope(|scope| {
                let asks = scope.spawn(|| node.call(r#"{"action":"process","block":{}}"#));
                while !held.exists() {
                    std::thread::yield_now();
                }
                assert_eq!(node.node.0.load(Ordering::SeqCst), reached, "{step}");
                std::fs::remove_file(&held).unwrap();
                assert_eq!(asks.join().unwrap(), Err(TransportError::Timeout));
            });
        }
    }

    #[test]
    fn a_question_is_named_by_its_action_and_never_leaves_the_folder() {
        assert_eq!(unit_of(r#"{"action":"account_info"}"#), "banano.account_info");
        assert_eq!(unit_of(r#"{"action":"../x"}"#), "banano.x");
        assert_eq!(unit_of("no JSON"), "banano.");
    }
}
