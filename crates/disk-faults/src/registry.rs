//! The disk's place in SQLite's list of file systems.
#![allow(unsafe_code, reason = "SQLite's VFS interface is C; this crate serves tests and simulation only")]

use std::ffi::{CString, c_int};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rusqlite::ffi;

use crate::state::Core;
use crate::vfs;

/// Slots that no disk uses. SQLite may keep a pointer to one in a connection without files, so they are
/// used again and never freed.
static FREE: Mutex<Vec<&'static Slot>> = Mutex::new(Vec::new());
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A name and a `sqlite3_vfs` that outlive every disk.
#[derive(Debug)]
pub(crate) struct Slot {
    name: CString,
    text: String,
    vfs: AtomicPtr<ffi::sqlite3_vfs>,
    core: Mutex<Weak<Core>>,
}

impl Slot {
    pub(crate) fn name(&self) -> &str {
        &self.text
    }

    /// The disk behind the slot, while it lives.
    pub(crate) fn core(&self) -> Option<Arc<Core>> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    fn serve(&self, core: Weak<Core>) {
        *self.core.lock().unwrap_or_else(PoisonError::into_inner) = core;
    }
}

/// Registers a disk with SQLite under a name of its own.
pub(crate) fn register(core: &Arc<Core>) -> &'static Slot {
    let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let slot = free.unwrap_or_else(new_slot);
    slot.serve(Arc::downgrade(core));
    // SAFETY: the struct is never freed and is not in SQLite's list: new, or taken out by `retire`.
    let code = unsafe { ffi::sqlite3_vfs_register(slot.vfs.load(Ordering::Acquire), 0) };
    assert_eq!(code, ffi::SQLITE_OK, "SQLite could not start, so no file system can be registered");
    slot
}

/// Takes a slot out of SQLite's list; nothing new can be opened under its name.
pub(crate) fn retire(slot: &'static Slot) {
    // SAFETY: the struct was registered by `register` and is never freed.
    let _code: c_int = unsafe { ffi::sqlite3_vfs_unregister(slot.vfs.load(Ordering::Acquire)) };
    slot.serve(Weak::new());
    FREE.lock().unwrap_or_else(PoisonError::into_inner).push(slot);
}

fn new_slot() -> &'static Slot {
    let text = format!("simulated-disk-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let name = CString::new(text.clone()).unwrap_or_default();
    let vfs = AtomicPtr::new(std::ptr::null_mut());
    let slot: &'static Slot = Box::leak(Box::new(Slot { name, text, vfs, core: Mutex::default() }));
    let table = Box::new(vfs::table(&slot.name, slot));
    slot.vfs.store(Box::into_raw(table), Ordering::Release);
    slot
}
