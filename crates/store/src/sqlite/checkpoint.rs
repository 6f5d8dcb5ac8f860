//! The one owner of checkpoints: copies the write-ahead log into the database beside the writer, and caps its size.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use parking_lot::Mutex;

use super::connection::Connection;
use crate::StoreError;

/// Rows written since the last copy from which the log is copied; each dirties a page at most a few times.
const COPY_FROM_WRITES: u64 = 16_384;
/// Copies beside the writer before one gives up catching up with it for now.
const PASSES_MAX: u32 = 6;
/// Pages left over by a copy up to which the writer may wait for the rest, so that the log starts over.
const REST_PAGES: i64 = 512;
/// Pages in the log (of 4 KiB) from which the writer waits whatever is left.
const WAIT_FROM_PAGES: i64 = 131_072;

/// A thread with a connection of its own.
pub struct Checkpointer {
    writes: Arc<AtomicU64>,
    wake: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread.
    pub fn start(path: &Path, writer: Arc<Mutex<Connection>>) -> Result<Checkpointer, StoreError> {
        let connection = Connection::open(path, None, false, Duration::from_secs(1))?;
        connection.configure_writer(1_024)?;
        let writes = Arc::new(AtomicU64::new(0));
        let (pending, (wake, woken)) = (Arc::clone(&writes), bounded(1));
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(&connection, &pending, &writer, &woken))
            .map_err(|error| StoreError::Unavailable(format!("checkpoint thread: {error}")))?;
        Ok(Checkpointer { writes, wake: Some(wake), thread: Some(thread) })
    }

    /// Says that the log has grown by what `writes` changed rows need.
    pub fn note_commit(&self, writes: u64) {
        let pending = self.writes.fetch_add(writes, Ordering::Relaxed) + writes;
        if let (true, Some(wake)) = (pending >= COPY_FROM_WRITES, &self.wake) {
            match wake.try_send(()) {
                Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been reported where it happened.
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, pending: &AtomicU64, writer: &Mutex<Connection>, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        pending.store(0, Ordering::Relaxed);
        if let Err(error) = copy(connection, writer) {
            tracing::warn!(%error, "the write-ahead log could not be copied; it keeps growing until it can");
        }
    }
}

/// Copies beside the writer, each time what was written meanwhile; when little is left, or too much has gathered,
/// finishes while the writer waits.
fn copy(connection: &Connection, writer: &Mutex<Connection>) -> Result<(), StoreError> {
    for _ in 0..PASSES_MAX {
        let (frames, copied) = connection.checkpoint()?;
        let rest = frames.saturating_sub(copied);
        if rest <= REST_PAGES || frames > WAIT_FROM_PAGES {
            let guard = writer.lock();
            connection.checkpoint()?;
            drop(guard);
            return Ok(());
        }
    }
    Ok(())
}
