//! File locks between the handles of one process, with SQLite's five levels.

use std::ffi::c_int;
use std::thread::{self, ThreadId};

use rusqlite::ffi;

use crate::names::InodeId;

/// A handle's number.
pub(crate) type HandleId = u64;

/// How strongly a handle holds a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    None,
    Shared,
    Reserved,
    Pending,
    Exclusive,
}

impl Level {
    pub(crate) fn from_code(code: c_int) -> Option<Level> {
        match code {
            ffi::SQLITE_LOCK_NONE => Some(Level::None),
            ffi::SQLITE_LOCK_SHARED => Some(Level::Shared),
            ffi::SQLITE_LOCK_RESERVED => Some(Level::Reserved),
            ffi::SQLITE_LOCK_PENDING => Some(Level::Pending),
            ffi::SQLITE_LOCK_EXCLUSIVE => Some(Level::Exclusive),
            _ => None,
        }
    }
}

/// A lock that another handle's lock forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// Whether a holder belongs to another thread, so that waiting can help.
    pub(crate) by_other_thread: bool,
}

#[derive(Debug)]
struct Held {
    file: InodeId,
    handle: HandleId,
    level: Level,
    thread: ThreadId,
}

/// The locks on all files.
#[derive(Debug, Default)]
pub(crate) struct FileLocks {
    held: Vec<Held>,
}

impl FileLocks {
    /// Raises a handle's lock to `wanted`. A writer that only waits for readers keeps Pending, so that no
    /// new reader starts.
    pub(crate) fn acquire(&mut self, file: InodeId, handle: HandleId, wanted: Level) -> Result<(), Blocked> {
        let mine = self.level(file, handle);
        if mine >= wanted {
            return Ok(());
        }
        if wanted == Level::Exclusive && mine == Level::Reserved {
            self.set(file, handle, Level::Pending);
        }
        self.conflict(file, handle, wanted)?;
        self.set(file, handle, wanted);
        Ok(())
    }

    /// Whether another handle's lock forbids `wanted`.
    pub(crate) fn conflict(&self, file: InodeId, handle: HandleId, wanted: Level) -> Result<(), Blocked> {
        match wanted {
            Level::None | Level::Pending => Ok(()),
            Level::Shared => self.forbid(file, handle, Level::Pending),
            Level::Reserved => self.forbid(file, handle, Level::Reserved),
            Level::Exclusive => self.forbid(file, handle, Level::Shared),
        }
    }

    /// Lowers a handle's lock; true when that may let others go on.
    pub(crate) fn release(&mut self, file: InodeId, handle: HandleId, to: Level) -> bool {
        if self.level(file, handle) <= to {
            return false;
        }
        if to == Level::None {
            self.held.retain(|held| !(held.file == file && held.handle == handle));
        } else {
            self.set(file, handle, to);
        }
        true
    }

    /// Whether any handle is writing or about to.
    pub(crate) fn reserved(&self, file: InodeId) -> bool {
        self.held.iter().any(|held| held.file == file && held.level >= Level::Reserved)
    }

    fn level(&self, file: InodeId, handle: HandleId) -> Level {
        let mine = self.held.iter().find(|held| held.file == file && held.handle == handle);
        mine.map_or(Level::None, |held| held.level)
    }

    fn set(&mut self, file: InodeId, handle: HandleId, level: Level) {
        let thread = thread::current().id();
        match self.held.iter_mut().find(|held| held.file == file && held.handle == handle) {
            Some(mine) => (mine.level, mine.thread) = (level, thread),
            None => self.held.push(Held { file, handle, level, thread }),
        }
    }

    /// Refuses when another handle holds `floor` or more.
    fn forbid(&self, file: InodeId, handle: HandleId, floor: Level) -> Result<(), Blocked> {
        let others = self.held.iter().filter(|held| held.file == file && held.handle != handle);
        blocked(others.filter(|held| held.level >= floor).map(|held| held.thread))
    }
}

/// The refusal by the threads that hold conflicting locks; fine when there are none.
pub(crate) fn blocked(holders: impl Iterator<Item = ThreadId>) -> Result<(), Blocked> {
    let current = thread::current().id();
    match holders.map(|holder| holder != current).reduce(|some, other| some | other) {
        None => Ok(()),
        Some(by_other_thread) => Err(Blocked { by_other_thread }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: InodeId = 1;
    const SAME_THREAD: Result<(), Blocked> = Err(Blocked { by_other_thread: false });

    #[test]
    fn one_writer_and_many_readers_share_a_file_until_the_writer_commits() {
        let mut locks = FileLocks::default();
        assert_eq!(locks.acquire(FILE, 1, Level::Shared), Ok(()));
        assert_eq!(locks.acquire(FILE, 2, Level::Shared), Ok(()));
        assert_eq!(locks.acquire(FILE, 1, Level::Reserved), Ok(()));
        assert_eq!(locks.acquire(FILE, 2, Level::Reserved), SAME_THREAD);
        assert_eq!(locks.acquire(FILE, 3, Level::Shared), Ok(()));
        assert!(locks.reserved(FILE));
    }

    #[test]
    fn a_waiting_writer_keeps_new_readers_out_and_goes_on_when_the_old_ones_leave() {
        let mut locks = FileLocks::default();
        for (handle, level) in [(1, Level::Shared), (2, Level::Shared), (1, Level::Reserved)] {
            assert_eq!(locks.acquire(FILE, handle, level), Ok(()));
        }
        assert_eq!(locks.acquire(FILE, 1, Level::Exclusive), SAME_THREAD);
        assert_eq!(locks.acquire(FILE, 3, Level::Shared), SAME_THREAD);
        assert!(locks.release(FILE, 2, Level::None));
        assert_eq!(locks.acquire(FILE, 1, Level::Exclusive), Ok(()));
        assert!(locks.release(FILE, 1, Level::Shared));
        assert_eq!(locks.acquire(FILE, 3, Level::Shared), Ok(()));
    }

    #[test]
    fn two_readers_cannot_both_roll_back_a_hot_journal() {
        let mut locks = FileLocks::default();
        assert_eq!(locks.acquire(FILE, 1, Level::Shared), Ok(()));
        assert_eq!(locks.acquire(FILE, 2, Level::Shared), Ok(()));
        assert_eq!(locks.acquire(FILE, 1, Level::Exclusive), SAME_THREAD);
        assert!(!locks.reserved(FILE), "a refused roll-back keeps no writer's lock");
    }

    #[test]
    fn files_do_not_lock_each_other() {
        let mut locks = FileLocks::default();
        assert_eq!(locks.acquire(1, 1, Level::Exclusive), Ok(()));
        assert_eq!(locks.acquire(2, 2, Level::Exclusive), Ok(()));
    }
}
