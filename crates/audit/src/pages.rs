//! Events and links in order, fetched a page at a time, so that a log of any size is walked in little memory.

use std::collections::VecDeque;

use bursar_store::{Param, StoreError, Timestamp, Tx};

use crate::event::StoredEvent;
use crate::reading::{event_columns, read_event};

const EVENTS_A_PAGE: i64 = 500;
const LINKS_A_PAGE: i64 = 1_000;

/// A link as it is stored.
#[derive(Clone, Debug)]
pub struct Link {
    pub chain: String,
    pub number: i64,
    pub first_event: i64,
    pub last_event: i64,
    pub previous: Vec<u8>,
    pub hash: Vec<u8>,
    pub at: Timestamp,
}

/// An event's number, and the event or why it does not decode.
pub type Read = (i64, Result<StoredEvent, String>);

/// All events by number.
pub struct EventPages {
    fetched: VecDeque<Read>,
    /// The least number of the next page, while there may be one.
    from: Option<i64>,
}

impl EventPages {
    /// From the first event on.
    pub fn new() -> EventPages {
        EventPages { fetched: VecDeque::new(), from: Some(i64::MIN) }
    }

    /// Takes the next event if its number is at most `limit`.
    pub fn next_up_to(&mut self, tx: &mut Tx<'_>, limit: i64) -> Result<Option<Read>, StoreError> {
        if self.fetched.is_empty()
            && let Some(from) = self.from
        {
            self.fetch(tx, from)?;
        }
        let is_next = self.fetched.front().is_some_and(|(id, _)| *id <= limit);
        Ok(if is_next { self.fetched.pop_front() } else { None })
    }

    fn fetch(&mut self, tx: &mut Tx<'_>, from: i64) -> Result<(), StoreError> {
        let sql =
            concat!("SELECT ", event_columns!(), " FROM audit_events WHERE id >= $1 ORDER BY id LIMIT $2");
        let page = tx.query(sql, &[from.into(), EVENTS_A_PAGE.into()], |row| {
            Ok((row.get::<i64>(0)?, read_event(row).map_err(|error| error.to_string())))
        })?;
        self.from = page.last().and_then(|(id, _)| id.checked_add(1));
        self.fetched = page.into();
        Ok(())
    }
}

/// All links by the first event under them.
#[derive(Default)]
pub struct LinkPages {
    fetched: VecDeque<Result<Link, String>>,
    last: Option<(i64, String, i64)>,
    is_end: bool,
}

impl LinkPages {
    /// Takes the next link. After one that does not decode, no more come: where to go on is unknown.
    pub fn next(&mut self, tx: &mut Tx<'_>) -> Result<Option<Result<Link, String>>, StoreError> {
        if self.fetched.is_empty() && !self.is_end {
            self.fetch(tx)?;
        }
        let next = self.fetched.pop_front();
        match &next {
            Some(Ok(link)) => self.last = Some((link.first_event, link.chain.clone(), link.number)),
            Some(Err(_)) => {
                self.fetched.clear();
                self.is_end = true;
            }
            None => {}
        }
        Ok(next)
    }

    fn fetch(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let sql = "SELECT chain, number, first_event, last_event, previous, hash, at FROM audit_links \
                   WHERE (first_event, chain, number) > ($1, $2, $3) ORDER BY first_event, chain, number LIMIT $4";
        let (event, chain, number) = self.last.clone().unwrap_or((i64::MIN, String::new(), i64::MIN));
        let params = [event.into(), Param::Text(&chain), number.into(), LINKS_A_PAGE.into()];
        let page = tx.query(sql, &params, |row| {
            let link = || {
                Ok::<_, StoreError>(Link {
                    chain: row.get(0)?,
                    number: row.get(1)?,
                    first_event: row.get(2)?,
                    last_event: row.get(3)?,
                    previous: row.get(4)?,
                    hash: row.get(5)?,
                    at: row.get(6)?,
                })
            };
            Ok(link().map_err(|error| error.to_string()))
        })?;
        self.is_end = page.is_empty();
        self.fetched = page.into();
        Ok(())
    }
}
