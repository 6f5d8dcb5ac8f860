//! A fixed number of connections, lent out one at a time and opened when first needed.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::StoreError;

/// Places for connections; each is empty until its first borrower opens one.
pub struct Pool<T> {
    free: Receiver<Option<T>>,
    back: Sender<Option<T>>,
    wait: Duration,
}

/// A place that is ours until it is dropped.
pub struct Place<'a, T> {
    /// The connection in it; whoever leaves `None` behind makes the next borrower open one.
    pub connection: Option<T>,
    back: &'a Sender<Option<T>>,
}

impl<T> Pool<T> {
    /// At most `size` connections, at least one; a borrower waits up to `wait` for a place.
    pub fn new(size: usize, wait: Duration) -> Pool<T> {
        let (back, free) = bounded(size.max(1));
        for _ in 0..size.max(1) {
            // The channel holds exactly this many places, so this cannot be full.
            let _ = back.send(None);
        }
        Pool { free, back, wait }
    }

    /// Borrows a place.
    pub fn take(&self) -> Result<Place<'_, T>, StoreError> {
        self.take_before(Instant::now() + self.wait)
    }

    /// Borrows a place that comes free before `deadline`. Whoever comes first is served first, and the place that lay
    /// longest is lent first.
    pub fn take_before(&self, deadline: Instant) -> Result<Place<'_, T>, StoreError> {
        match self.free.recv_deadline(deadline) {
            Ok(connection) => Ok(Place { connection, back: &self.back }),
            Err(_) => {
                Err(StoreError::Unavailable("every database connection of this process is busy".into()))
            }
        }
    }

    /// Closes the connections that nobody has borrowed.
    pub fn empty_idle(&self) {
        let idle: Vec<Option<T>> = self.free.try_iter().collect();
        for connection in idle {
            drop(connection);
            // It was taken from the channel, so there is room for it.
            let _ = self.back.send(None);
        }
    }
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        // A panic may have left a transaction open, so its connection is closed; the place is given back.
        let connection = self.connection.take().filter(|_| !std::thread::panicking());
        let _ = self.back.send(connection);
    }
}
