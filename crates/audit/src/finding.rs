//! What a verification can find wrong with the log, in words for whoever has to act on it.

use std::fmt;

/// One thing that is not as the recorder left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A column of an event holds what no event can hold.
    EventUnreadable {
        /// The event.
        event: i64,
        /// What it holds.
        why: String,
    },
    /// A column of a link holds what no link can hold; links after it cannot be told apart and were not checked.
    LinkUnreadable {
        /// The first event of the last readable link before it, 0 when it is the first.
        after_event: i64,
        /// What it holds.
        why: String,
    },
    /// Events that no link covers: they were added, or their link was deleted.
    EventsOutsideLinks {
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
    /// Events that a link covers are gone.
    EventsMissing {
        /// Chain of the link.
        chain: String,
        /// Number of the link.
        number: i64,
        /// The first that is gone.
        first: i64,
        /// The last of that run.
        last: i64,
    },
    /// A link's hash is not that of its events and the link before it: one of them was edited, or the hash was.
    LinkMismatch {
        /// Chain of the link.
        chain: String,
        /// Number of the link.
        number: i64,
        /// First event under it.
        first_event: i64,
        /// Last event under it.
        last_event: i64,
    },
    /// A link's time is not that of its events.
    LinkTimeEdited {
        /// Chain of the link.
        chain: String,
        /// Number of the link.
        number: i64,
    },
    /// A link claims events that another link covers.
    LinksOverlap {
        /// Chain of the later link.
        chain: String,
        /// Number of the later link.
        number: i64,
    },
    /// A chain's numbers do not rise by one: links were deleted, reordered or renumbered.
    LinkOutOfPlace {
        /// The chain.
        chain: String,
        /// The number that stands there.
        number: i64,
        /// The number that should.
        expected: i64,
    },
    /// A link does not carry the hash of the link before it.
    PreviousBroken {
        /// Chain of the link.
        chain: String,
        /// Number of the link.
        number: i64,
    },
    /// A payload, its salt or their digest was edited.
    PayloadEdited {
        /// The event.
        event: i64,
    },
    /// Payloads are blank and no `audit.redacted` event names them.
    PayloadsBlank {
        /// The first of a run of events.
        first: i64,
        /// The last of it.
        last: i64,
    },
    /// A chain of the anchor has no link left.
    ChainVanished {
        /// The chain.
        chain: String,
        /// The number that the anchor says it had reached.
        anchored: i64,
    },
    /// A chain ends before the place that the anchor says it had reached.
    TailMissing {
        /// The chain.
        chain: String,
        /// The number of its last link.
        number: i64,
        /// The number that the anchor says it had reached.
        anchored: i64,
    },
    /// The link that the anchor names is another one now: the chain was written anew.
    AnchorMismatch {
        /// The chain.
        chain: String,
        /// The number of the link.
        number: i64,
    },
}

const COMPARE: &str =
    "compare them with a backup made before the change and ask who may write to the database";
const RESTORE: &str =
    "find them in a backup or in what the webhook received, and ask who may write to the database";

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::EventUnreadable { event, why } => {
                write!(f, "event {event} cannot be read ({why}): a column was edited; {COMPARE}")
            }
            Finding::LinkUnreadable { after_event, why } => write!(
                f,
                "a link after event {after_event} cannot be read ({why}) and nothing after it was checked; {COMPARE}"
            ),
            Finding::EventsOutsideLinks { first, last } => write!(
                f,
                "events {first} to {last} stand outside every link: they were added, or their link was deleted or \
                 moved; {COMPARE}"
            ),
            Finding::EventsMissing { chain, number, first, last } => {
                write!(f, "events {first} to {last} under link {number} of {chain} were deleted; {RESTORE}")
            }
            Finding::LinkMismatch { chain, number, first_event, last_event } => write!(
                f,
                "link {number} of {chain} does not fit events {first_event} to {last_event} under it: an event or the \
                 link was edited; {COMPARE}"
            ),
            Finding::LinkTimeEdited { chain, number } => {
                write!(f, "link {number} of {chain} bears another time than its events; {COMPARE}")
            }
            Finding::LinksOverlap { chain, number } => {
                write!(f, "link {number} of {chain} claims events of another link; {COMPARE}")
            }
            Finding::LinkOutOfPlace { chain, number, expected } => write!(
                f,
                "chain {chain} has link {number} where {expected} belongs: links were deleted, reordered or \
                 renumbered; {RESTORE}"
            ),
            Finding::PreviousBroken { chain, number } => write!(
                f,
                "link {number} of {chain} does not follow from the link before it: one of them was edited or \
                 replaced; {COMPARE}"
            ),
            Finding::PayloadEdited { event } => {
                write!(f, "the payload of event {event} is not the one that was recorded; {COMPARE}")
            }
            Finding::PayloadsBlank { first, last } => write!(
                f,
                "the payloads of events {first} to {last} are blank and no audit.redacted event says why; {RESTORE}"
            ),
            Finding::ChainVanished { chain, anchored } => write!(
                f,
                "chain {chain} is gone, which had {anchored} links when the anchor was taken; unless an older backup \
                 was restored, {RESTORE}"
            ),
            Finding::TailMissing { chain, number, anchored } => write!(
                f,
                "chain {chain} ends at link {number}, but had {anchored} when the anchor was taken; unless an older \
                 backup was restored, {RESTORE}"
            ),
            Finding::AnchorMismatch { chain, number } => write!(
                f,
                "link {number} of {chain} is not the one that the anchor saw: the chain was written anew; {COMPARE}"
            ),
        }
    }
}
