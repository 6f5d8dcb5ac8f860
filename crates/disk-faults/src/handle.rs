//! One open file as SQLite sees it: every call checked against the life of its process.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use rusqlite::ffi;

use crate::locks::{HandleId, Level};
use crate::names::InodeId;
use crate::refusal::Refusal;
use crate::shm::{Regions, Wish};
use crate::state::{Core, State};
use crate::waiting::{self, Wanted};

/// An open file.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) core: Arc<Core>,
    pub(crate) id: HandleId,
    pub(crate) inode: InodeId,
    pub(crate) boot: u64,
    name: Option<String>,
    read_only: bool,
    delete_on_close: bool,
    /// A journal or WAL that this handle might have created: its first sync makes the name certain, as on Unix.
    unsynced_name: bool,
    regions: Option<Arc<Regions>>,
}

impl Handle {
    /// Opens a file by SQLite's open flags; a file without a name is temporary.
    pub(crate) fn open(core: Arc<Core>, name: Option<String>, flags: c_int) -> Result<Handle, Refusal> {
        let has = |flag: c_int| flags & flag != 0;
        let journal = ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL;
        let refused = Refusal(ffi::SQLITE_CANTOPEN);
        let mut state = core.state();
        state.alive(state.boot, refused.0)?;
        let existing = name.as_deref().and_then(|name| state.names.get(name));
        let inode = match existing {
            Some(_) if has(ffi::SQLITE_OPEN_EXCLUSIVE) && has(ffi::SQLITE_OPEN_CREATE) => {
                return Err(refused);
            }
            Some(inode) => inode,
            None if has(ffi::SQLITE_OPEN_CREATE) || name.is_none() => state.create(name.as_deref()),
            None => return Err(refused),
        };
        state.inode(inode, refused.0)?.handles += 1;
        let (id, boot) = (state.next_handle(), state.boot);
        drop(state);
        Ok(Handle {
            core,
            id,
            inode,
            boot,
            read_only: has(ffi::SQLITE_OPEN_READONLY),
            delete_on_close: has(ffi::SQLITE_OPEN_DELETEONCLOSE),
            unsynced_name: has(ffi::SQLITE_OPEN_CREATE) && has(journal),
            name,
            regions: None,
        })
    }

    /// Lets go of locks and memory; a handle of a dead process changes nothing.
    pub(crate) fn close(mut self) {
        self.detach_memory();
        let mut state = self.core.state();
        if state.boot != self.boot {
            return;
        }
        self.let_go(&mut state, Level::None);
        if let Ok(inode) = state.inode(self.inode, ffi::SQLITE_IOERR_CLOSE) {
            inode.handles = inode.handles.saturating_sub(1);
        }
        if self.delete_on_close && !state.faults.halted() {
            self.name.as_deref().map(|name| state.names.unlink(name));
        }
        state.collect();
    }

    /// Fills `target` from `offset`; what lies past the end is zero and answered as a short read.
    pub(crate) fn read(&self, offset: usize, target: &mut [u8]) -> Result<(), Refusal> {
        let mut state = self.core.state();
        state.alive(self.boot, ffi::SQLITE_IOERR_READ)?;
        let count = state.inode(self.inode, ffi::SQLITE_IOERR_READ)?.read(offset, target);
        if count < target.len() { Err(Refusal(ffi::SQLITE_IOERR_SHORT_READ)) } else { Ok(()) }
    }

    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), Refusal> {
        let mut state = self.core.state();
        state.alive(self.boot, ffi::SQLITE_IOERR_WRITE)?;
        self.writable()?;
        state.write(self.inode, offset, bytes)
    }

    pub(crate) fn truncate(&self, len: usize) -> Result<(), Refusal> {
        let mut state = self.core.state();
        state.alive(self.boot, ffi::SQLITE_IOERR_TRUNCATE)?;
        self.writable()?;
        state.truncate(self.inode, len)
    }

    pub(crate) fn sync(&mut self) -> Result<(), Refusal> {
        let mut state = self.core.state();
        state.alive(self.boot, ffi::SQLITE_IOERR_FSYNC)?;
        let directory_of = self.name.as_deref().filter(|_| self.unsynced_name);
        state.sync(self.inode, directory_of)?;
        self.unsynced_name = false;
        Ok(())
    }

    pub(crate) fn size(&self) -> Result<usize, Refusal> {
        let mut state = self.core.state();
        state.alive(self.boot, ffi::SQLITE_IOERR_FSTAT)?;
        Ok(state.inode(self.inode, ffi::SQLITE_IOERR_FSTAT)?.content().len())
    }

    pub(crate) fn lock(&self, level: Level) -> Result<(), Refusal> {
        let mut state = self.core.state();
        state.alive(self.boot, ffi::SQLITE_IOERR_LOCK)?;
        let outcome = state.locks.acquire(self.inode, self.id, level);
        outcome.map_err(|blocked| waiting::turned_away(blocked, self, Wanted::File(level)))
    }

    pub(crate) fn unlock(&self, level: Level) -> Result<(), Refusal> {
        let mut state = self.core.state();
        state.alive(self.boot, ffi::SQLITE_IOERR_UNLOCK)?;
        self.let_go(&mut state, level);
        Ok(())
    }

    pub(crate) fn reserved(&self) -> Result<bool, Refusal> {
        let state = self.core.state();
        state.alive(self.boot, ffi::SQLITE_IOERR_CHECKRESERVEDLOCK)?;
        Ok(state.locks.reserved(self.inode))
    }

    pub(crate) fn map_memory(
        &mut self,
        index: usize,
        bytes: usize,
        extend: bool,
    ) -> Result<Option<*mut c_void>, Refusal> {
        let mut state = self.core.state();
        state.alive(self.boot, ffi::SQLITE_IOERR_SHMMAP)?;
        let regions = self.regions.get_or_insert_with(|| state.shared_memory.attach(self.inode, self.id));
        Ok(regions.map(index, bytes, extend))
    }

    pub(crate) fn lock_memory(&self, mask: u32, wish: Wish) -> Result<(), Refusal> {
        let mut state = self.core.state();
        state.alive(self.boot, ffi::SQLITE_IOERR_SHMLOCK)?;
        let outcome = state.shared_memory.lock(self.inode, self.id, mask, wish);
        if wish == Wish::Unlock {
            self.core.released.notify_all();
        }
        outcome.map_err(|blocked| waiting::turned_away(blocked, self, Wanted::Memory(mask, wish)))
    }

    pub(crate) fn detach_memory(&mut self) {
        if self.regions.take().is_none() {
            return;
        }
        let mut state = self.core.state();
        if state.boot == self.boot {
            state.shared_memory.detach(self.inode, self.id);
            self.core.released.notify_all();
        }
    }

    fn let_go(&self, state: &mut State, level: Level) {
        if state.locks.release(self.inode, self.id, level) {
            self.core.released.notify_all();
        }
    }

    fn writable(&self) -> Result<(), Refusal> {
        if self.read_only { Err(Refusal(ffi::SQLITE_READONLY)) } else { Ok(()) }
    }
}
