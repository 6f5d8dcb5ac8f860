//! Everything a disk holds: files, names, locks, shared memory, faults, and the seeded choices.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::ffi;

use crate::crash::{CrashMode, Odds};
use crate::faults::{Schedule, Step, Verdict};
use crate::image::DiskImage;
use crate::inode::Inode;
use crate::locks::FileLocks;
use crate::names::{InodeId, Names};
use crate::random::Random;
use crate::refusal::Refusal;
use crate::registry::{self, Slot};
use crate::shm::SharedMemory;

/// The clock at the start: 2023-11-14T22:13:20Z in Unix milliseconds.
const START_MS: i64 = 1_700_000_000_000;

/// What a `Disk` and all open handles share; with the last of them it leaves SQLite's list of systems.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) slot: OnceLock<&'static Slot>,
    /// Wakes threads that wait for a lock.
    pub(crate) released: Condvar,
    state: Mutex<State>,
}

impl Core {
    pub(crate) fn new(seed: u64) -> Core {
        let state = Mutex::new(State::new(seed));
        Core { slot: OnceLock::new(), released: Condvar::new(), state }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            registry::retire(slot);
        }
    }
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) faults: Schedule,
    pub(crate) locks: FileLocks,
    pub(crate) shared_memory: SharedMemory,
    pub(crate) names: Names,
    pub(crate) now_ms: i64,
    pub(crate) capacity: Option<u64>,
    /// Which run of the process this is; handles of an earlier one are dead.
    pub(crate) boot: u64,
    /// What SQLite gets when it asks for randomness.
    pub(crate) entropy: Random,
    choices: Random,
    inodes: BTreeMap<InodeId, Inode>,
    last_inode: InodeId,
    last_handle: u64,
}

impl State {
    fn new(seed: u64) -> State {
        let mut root = Random::new(seed);
        State {
            faults: Schedule::default(),
            locks: FileLocks::default(),
            shared_memory: SharedMemory::default(),
            names: Names::default(),
            now_ms: START_MS,
            capacity: None,
            boot: 0,
            entropy: Random::new(root.bits()),
            choices: Random::new(root.bits()),
            inodes: BTreeMap::new(),
            last_inode: 0,
            last_handle: 0,
        }
    }

    /// Fails with `code` when the caller belongs to a run of the process that is over.
    pub(crate) fn alive(&self, boot: u64, code: i32) -> Result<(), Refusal> {
        if self.faults.halted() || self.boot != boot { Err(Refusal(code)) } else { Ok(()) }
    }

    pub(crate) fn inode(&mut self, id: InodeId, code: i32) -> Result<&mut Inode, Refusal> {
        self.inodes.get_mut(&id).ok_or(Refusal(code))
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Inode> {
        self.inodes.get(&self.names.get(name)?)
    }

    /// A new empty file, linked under `name` if it has one.
    pub(crate) fn create(&mut self, name: Option<&str>) -> InodeId {
        self.last_inode += 1;
        self.inodes.insert(self.last_inode, Inode::new(name.is_none()));
        if let Some(name) = name {
            self.names.link(name, self.last_inode);
        }
        self.last_inode
    }

    pub(crate) fn next_handle(&mut self) -> u64 {
        self.last_handle += 1;
        self.last_handle
    }

    pub(crate) fn write(&mut self, id: InodeId, offset: usize, bytes: &[u8]) -> Result<(), Refusal> {
        let failed = Refusal(ffi::SQLITE_IOERR_WRITE);
        let verdict = self.faults.next(Step::Write);
        if matches!(verdict, Verdict::Proceed | Verdict::Lose) {
            self.room(id, offset.saturating_add(bytes.len()))?;
        }
        let inode = self.inode(id, failed.0)?;
        match verdict {
            Verdict::Proceed => inode.write(offset, bytes),
            Verdict::Lose => inode.write_unkept(offset, bytes),
            Verdict::Tear(count) => {
                inode.write(offset, &bytes[..count.min(bytes.len())]);
                return Err(failed);
            }
            Verdict::Full => return Err(Refusal(ffi::SQLITE_FULL)),
            Verdict::Refuse | Verdict::Dead => return Err(failed),
        }
        Ok(())
    }

    pub(crate) fn truncate(&mut self, id: InodeId, len: usize) -> Result<(), Refusal> {
        let failed = Refusal(ffi::SQLITE_IOERR_TRUNCATE);
        if self.faults.next(Step::Truncate) != Verdict::Proceed {
            return Err(failed);
        }
        self.inode(id, failed.0)?.resize(len);
        Ok(())
    }

    /// Syncs a file and, when `directory_of` names one, the directory that holds it.
    pub(crate) fn sync(&mut self, id: InodeId, directory_of: Option<&str>) -> Result<(), Refusal> {
        let failed = Refusal(ffi::SQLITE_IOERR_FSYNC);
        let verdict = self.faults.next(Step::Sync);
        let inode = self.inodes.get_mut(&id).ok_or(failed)?;
        match verdict {
            Verdict::Lose => return Ok(()),
            Verdict::Proceed => inode.sync(),
            Verdict::Refuse => {
                inode.fail_sync(&mut self.choices);
                return Err(failed);
            }
            Verdict::Tear(_) | Verdict::Full | Verdict::Dead => return Err(failed),
        }
        if let Some(name) = directory_of {
            self.names.sync(name);
            self.collect();
        }
        Ok(())
    }

    pub(crate) fn delete(&mut self, name: &str, sync_directory: bool) -> Result<(), Refusal> {
        if self.faults.next(Step::Delete) != Verdict::Proceed {
            return Err(Refusal(ffi::SQLITE_IOERR_DELETE));
        }
        if self.names.unlink(name).is_none() {
            return Err(Refusal(ffi::SQLITE_IOERR_DELETE_NOENT));
        }
        if sync_directory {
            self.names.sync(name);
        }
        self.collect();
        Ok(())
    }

    /// Ends the process or the power; see [`CrashMode`].
    pub(crate) fn crash(&mut self, mode: CrashMode) {
        self.end_process();
        if mode == CrashMode::PowerCut {
            let odds = Odds::draw(&mut self.choices);
            for inode in self.inodes.values_mut() {
                inode.power_cut(&mut self.choices, odds);
            }
            self.names.power_cut(&mut self.choices, odds);
        }
        self.collect();
    }

    pub(crate) fn snapshot(&self) -> DiskImage {
        let content =
            |inode: InodeId| self.inodes.get(&inode).map_or(Vec::new(), |file| file.content().to_vec());
        let files = self.names.iter().map(|(name, inode)| (name.to_owned(), content(inode))).collect();
        DiskImage { files }
    }

    /// Replaces every file, all of it durable.
    pub(crate) fn restore(&mut self, image: DiskImage) {
        self.end_process();
        self.inodes.clear();
        let mut names = BTreeMap::new();
        for (name, bytes) in image.files {
            self.last_inode += 1;
            self.inodes.insert(self.last_inode, Inode::durable(bytes));
            names.insert(name, self.last_inode);
        }
        self.names = Names::durable(names);
    }

    /// Changes bytes in place, durable at once; false when the file does not have them.
    pub(crate) fn rot(&mut self, name: &str, offset: usize, bytes: &[u8]) -> bool {
        let Some(inode) = self.names.get(name).and_then(|id| self.inodes.get_mut(&id)) else { return false };
        inode.rot(offset, bytes)
    }

    /// Forgets files that no name and no handle can reach.
    pub(crate) fn collect(&mut self) {
        let State { inodes, names, .. } = self;
        inodes.retain(|id, inode| inode.handles > 0 || names.mentions(*id));
    }

    fn end_process(&mut self) {
        self.boot += 1;
        self.faults.restart();
        self.locks = FileLocks::default();
        self.shared_memory = SharedMemory::default();
        for inode in self.inodes.values_mut() {
            inode.handles = 0;
        }
    }

    /// Whether the file may reach `end` bytes within the capacity; bytes it already has cost nothing.
    fn room(&self, id: InodeId, end: usize) -> Result<(), Refusal> {
        let Some(capacity) = self.capacity else { return Ok(()) };
        let current = self.inodes.get(&id).map_or(0, |inode| inode.content().len());
        if end <= current {
            return Ok(());
        }
        let used: usize = self.inodes.values().map(|inode| inode.content().len()).sum();
        let wanted = used.saturating_add(end - current);
        if u64::try_from(wanted).is_ok_and(|wanted| wanted <= capacity) {
            Ok(())
        } else {
            Err(Refusal(ffi::SQLITE_FULL))
        }
    }
}
