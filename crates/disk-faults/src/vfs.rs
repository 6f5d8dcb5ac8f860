//! SQLite's file system calls (`sqlite3_vfs`), answered by a disk.
#![allow(unsafe_code, reason = "SQLite's VFS interface is C; this crate serves tests and simulation only")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::ffi::{self, sqlite3_file, sqlite3_filename, sqlite3_vfs};

use crate::file::{self, SimulatedFile};
use crate::handle::Handle;
use crate::refusal::{Refusal, answer};
use crate::registry::Slot;
use crate::state::Core;
use crate::waiting;

/// The longest file name, bytes.
const LONGEST_NAME: c_int = 512;
/// 1970-01-01T00:00Z in milliseconds of the Julian day count, SQLite's clock.
const UNIX_EPOCH_JULIAN_MS: i64 = 210_866_760_000_000;

/// The call table for a slot.
pub(crate) fn table(name: &'static CStr, slot: &'static Slot) -> sqlite3_vfs {
    sqlite3_vfs {
        iVersion: 2,
        szOsFile: file::HANDLE_BYTES,
        mxPathname: LONGEST_NAME,
        pNext: ptr::null_mut(),
        zName: name.as_ptr(),
        pAppData: ptr::from_ref(slot).cast_mut().cast(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: Some(library_open),
        xDlError: Some(library_error),
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: None,
        xCurrentTimeInt64: Some(current_time_ms),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    }
}

/// The disk behind a call, or `code` when it is gone.
fn core_of(vfs: *mut sqlite3_vfs, code: c_int) -> Result<Arc<Core>, Refusal> {
    // SAFETY: SQLite passes the table that `table` made, whose slot is never freed.
    let slot = unsafe { &*(*vfs).pAppData.cast::<Slot>() };
    slot.core().ok_or(Refusal(code))
}

/// The file name behind a pointer; `None` for SQLite's nameless temporary files.
fn name_of(name: *const c_char) -> Option<String> {
    if name.is_null() {
        return None;
    }
    // SAFETY: SQLite passes NUL-terminated names that live through the call.
    Some(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: `file` points to the bytes of a `SimulatedFile` (szOsFile); null methods mean "not open".
    unsafe { (*file).pMethods = ptr::null() };
    answer(ffi::SQLITE_CANTOPEN, || {
        let core = core_of(vfs, ffi::SQLITE_CANTOPEN)?;
        if flags & ffi::SQLITE_OPEN_MAIN_DB != 0 {
            seed_engine(&core);
        }
        let handle = Box::new(Handle::open(core, name_of(name), flags)?);
        let opened = SimulatedFile::new(handle);
        // SAFETY: as above; the bytes are uninitialised, so nothing is dropped by the write.
        unsafe { ptr::write(file.cast::<SimulatedFile>(), opened) };
        if !out_flags.is_null() {
            // SAFETY: not null, and SQLite passes a place for the flags.
            unsafe { *out_flags = flags };
        }
        Ok(())
    })
}

/// Restarts SQLite's one random generator from the disk's seed, so that WAL salts repeat from run to run.
fn seed_engine(core: &Core) {
    let bits = core.state().entropy.below(0x7fff_fffe);
    let seed = c_int::try_from(bits + 1).unwrap_or(1);
    // SAFETY: this operation takes an int and a connection, which may be null.
    unsafe {
        ffi::sqlite3_test_control(ffi::SQLITE_TESTCTRL_PRNG_SEED, seed, ptr::null_mut::<ffi::sqlite3>())
    };
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_directory: c_int) -> c_int {
    answer(ffi::SQLITE_IOERR_DELETE, || {
        let core = core_of(vfs, ffi::SQLITE_IOERR_DELETE)?;
        let name = name_of(name).ok_or(Refusal(ffi::SQLITE_IOERR_DELETE))?;
        core.state().delete(&name, sync_directory != 0)
    })
}

unsafe extern "C" fn access(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    answer(ffi::SQLITE_IOERR_ACCESS, || {
        let core = core_of(vfs, ffi::SQLITE_IOERR_ACCESS)?;
        let name = name_of(name).ok_or(Refusal(ffi::SQLITE_IOERR_ACCESS))?;
        let state = core.state();
        state.alive(state.boot, ffi::SQLITE_IOERR_ACCESS)?;
        // As on Unix, an empty file does not count as existing: an empty journal is no journal.
        let empty_counts = flags != ffi::SQLITE_ACCESS_EXISTS;
        let found = state.named(&name).is_some_and(|inode| empty_counts || !inode.content().is_empty());
        // SAFETY: SQLite passes a place for the answer.
        unsafe { *out = c_int::from(found) };
        Ok(())
    })
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    size: c_int,
    out: *mut c_char,
) -> c_int {
    answer(ffi::SQLITE_CANTOPEN, || {
        // SAFETY: SQLite passes a NUL-terminated name.
        let bytes = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul();
        if usize::try_from(size).is_ok_and(|size| bytes.len() <= size) {
            // SAFETY: `out` has `size` bytes, enough as just checked, and does not overlap the name.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len()) };
            Ok(())
        } else {
            Err(Refusal(ffi::SQLITE_CANTOPEN))
        }
    })
}

/// There are no loadable libraries on this disk.
unsafe extern "C" fn library_open(_vfs: *mut sqlite3_vfs, _name: *const c_char) -> *mut c_void {
    ptr::null_mut()
}

unsafe extern "C" fn library_error(_vfs: *mut sqlite3_vfs, size: c_int, out: *mut c_char) {
    if size > 0 {
        // SAFETY: `out` has at least one byte, as just checked.
        unsafe { *out = 0 };
    }
}

unsafe extern "C" fn randomness(vfs: *mut sqlite3_vfs, size: c_int, out: *mut c_char) -> c_int {
    let mut filled = 0;
    answer(ffi::SQLITE_ERROR, || {
        let core = core_of(vfs, ffi::SQLITE_ERROR)?;
        let len = usize::try_from(size).map_err(|_| Refusal(ffi::SQLITE_ERROR))?;
        // SAFETY: SQLite passes `size` initialised bytes.
        let target = unsafe { std::slice::from_raw_parts_mut(out.cast::<u8>(), len) };
        core.state().entropy.fill(target);
        filled = size;
        Ok(())
    });
    filled
}

unsafe extern "C" fn sleep(vfs: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    answer(ffi::SQLITE_OK, || {
        let core = core_of(vfs, ffi::SQLITE_OK)?;
        let longest = Duration::from_micros(u64::try_from(microseconds).unwrap_or(0));
        waiting::sleep(&core, longest);
        Ok(())
    });
    microseconds
}

unsafe extern "C" fn current_time_ms(vfs: *mut sqlite3_vfs, out: *mut ffi::sqlite3_int64) -> c_int {
    answer(ffi::SQLITE_ERROR, || {
        let now = julian_ms(vfs)?;
        // SAFETY: SQLite passes a place for the time.
        unsafe { *out = now };
        Ok(())
    })
}

#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "SQLite asks for days as a float")]
unsafe extern "C" fn current_time(vfs: *mut sqlite3_vfs, out: *mut f64) -> c_int {
    answer(ffi::SQLITE_ERROR, || {
        let days = julian_ms(vfs)? as f64 / 86_400_000.0;
        // SAFETY: SQLite passes a place for the time.
        unsafe { *out = days };
        Ok(())
    })
}

fn julian_ms(vfs: *mut sqlite3_vfs) -> Result<i64, Refusal> {
    let core = core_of(vfs, ffi::SQLITE_ERROR)?;
    let now_ms = core.state().now_ms;
    Ok(UNIX_EPOCH_JULIAN_MS.saturating_add(now_ms))
}
