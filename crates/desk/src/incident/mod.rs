//! Incidents: opened, updated, resolved, reviewed; what users are told meanwhile; each act one audit event.
//!
//! Entry points: [`Incidents`] acts in the transaction that is open, [`notice`] is what the users of a desk are told
//! now, [`incidents`] and [`timeline`] read. The rules are pure ([`decide`](fn@decide)). This room lies below the desks, because
//! they open incidents and show what is told; timers, metrics and routes stand in the operations room above.

mod act;
mod class;
mod decide;
#[cfg(test)]
mod decide_tests;
mod guard;
mod record;
mod refusal;
mod room;
mod rows;

pub use act::{Act, ExpectedEnd, News, Opening};
pub use class::{Class, Severity};
pub use decide::{
    MESSAGE_CHARACTERS_MAX, NOTE_CHARACTERS_MAX, Step, TITLE_CHARACTERS_MAX, WATCH_MS, decide, open,
};
pub use guard::{Admit, IncidentGuard, Verdict};
pub use record::{ActKind, Entry, Incident, State};
pub use refusal::Refusal;
pub use room::{By, Done, Incidents, Notice, Outcome, PayoutStop, is_watched, notice};
pub use rows::{IncidentFilter, PLATFORM, incident, incidents, timeline, unfinished};
