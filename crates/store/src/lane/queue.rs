//! The bounded queue before a lane and the thread that empties it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::{LaneFault, Work, run_batch};
use crate::{Store, StoreError};

/// Sizes of a lane.
#[derive(Clone, Copy, Debug)]
pub struct LaneOptions {
    /// Commands that may wait; one more is refused.
    pub queue_max: usize,
    /// Commands in one transaction.
    pub batch_max: usize,
}

impl Default for LaneOptions {
    fn default() -> Self {
        LaneOptions { queue_max: 8_192, batch_max: 1_024 }
    }
}

/// The queue is full: answer 503 and let the caller come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lane's queue is full")]
pub struct Full;

type OnReply<W> = Box<dyn FnOnce(Result<<W as Work>::Reply, LaneFault>) + Send>;
type Waiting<W> = (<W as Work>::Command, OnReply<W>);

/// A running lane. Dropping it lets what waits finish first.
pub struct Lane<W: Work> {
    queue: Option<Sender<Waiting<W>>>,
    thread: Option<JoinHandle<()>>,
}

impl<W: Work> Lane<W> {
    /// Starts the lane's thread.
    pub fn start(store: Arc<Store>, work: W, options: LaneOptions) -> Result<Lane<W>, StoreError> {
        let (queue, waiting) = bounded(options.queue_max);
        let thread = std::thread::Builder::new()
            .name(work.unit().into())
            .spawn(move || {
                // A lane that panicked has broken an invariant nobody named; its batch is not committed.
                let ran = catch_unwind(AssertUnwindSafe(|| empty(&store, work, &waiting, options.batch_max)));
                if ran.is_err() {
                    crate::fail_stop("a lane panicked while deciding or saving a batch");
                }
            })
            .map_err(|error| StoreError::Unavailable(format!("lane thread: {error}")))?;
        Ok(Lane { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a command. Once queued it is never abandoned: `on_reply` is called exactly once, from the lane's thread,
    /// after its batch is durable or has failed (invariant DURABLE).
    pub fn submit(
        &self,
        command: W::Command,
        on_reply: impl FnOnce(Result<W::Reply, LaneFault>) + Send + 'static,
    ) -> Result<(), Full> {
        let Some(queue) = &self.queue else {
            on_reply(Err(LaneFault::Closed));
            return Ok(());
        };
        match queue.try_send((command, Box::new(on_reply))) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Full),
            Err(TrySendError::Disconnected((_, on_reply))) => {
                on_reply(Err(LaneFault::Closed));
                Ok(())
            }
        }
    }

    /// Queues a command and waits for its reply.
    pub fn call(&self, command: W::Command) -> Result<W::Reply, LaneFault> {
        let (give, take) = bounded(1);
        self.submit(command, move |reply| {
            // The caller waits below, so the receiver lives.
            let _ = give.send(reply);
        })
        .map_err(|full| LaneFault::Unavailable(full.to_string()))?;
        take.recv().unwrap_or(Err(LaneFault::Closed))
    }

    /// Commands that wait now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.as_ref().map_or(0, Sender::len)
    }
}

impl<W: Work> Drop for Lane<W> {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the lane's thread has been reported where it happened.
            let _ = thread.join();
        }
    }
}

fn empty<W: Work>(store: &Store, mut work: W, waiting: &Receiver<Waiting<W>>, batch_max: usize) {
    while let Ok(first) = waiting.recv() {
        let (mut commands, mut answers) = (Vec::with_capacity(64), Vec::with_capacity(64));
        for (command, on_reply) in
            std::iter::once(first).chain(waiting.try_iter().take(batch_max.saturating_sub(1)))
        {
            commands.push(command);
            answers.push(on_reply);
        }
        let replies = run_batch(store, &mut work, &commands);
        for (on_reply, reply) in answers.into_iter().zip(replies) {
            on_reply(reply);
        }
    }
}
