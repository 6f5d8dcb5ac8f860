//! SQLite's sleep on a disk whose time stands still: it passes only while another thread holds the wanted lock.

use std::cell::Cell;
use std::ptr;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

use rusqlite::ffi;

use crate::handle::Handle;
use crate::locks::{Blocked, HandleId, Level};
use crate::names::InodeId;
use crate::refusal::Refusal;
use crate::shm::Wish;
use crate::state::{Core, State};

thread_local! {
    /// The lock that was last refused to this thread because of another thread.
    static TURNED_AWAY: Cell<Option<Wait>> = const { Cell::new(None) };
}

/// A lock that was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// A lock on the file.
    File(Level),
    /// Slots of its shared memory.
    Memory(u32, Wish),
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    /// Which disk; only compared.
    core: *const Core,
    boot: u64,
    file: InodeId,
    handle: HandleId,
    wanted: Wanted,
}

impl Wait {
    /// Whether another thread still holds the lock; nothing this thread holds is worth waiting for.
    fn lasts(&self, state: &State) -> bool {
        let conflict = match self.wanted {
            Wanted::File(level) => state.locks.conflict(self.file, self.handle, level),
            Wanted::Memory(mask, wish) => state.shared_memory.conflict(self.file, self.handle, mask, wish),
        };
        self.boot == state.boot && conflict.is_err_and(|blocked| blocked.by_other_thread)
    }
}

/// Remembers the refusal for the sleep that may follow, and gives its result code.
pub(crate) fn turned_away(blocked: Blocked, by: &Handle, wanted: Wanted) -> Refusal {
    let core = ptr::from_ref(by.core.as_ref());
    let wait = Wait { core, boot: by.boot, file: by.inode, handle: by.id, wanted };
    TURNED_AWAY.set(blocked.by_other_thread.then_some(wait));
    Refusal(ffi::SQLITE_BUSY)
}

/// Ends at once, or when the lock refused before is free, at the latest after `longest` of real time.
pub(crate) fn sleep(core: &Core, longest: Duration) {
    match TURNED_AWAY.take().filter(|wait| ptr::eq(wait.core, core)) {
        None => thread::yield_now(),
        Some(wait) => {
            let lasts = |state: &mut State| wait.lasts(state);
            let waited = core.released.wait_timeout_while(core.state(), longest, lasts);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }
}
