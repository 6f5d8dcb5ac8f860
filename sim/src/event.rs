//! What is going to happen, in the order of simulated time.

use std::collections::BTreeMap;

use crate::wish::Attempt;

/// Something that happens at its time.
#[derive(Debug)]
pub enum Event {
    /// Clients think of something to join.
    Burst,
    /// A request reaches a node.
    Deliver(usize, Box<Attempt>),
    /// A node's join lane takes up what waits.
    Lane(usize),
    /// A client has waited long enough for the answer to its `sends`-th try.
    Patience {
        /// Which wish.
        wish: usize,
        /// How often it had been sent.
        sends: u32,
    },
    /// A node's settler runs, if the node is still in that run.
    Settle {
        /// Which node.
        node: usize,
        /// Which run of it.
        generation: u64,
    },
    /// A node copies the write-ahead log into the database.
    Checkpoint(usize),
    /// A node starts again.
    Restart(usize),
    /// An operator does something.
    Operator,
    /// Trouble.
    Strike,
    /// A full disk has space again.
    SpaceFreed,
    /// A node's clock is set right.
    ClockRight(usize),
    /// Players look at their results.
    Results,
    /// The witness goes through everything.
    Examine,
}

/// Events by time; those of one moment in the order in which they were planned.
#[derive(Debug, Default)]
pub struct Queue {
    events: BTreeMap<(i64, u64), Event>,
    planned: u64,
}

impl Queue {
    /// Plans `event` for `at_ms`, Unix ms.
    pub fn plan(&mut self, at_ms: i64, event: Event) {
        self.planned += 1;
        self.events.insert((at_ms, self.planned), event);
    }

    /// The next event with its time, if it comes before `end_ms`.
    pub fn next_before(&mut self, end_ms: i64) -> Option<(i64, Event)> {
        let entry = self.events.first_entry().filter(|entry| entry.key().0 < end_ms)?;
        let at_ms = entry.key().0;
        Some((at_ms, entry.remove()))
    }

    /// Forgets events that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(&Event) -> bool) {
        self.events.retain(|_, event| keep(event));
    }
}
