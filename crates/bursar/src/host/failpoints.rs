//! Failpoints: places where a crash test makes the server stand still, to kill it there or to let it go on.
//!
//! `BURSAR_FAILPOINTS` names a folder (refused in production). A file `<unit>.<step>` there, such as
//! `rounds.join.commit`, arms one place once: the first process that comes by renames it to `<unit>.<step>.held` and
//! waits before that step, with every lock that it holds, until the renamed file is gone. Steps are `begin`,
//! `statement` (the next one), `commit` (written and agreed, not committed) and `committed` (the caller not told).

use std::path::PathBuf;
use std::time::Duration;

use bursar_store::fault::{Faults, Injected, Step};

/// How often a process that stands still looks whether it may go on. Real time.
const LOOK: Duration = Duration::from_millis(1);

/// The failpoints of one folder.
pub(super) struct Failpoints {
    pub folder: PathBuf,
}

impl Faults for Failpoints {
    fn before(&self, unit: &'static str, step: Step) -> Option<Injected> {
        let place = format!("{unit}.{}", word(step));
        let (armed, held) = (self.folder.join(&place), self.folder.join(format!("{place}.held")));
        if std::fs::rename(armed, &held).is_ok() {
            tracing::warn!(place, "held at a failpoint");
            while held.exists() {
                std::thread::sleep(LOOK);
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
