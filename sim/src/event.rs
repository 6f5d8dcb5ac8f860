//! What is going to happen, in the order of simulated time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::world::World;

/// What a planned event is part of: trouble, people and load end with the hour, the rest goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Users ask for something new.
    Load,
    /// Operators act.
    People,
    /// Something goes wrong, or right again by itself.
    Trouble,
    /// The platform, the network and the witnesses go on.
    Work,
}

/// What happens.
type Happening = Box<dyn FnOnce(&Arc<World>) + Send>;

/// Something planned.
pub struct Event {
    /// What it is part of.
    pub class: Class,
    /// What happens.
    pub happening: Happening,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("class", &self.class).finish_non_exhaustive()
    }
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

    /// Puts everything off by so much, ms.
    pub fn put_off(&mut self, span_ms: i64) {
        let events = std::mem::take(&mut self.events);
        self.events =
            events.into_iter().map(|((at_ms, number), event)| ((at_ms + span_ms, number), event)).collect();
    }

    /// Forgets everything but the platform's own work.
    pub fn keep_work(&mut self) {
        self.events.retain(|_, event| event.class == Class::Work);
    }
}
