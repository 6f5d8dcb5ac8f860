//! SQLite's calls on an open file (`sqlite3_io_methods`), answered by a [`Handle`].
#![allow(unsafe_code, reason = "SQLite's VFS interface is C; this crate serves tests and simulation only")]

use std::ffi::{c_int, c_void};
use std::ptr;
use std::slice;
use std::sync::atomic::{Ordering, fence};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_int64, sqlite3_io_methods};

use crate::handle::Handle;
use crate::inode::SECTOR;
use crate::locks::Level;
use crate::refusal::{Refusal, answer};
use crate::shm::Wish;

/// What SQLite allocates for an open file.
#[repr(C)]
pub(crate) struct SimulatedFile {
    base: sqlite3_file,
    handle: *mut Handle,
}

#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a size of two pointers")]
pub(crate) const HANDLE_BYTES: c_int = size_of::<SimulatedFile>() as c_int;

#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "512")]
const SECTOR_SIZE: c_int = SECTOR as c_int;

impl SimulatedFile {
    /// Gives the handle to SQLite until it calls `close`.
    pub(crate) fn new(handle: Box<Handle>) -> SimulatedFile {
        SimulatedFile { base: sqlite3_file { pMethods: &METHODS }, handle: Box::into_raw(handle) }
    }
}

/// Version 2: shared memory, no memory-mapped files (their writes could not be made to fail).
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Runs a call on the handle behind `file`; a panic answers `code`.
fn with(
    file: *mut sqlite3_file,
    code: c_int,
    body: impl FnOnce(&mut Handle) -> Result<(), Refusal>,
) -> c_int {
    answer(code, || {
        // SAFETY: SQLite passes a file that `open` filled in and `close` has not taken, to one call at a time.
        body(unsafe { &mut *(*file.cast::<SimulatedFile>()).handle })
    })
}

/// A position or size that SQLite passes as a signed number.
fn size(number: impl TryInto<usize>, code: c_int) -> Result<usize, Refusal> {
    number.try_into().map_err(|_| Refusal(code))
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    answer(ffi::SQLITE_IOERR_CLOSE, || {
        // SAFETY: SQLite closes a file once; the pointer came from `Box::into_raw`.
        let handle = unsafe { Box::from_raw((*file.cast::<SimulatedFile>()).handle) };
        handle.close();
        Ok(())
    })
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    target: *mut c_void,
    amount: c_int,
    offset: sqlite3_int64,
) -> c_int {
    let code = ffi::SQLITE_IOERR_READ;
    with(file, code, |handle| {
        // SAFETY: SQLite passes `amount` bytes that nothing else uses during the call.
        let target = unsafe { slice::from_raw_parts_mut(target.cast::<u8>(), size(amount, code)?) };
        handle.read(size(offset, code)?, target)
    })
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    amount: c_int,
    offset: sqlite3_int64,
) -> c_int {
    let code = ffi::SQLITE_IOERR_WRITE;
    with(file, code, |handle| {
        // SAFETY: SQLite passes `amount` bytes that nothing changes during the call.
        let bytes = unsafe { slice::from_raw_parts(bytes.cast::<u8>(), size(amount, code)?) };
        handle.write(size(offset, code)?, bytes)
    })
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, len: sqlite3_int64) -> c_int {
    let code = ffi::SQLITE_IOERR_TRUNCATE;
    with(file, code, |handle| handle.truncate(size(len, code)?))
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    with(file, ffi::SQLITE_IOERR_FSYNC, Handle::sync)
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, out: *mut sqlite3_int64) -> c_int {
    let code = ffi::SQLITE_IOERR_FSTAT;
    with(file, code, |handle| {
        let len = sqlite3_int64::try_from(handle.size()?).map_err(|_| Refusal(code))?;
        // SAFETY: SQLite passes a place for the size.
        unsafe { *out = len };
        Ok(())
    })
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    let code = ffi::SQLITE_IOERR_LOCK;
    with(file, code, |handle| handle.lock(Level::from_code(level).ok_or(Refusal(code))?))
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    let code = ffi::SQLITE_IOERR_UNLOCK;
    with(file, code, |handle| handle.unlock(Level::from_code(level).ok_or(Refusal(code))?))
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    with(file, ffi::SQLITE_IOERR_CHECKRESERVEDLOCK, |handle| {
        let reserved = handle.reserved()?;
        // SAFETY: SQLite passes a place for the answer.
        unsafe { *out = c_int::from(reserved) };
        Ok(())
    })
}

/// No file control changes anything here; SQLite then uses its defaults.
unsafe extern "C" fn file_control(
    _file: *mut sqlite3_file,
    _operation: c_int,
    _argument: *mut c_void,
) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut sqlite3_file) -> c_int {
    SECTOR_SIZE
}

/// As SQLite assumes of Unix disks: a power cut spares the bytes next to a write.
unsafe extern "C" fn device_characteristics(_file: *mut sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    index: c_int,
    bytes: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let code = ffi::SQLITE_IOERR_SHMMAP;
    // SAFETY: SQLite passes a place for the address; null means "not there".
    unsafe { *out = ptr::null_mut() };
    with(file, code, |handle| {
        let region = handle.map_memory(size(index, code)?, size(bytes, code)?, extend != 0)?;
        // SAFETY: as above.
        unsafe { *out = region.unwrap_or(ptr::null_mut()) };
        Ok(())
    })
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    let code = ffi::SQLITE_IOERR_SHMLOCK;
    with(file, code, |handle| {
        let slots = first..first.saturating_add(count);
        if first < 0 || slots.end > ffi::SQLITE_SHM_NLOCK {
            return Err(Refusal(code));
        }
        let mask = slots.fold(0, |mask, slot| mask | 1 << slot);
        let wish = if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
            Wish::Unlock
        } else if flags & ffi::SQLITE_SHM_SHARED != 0 {
            Wish::Shared
        } else {
            Wish::Exclusive
        };
        handle.lock_memory(mask, wish)
    })
}

unsafe extern "C" fn shm_barrier(_file: *mut sqlite3_file) {
    fence(Ordering::SeqCst);
}

/// Memory goes with its last user anyway, so the wish to delete it makes no difference.
unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, _delete: c_int) -> c_int {
    with(file, ffi::SQLITE_OK, |handle| {
        handle.detach_memory();
        Ok(())
    })
}
