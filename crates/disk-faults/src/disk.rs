//! The disk as tests and the simulator hold it.

use std::fmt;
use std::sync::Arc;

use crate::crash::CrashMode;
use crate::faults::{FaultPlan, Fired};
use crate::image::DiskImage;
use crate::registry;
use crate::state::Core;

/// A simulated disk; clones are the same disk. SQLite knows it by [`Disk::vfs_name`] until the last clone is
/// dropped and the last connection closed.
#[derive(Clone)]
pub struct Disk {
    core: Arc<Core>,
}

impl Disk {
    /// An empty disk whose every choice follows from `seed`.
    pub fn new(seed: u64) -> Disk {
        Disk { core: Arc::new(Core::new(seed)) }
    }

    /// The name under which SQLite opens files on this disk; the first call registers it.
    pub fn vfs_name(&self) -> &str {
        self.core.slot.get_or_init(|| registry::register(&self.core)).name()
    }

    /// I/O steps so far: writes, syncs, truncations and deletions, failed ones included. Also the number of
    /// the next step.
    pub fn steps(&self) -> u64 {
        self.core.state().faults.steps()
    }

    /// Adds faults to those already planned.
    pub fn plan(&self, faults: FaultPlan) {
        self.core.state().faults.add(faults);
    }

    /// Forgets planned faults and ends standing ones (full disk, lying syncs). A halt stands until a crash.
    pub fn clear_faults(&self) {
        self.core.state().faults.clear();
    }

    /// The faults that struck so far, in order.
    pub fn fired(&self) -> Vec<Fired> {
        self.core.state().faults.fired().to_vec()
    }

    /// Limits the bytes of all files together; a write that would pass the limit finds the disk full.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.core.state().capacity = bytes;
    }

    /// Sets the time that SQLite reads, in Unix milliseconds. It starts at 1,700,000,000,000 and stands still.
    pub fn set_time_ms(&self, unix_ms: i64) {
        self.core.state().now_ms = unix_ms;
    }

    /// Whether the process is dead and waits for a crash to start again.
    pub fn halted(&self) -> bool {
        self.core.state().faults.halted()
    }

    /// Ends the process or the power and starts again. Handles opened before stay dead for ever, locks and
    /// shared memory are gone; faults planned for later steps, a full disk and lying syncs stay.
    pub fn crash(&self, mode: CrashMode) {
        self.core.state().crash(mode);
        self.core.released.notify_all();
    }

    /// Makes names created and deleted in the directory of `file` certain, as a program does with `fsync` on
    /// the directory after it let SQLite write a new database. No step; nothing on a halted disk.
    pub fn sync_directory(&self, file: &str) {
        let mut state = self.core.state();
        if !state.faults.halted() {
            state.names.sync(file);
            state.collect();
        }
    }

    /// A copy of all files as readers see them.
    pub fn snapshot(&self) -> DiskImage {
        self.core.state().snapshot()
    }

    /// Replaces all files by those of the image, durable; open handles die as in a crash.
    pub fn restore(&self, image: DiskImage) {
        self.core.state().restore(image);
        self.core.released.notify_all();
    }

    /// A file's bytes as readers see them; `None` if there is no such file.
    pub fn file_bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.core.state().named(name).map(|inode| inode.content().to_vec())
    }

    /// Changes bytes behind SQLite's back, on the platter too (rot, tampering). False, and nothing changes,
    /// when the file has no such bytes.
    #[must_use]
    pub fn overwrite(&self, name: &str, offset: usize, bytes: &[u8]) -> bool {
        self.core.state().rot(name, offset, bytes)
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.core.state();
        let slot = self.core.slot.get().map(|slot| slot.name());
        formatter
            .debug_struct("Disk")
            .field("vfs", &slot)
            .field("steps", &state.faults.steps())
            .field("halted", &state.faults.halted())
            .field("files", &state.snapshot())
            .finish()
    }
}
