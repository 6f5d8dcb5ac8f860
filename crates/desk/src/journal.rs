//! Audit events that belong to no change, such as refusals: batched on a lane, in transactions of their own.

use std::sync::Arc;

use bursar_audit::{Event, Recorder};
use bursar_store::lane::{Lane, LaneOptions, Work};
use bursar_store::{Store, StoreError, Tx};

use crate::lane_call::{LaneRefusal, call};

/// Records events that tell of no change.
#[derive(Clone)]
pub struct Journal(Arc<Lane<JournalWork>>);

impl Journal {
    /// Starts the lane; `recorder` is its own chain.
    pub fn start(store: Arc<Store>, recorder: Recorder) -> Result<Journal, StoreError> {
        Ok(Journal(Arc::new(Lane::start(store, JournalWork(recorder), LaneOptions::default())?)))
    }

    /// Records `event`; it is on disk when this returns.
    pub async fn record(&self, event: Event) -> Result<(), LaneRefusal> {
        call(&self.0, event).await
    }

    /// The same from a thread that may block.
    pub fn record_now(&self, event: Event) -> Result<(), LaneRefusal> {
        Ok(self.0.call(event)?)
    }
}

struct JournalWork(Recorder);

impl Work for JournalWork {
    type Command = Event;
    type Reply = ();

    fn unit(&self) -> &'static str {
        "desk.journal"
    }

    fn run(&mut self, tx: &mut Tx<'_>, events: &[Event]) -> Result<Vec<()>, StoreError> {
        let now = tx.reading()?;
        self.0.record(tx, events, now)?;
        Ok(vec![(); events.len()])
    }
}
