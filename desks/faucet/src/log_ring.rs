//! The newest lines of the process's log, for administrators who cannot see its output.
//!
//! The host feeds it with what it writes. A reader that cannot keep up loses lines; the log itself never waits.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Lines that may wait for one reader.
pub const READER_QUEUE: usize = 512;
/// Readers that may follow at the same time.
const READERS_MAX: usize = 16;

/// The ring. Clones are the same one.
#[derive(Clone)]
pub struct LogRing(Arc<Mutex<Lines>>);

struct Lines {
    kept: VecDeque<Arc<str>>,
    capacity: usize,
    readers: Vec<Sender<Arc<str>>>,
}

/// A reader of lines as they come.
pub struct Following {
    /// The newest lines of before, oldest first.
    pub recent: Vec<Arc<str>>,
    /// What comes.
    pub next: Receiver<Arc<str>>,
}

impl LogRing {
    /// An empty ring of so many lines; at least one.
    #[must_use]
    pub fn new(capacity: usize) -> LogRing {
        let capacity = capacity.max(1);
        LogRing(Arc::new(Mutex::new(Lines { kept: VecDeque::new(), capacity, readers: Vec::new() })))
    }

    /// Adds a line, in place of the oldest one when the ring is full.
    pub fn push(&self, line: &str) {
        let line: Arc<str> = line.trim_end_matches('\n').into();
        let mut lines = self.0.lock();
        if lines.kept.len() >= lines.capacity {
            lines.kept.pop_front();
        }
        lines
            .readers
            .retain(|reader| !matches!(reader.try_send(Arc::clone(&line)), Err(TrySendError::Closed(_))));
        lines.kept.push_back(line);
    }

    /// The newest `count` lines of which `is_wanted` says yes, oldest first.
    #[must_use]
    pub fn recent(&self, count: usize, is_wanted: impl Fn(&str) -> bool) -> Vec<Arc<str>> {
        // Judged outside the lock: the log goes on meanwhile.
        let all: Vec<Arc<str>> = self.0.lock().kept.iter().map(Arc::clone).collect();
        newest(all, count, is_wanted)
    }

    /// The same, and every line from then on; `None` when too many follow already.
    #[must_use]
    pub fn follow(&self, count: usize, is_wanted: impl Fn(&str) -> bool) -> Option<Following> {
        let (sender, next) = channel(READER_QUEUE);
        let all: Vec<Arc<str>> = {
            let mut lines = self.0.lock();
            lines.readers.retain(|reader| !reader.is_closed());
            if lines.readers.len() >= READERS_MAX {
                return None;
            }
            lines.readers.push(sender);
            lines.kept.iter().map(Arc::clone).collect()
        };
        Some(Following { recent: newest(all, count, is_wanted), next })
    }
}

fn newest(all: Vec<Arc<str>>, count: usize, is_wanted: impl Fn(&str) -> bool) -> Vec<Arc<str>> {
    let mut found: Vec<Arc<str>> = all.into_iter().rev().filter(|line| is_wanted(line)).take(count).collect();
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Arc<str>]) -> Vec<&str> {
        lines.iter().map(AsRef::as_ref).collect()
    }

    #[test]
    fn the_newest_lines_are_kept_in_their_order() {
        let ring = LogRing::new(3);
        for line in ["a\n", "b\n", "c\n", "d\n"] {
            ring.push(line);
        }
        assert_eq!(texts(&ring.recent(9, |_| true)), ["b", "c", "d"]);
        assert_eq!(texts(&ring.recent(2, |_| true)), ["c", "d"]);
        assert_eq!(texts(&ring.recent(1, |line| line != "d")), ["c"]);
        assert_eq!(ring.recent(0, |_| true).len(), 0);
    }

    #[test]
    fn a_reader_gets_what_was_and_what_comes_each_once() {
        let ring = LogRing::new(10);
        ring.push("a");
        let mut following = ring.follow(5, |_| true).unwrap();
        ring.push("b");
        assert_eq!(texts(&following.recent), ["a"]);
        assert_eq!(following.next.try_recv().as_deref(), Ok("b"));
        assert!(following.next.try_recv().is_err());
    }

    #[test]
    fn a_slow_reader_loses_lines_and_holds_nobody_up() {
        let ring = LogRing::new(10);
        let mut slow = ring.follow(0, |_| true).unwrap();
        for number in 0..READER_QUEUE + 5 {
            ring.push(&number.to_string());
        }
        assert_eq!(slow.next.len(), READER_QUEUE);
        assert_eq!(slow.next.try_recv().as_deref(), Ok("0"));
        assert_eq!(texts(&ring.recent(1, |_| true)), [(READER_QUEUE + 4).to_string().as_str()]);
    }

    #[test]
    fn readers_are_limited_and_one_that_leaves_makes_room() {
        let ring = LogRing::new(1);
        let mut readers: Vec<Following> =
            (0..READERS_MAX).map(|_| ring.follow(0, |_| true).unwrap()).collect();
        assert!(ring.follow(0, |_| true).is_none());
        readers.pop();
        assert!(ring.follow(0, |_| true).is_some());
    }
}
