//! The one owner of checkpoints: copies the write-ahead log into the database beside the writer, and caps its size.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::connection::Connection;
use crate::StoreError;

/// Rows written since the last copy from which the log is copied; each dirties a page at most a few times.
const COPY_FROM_WRITES: u64 = 65_536;
/// Copies beside the writer before one gives up catching up with it for now.
const PASSES_MAX: u32 = 6;
/// Pages left over by a copy up to which the writer may wait for the rest, so that the log starts over.
const REST_PAGES: i64 = 2_048;
/// Pages in the log (of 4 KiB) below which it need not start over yet: starting over makes the writer wait.
const START_OVER_FROM_PAGES: i64 = 32_768;
/// Pages in the log (of 4 KiB) from which the writer waits whatever is left.
const WAIT_FROM_PAGES: i64 = 131_072;

/// How far the thread stands back for lanes and requests (nice(2)); a log that grows too much still gets its turn.
const NICENESS: i32 = 10;

/// A thread with a connection of its own.
pub struct Checkpointer {
    writes: Arc<AtomicU64>,
    /// What is left is little, or too much: the writer copies it before its next transaction.
    rest_is_writers: Arc<AtomicBool>,
    wake: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread.
    pub fn start(path: &Path) -> Result<Checkpointer, StoreError> {
        let connection = Connection::open(path, None, false, Duration::from_secs(1))?;
        connection.configure_writer(1_024)?;
        let (writes, rest_is_writers) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (pending, rest, (wake, woken)) = (Arc::clone(&writes), Arc::clone(&rest_is_writers), bounded(1));
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(&connection, &pending, &rest, &woken))
            .map_err(|error| StoreError::Unavailable(format!("checkpoint thread: {error}")))?;
        Ok(Checkpointer { writes, rest_is_writers, wake: Some(wake), thread: Some(thread) })
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

    /// Copies the rest if it is the writer's turn to, so that the log starts over.
    pub fn finish(&self, writer: &Connection) {
        if self.rest_is_writers.swap(false, Ordering::Relaxed) {
            warn_of(writer.checkpoint().map(|_| ()));
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

fn run(connection: &Connection, pending: &AtomicU64, rest_is_writers: &AtomicBool, woken: &Receiver<()>) {
    // Refused only by an unusual sandbox; then copies compete with the lanes.
    let _ = rustix::process::nice(NICENESS);
    while woken.recv().is_ok() {
        pending.store(0, Ordering::Relaxed);
        // Only one connection can copy at a time; a copy here would turn the writer away from its turn.
        if !rest_is_writers.load(Ordering::Relaxed) {
            warn_of(copy(connection, rest_is_writers));
        }
    }
}

fn warn_of(copied: Result<(), StoreError>) {
    if let Err(error) = copied {
        tracing::warn!(%error, "the write-ahead log could not be copied; it keeps growing until it can");
    }
}

/// Copies beside the writer, each time what was written meanwhile; the rest is the writer's once it is little, or when
/// too much has gathered.
fn copy(connection: &Connection, rest_is_writers: &AtomicBool) -> Result<(), StoreError> {
    for _ in 0..PASSES_MAX {
        let (frames, copied) = connection.checkpoint()?;
        if frames < START_OVER_FROM_PAGES {
            return Ok(());
        }
        if frames.saturating_sub(copied) <= REST_PAGES || frames > WAIT_FROM_PAGES {
            rest_is_writers.store(true, Ordering::Relaxed);
            return Ok(());
        }
    }
    Ok(())
}
