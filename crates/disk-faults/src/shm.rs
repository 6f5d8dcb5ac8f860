//! The WAL's shared memory: volatile regions and their eight locks, per database file.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use crate::locks::{Blocked, HandleId, blocked};
use crate::names::InodeId;

/// Memory that SQLite reads and writes through raw pointers; it lives as long as any handle that mapped it.
#[derive(Debug, Default)]
pub(crate) struct Regions(Mutex<Vec<Box<[AtomicU64]>>>);

impl Regions {
    /// The start of region `index`, made (zeroed) with all before it if `extend`; `None` if it is not there.
    pub(crate) fn map(&self, index: usize, bytes: usize, extend: bool) -> Option<*mut c_void> {
        let mut regions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while extend && regions.len() <= index {
            regions.push((0..bytes.div_ceil(8)).map(|_| AtomicU64::new(0)).collect());
        }
        regions.get(index).map(|region| region.as_ptr().cast_mut().cast())
    }
}

/// What to do with some of the eight lock slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Shared,
    Exclusive,
    Unlock,
}

#[derive(Debug)]
struct User {
    handle: HandleId,
    shared: u32,
    exclusive: u32,
    thread: ThreadId,
}

#[derive(Debug, Default)]
struct Shared {
    regions: Arc<Regions>,
    users: Vec<User>,
}

/// The shared memory of all databases.
#[derive(Debug, Default)]
pub(crate) struct SharedMemory {
    files: BTreeMap<InodeId, Shared>,
}

impl SharedMemory {
    /// Attaches a handle and gives the regions of its file.
    pub(crate) fn attach(&mut self, file: InodeId, handle: HandleId) -> Arc<Regions> {
        let shared = self.files.entry(file).or_default();
        if !shared.users.iter().any(|user| user.handle == handle) {
            let thread = thread::current().id();
            shared.users.push(User { handle, shared: 0, exclusive: 0, thread });
        }
        Arc::clone(&shared.regions)
    }

    /// Detaches a handle with its locks; with the last one the memory is gone.
    pub(crate) fn detach(&mut self, file: InodeId, handle: HandleId) {
        if let Some(shared) = self.files.get_mut(&file) {
            shared.users.retain(|user| user.handle != handle);
            if shared.users.is_empty() {
                self.files.remove(&file);
            }
        }
    }

    /// Takes or gives up the lock slots in `mask` for an attached handle; all of them or none.
    pub(crate) fn lock(
        &mut self,
        file: InodeId,
        handle: HandleId,
        mask: u32,
        wish: Wish,
    ) -> Result<(), Blocked> {
        self.conflict(file, handle, mask, wish)?;
        let users = self.files.get_mut(&file).map(|shared| &mut shared.users);
        if let Some(mine) = users.into_iter().flatten().find(|user| user.handle == handle) {
            mine.thread = thread::current().id();
            match wish {
                Wish::Unlock => (mine.shared, mine.exclusive) = (mine.shared & !mask, mine.exclusive & !mask),
                Wish::Shared => mine.shared |= mask,
                Wish::Exclusive => mine.exclusive |= mask,
            }
        }
        Ok(())
    }

    /// Whether another handle's locks forbid the wish.
    pub(crate) fn conflict(
        &self,
        file: InodeId,
        handle: HandleId,
        mask: u32,
        wish: Wish,
    ) -> Result<(), Blocked> {
        let users = self.files.get(&file).map(|shared| &shared.users);
        let others = users.into_iter().flatten().filter(|user| user.handle != handle);
        let in_the_way = others.filter(|user| match wish {
            Wish::Unlock => false,
            Wish::Shared => user.exclusive & mask != 0,
            Wish::Exclusive => (user.exclusive | user.shared) & mask != 0,
        });
        blocked(in_the_way.map(|user| user.thread))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: InodeId = 1;
    const SAME_THREAD: Result<(), Blocked> = Err(Blocked { by_other_thread: false });

    fn two_users() -> SharedMemory {
        let mut memory = SharedMemory::default();
        memory.attach(FILE, 1);
        memory.attach(FILE, 2);
        memory
    }

    #[test]
    fn an_exclusive_slot_excludes_everyone_and_a_shared_one_only_writers() {
        let mut memory = two_users();
        assert_eq!(memory.lock(FILE, 1, 0b001, Wish::Exclusive), Ok(()));
        assert_eq!(memory.lock(FILE, 2, 0b001, Wish::Shared), SAME_THREAD);
        assert_eq!(memory.lock(FILE, 1, 0b010, Wish::Shared), Ok(()));
        assert_eq!(memory.lock(FILE, 2, 0b010, Wish::Shared), Ok(()));
        assert_eq!(memory.lock(FILE, 2, 0b110, Wish::Exclusive), SAME_THREAD);
        assert_eq!(memory.lock(FILE, 1, 0b011, Wish::Unlock), Ok(()));
        assert_eq!(memory.lock(FILE, 2, 0b001, Wish::Exclusive), Ok(()));
    }

    #[test]
    fn everyone_sees_the_same_zeroed_memory_and_it_goes_with_the_last_user() {
        let mut memory = two_users();
        let first = memory.attach(FILE, 1);
        assert!(first.map(0, 32768, false).is_none());
        assert!(first.map(1, 32768, true).is_some());
        assert!(Arc::ptr_eq(&first, &memory.attach(FILE, 2)));
        memory.detach(FILE, 1);
        memory.detach(FILE, 2);
        assert!(memory.attach(FILE, 3).map(0, 32768, false).is_none());
    }
}
