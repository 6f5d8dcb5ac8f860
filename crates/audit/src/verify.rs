//! Recomputing every link of every chain from the events, and comparing the chains' ends with an anchor.

use std::collections::HashMap;

use bursar_store::{StoreError, Tx};

use crate::anchor::{Anchor, ChainHead};
use crate::canonical::{Columns, LinkHasher, payload_digest};
use crate::event::StoredEvent;
use crate::finding::Finding;
use crate::pages::{EventPages, Link, LinkPages};
use crate::ranges::Ranges;
use crate::redaction;

/// Findings that are kept; a log that was torn apart has one an event.
const FINDINGS_MAX: usize = 1_000;

/// What a verification went through and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Links that were checked.
    pub links: u64,
    /// Events that were checked.
    pub events: u64,
    /// Chains that they belong to.
    pub chains: u64,
    /// What is wrong, at most the first 1,000 of them.
    pub findings: Vec<Finding>,
    /// How many more are wrong.
    pub findings_left_off: u64,
}

impl Verification {
    /// Whether the log is as it was recorded.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Walks the whole log in pages. Without `anchor`, links that were cut off the end of a chain, or a whole chain, leave
/// no trace. The transaction must be a snapshot ([`bursar_store::Store::read`]), and its time limit fit the log.
pub fn verify(tx: &mut Tx<'_>, anchor: Option<&Anchor>) -> Result<Verification, StoreError> {
    let mut walk = Walk::new(anchor);
    let mut links = LinkPages::default();
    let mut last_link = 0;
    while let Some(link) = links.next(tx)? {
        match link {
            Ok(link) => {
                last_link = link.first_event;
                walk.link(tx, link)?;
            }
            Err(why) => walk.find(Finding::LinkUnreadable { after_event: last_link, why }),
        }
    }
    walk.events_outside(tx, i64::MAX)?;
    Ok(walk.finish())
}

/// Where the walk stands.
struct Walk<'a> {
    result: Verification,
    events: EventPages,
    /// The last event that any link so far covers.
    covered: i64,
    /// The last link of each chain.
    heads: HashMap<String, ChainHead>,
    anchored: HashMap<&'a str, &'a ChainHead>,
    blank: Ranges,
    redacted: Vec<(i64, i64)>,
}

impl<'a> Walk<'a> {
    fn new(anchor: Option<&'a Anchor>) -> Walk<'a> {
        let anchored = anchor.map_or(&[][..], |anchor| &anchor.heads);
        Walk {
            result: Verification::default(),
            events: EventPages::new(),
            covered: i64::MIN,
            heads: HashMap::new(),
            anchored: anchored.iter().map(|head| (head.chain.as_str(), head)).collect(),
            blank: Ranges::default(),
            redacted: Vec::new(),
        }
    }

    fn find(&mut self, finding: Finding) {
        match self.result.findings.len() < FINDINGS_MAX {
            true => self.result.findings.push(finding),
            false => self.result.findings_left_off += 1,
        }
    }

    fn link(&mut self, tx: &mut Tx<'_>, link: Link) -> Result<(), StoreError> {
        self.result.links += 1;
        self.events_outside(tx, link.first_event.saturating_sub(1))?;
        let Link { chain, number, .. } = &link;
        let (chain, number) = (chain.clone(), *number);
        let before = self.heads.get(&chain);
        let expected = before.map_or(1, |head| head.number.saturating_add(1));
        let follows = before.map_or(link.previous.is_empty(), |head| head.hash == link.previous);
        if number != expected {
            self.find(Finding::LinkOutOfPlace { chain, number, expected });
        } else if !follows {
            self.find(Finding::PreviousBroken { chain, number });
        }
        self.events_under(tx, &link)?;
        self.covered = self.covered.max(link.last_event);
        let Link { chain, number, last_event, hash, .. } = link;
        let head = ChainHead { chain, number, last_event, hash };
        if self.anchored.get(&*head.chain).is_some_and(|anchor| anchor.number == number && **anchor != head) {
            self.find(Finding::AnchorMismatch { chain: head.chain.clone(), number });
        }
        self.heads.insert(head.chain.clone(), head);
        Ok(())
    }

    /// Goes through the events of `link` and says what is wrong with them or with it.
    fn events_under(&mut self, tx: &mut Tx<'_>, link: &Link) -> Result<(), StoreError> {
        let (chain, number) = (link.chain.clone(), link.number);
        let overlaps = link.first_event <= self.covered;
        let mut hasher = LinkHasher::new(&chain, number, &link.previous);
        let (mut next, mut is_whole, mut is_timely) = (link.first_event, !overlaps, true);
        while let Some((id, event)) = self.events.next_up_to(tx, link.last_event)? {
            if id > next && !overlaps {
                self.missing(link, next, id.saturating_sub(1));
                is_whole = false;
            }
            next = id.saturating_add(1);
            match event {
                Ok(event) => {
                    hasher.add(&Columns::of(&event));
                    is_timely &= event.at == link.at;
                    self.event(&event);
                }
                Err(why) => {
                    is_whole = false;
                    self.unreadable(id, why);
                }
            }
        }
        if overlaps {
            self.find(Finding::LinksOverlap { chain, number });
        } else if next <= link.last_event {
            self.missing(link, next, link.last_event);
        } else if is_whole && link.hash != hasher.finish() {
            let Link { first_event, last_event, .. } = *link;
            self.find(Finding::LinkMismatch { chain, number, first_event, last_event });
        } else if !is_timely {
            self.find(Finding::LinkTimeEdited { chain, number });
        }
        Ok(())
    }

    /// Goes through the events up to `limit` that no link has claimed.
    fn events_outside(&mut self, tx: &mut Tx<'_>, limit: i64) -> Result<(), StoreError> {
        let mut outside = Ranges::default();
        while let Some((id, event)) = self.events.next_up_to(tx, limit)? {
            outside.push(id, id);
            match event {
                Ok(event) => self.event(&event),
                Err(why) => self.unreadable(id, why),
            }
        }
        for (first, last) in outside.iter() {
            self.find(Finding::EventsOutsideLinks { first, last });
        }
        Ok(())
    }

    fn event(&mut self, event: &StoredEvent) {
        self.result.events += 1;
        match (&event.payload, &event.salt) {
            (None, None) => self.blank.push(event.id, event.id),
            (Some(payload), Some(salt)) if payload_digest(salt, payload)[..] == event.payload_digest => {}
            _ => self.find(Finding::PayloadEdited { event: event.id }),
        }
        self.redacted.extend(redaction::named_by(event).iter());
    }

    fn unreadable(&mut self, event: i64, why: String) {
        self.result.events += 1;
        self.find(Finding::EventUnreadable { event, why });
    }

    fn missing(&mut self, link: &Link, first: i64, last: i64) {
        let (chain, number) = (link.chain.clone(), link.number);
        self.find(Finding::EventsMissing { chain, number, first, last });
    }

    fn finish(mut self) -> Verification {
        let redacted = Ranges::of_ranges(std::mem::take(&mut self.redacted));
        for (first, last) in self.blank.without(&redacted).iter() {
            self.find(Finding::PayloadsBlank { first, last });
        }
        let mut anchored: Vec<&ChainHead> = self.anchored.values().copied().collect();
        anchored.sort_unstable_by(|a, b| a.chain.cmp(&b.chain));
        for ChainHead { chain, number: anchored, .. } in anchored {
            let (chain, anchored) = (chain.clone(), *anchored);
            match self.heads.get(&chain).map(|head| head.number) {
                None => self.find(Finding::ChainVanished { chain, anchored }),
                Some(number) if number < anchored => {
                    self.find(Finding::TailMissing { chain, number, anchored });
                }
                Some(_) => {}
            }
        }
        self.result.chains = u64::try_from(self.heads.len()).unwrap_or(u64::MAX);
        self.result
    }
}
