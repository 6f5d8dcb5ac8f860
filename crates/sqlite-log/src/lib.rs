//! Gathers the writes of a commit to the write-ahead log into one call to the system.
//!
//! SQLite writes each page of a commit in two calls, 24 bytes and 4 KiB; in a batch of small rows these calls cost more
//! than the rows. This layer sits between SQLite and its file system (`sqlite3_vfs`) and touches the log only: what is
//! written lies in memory until the log is synced, read, cut or written elsewhere. A connection that uses it must sync
//! each commit (`synchronous = FULL`): the sync, which comes before other connections are told of the new pages, is
//! what makes them visible.
//!
//! A process that dies within a commit may leave pages in the log that whoever starts next takes for committed: what is
//! read must not be lost again. So a log is synced whenever it is opened, and before SQLite recovers from it, it is written
//! anew and synced: a sync that failed may have left pages that everybody reads and no later sync writes.
#![allow(unsafe_code, reason = "SQLite's VFS interface is C")]

use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::size_of;
use std::ptr;
use std::slice;
use std::sync::{Mutex, PoisonError};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_filename, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};

/// Bytes gathered at most; a larger commit is handed down several times.
const GATHERED_MAX: usize = 1 << 20;
/// Bytes of one write below; SQLite's file system for Unix takes less than 128 KiB at once.
const WRITE_BYTES: usize = 1 << 16;

/// Bytes of the log's header. Recovery alone reads it, once it has locked everybody else out (SQLite, `walIndexRecover`).
const LOG_HEADER_BYTES: c_int = 32;

/// Layers made so far: the name below and the name above. They live as long as the process.
static LAYERS: Mutex<Vec<(CString, CString)>> = Mutex::new(Vec::new());

/// Why there is no such layer.
#[derive(Debug, thiserror::Error)]
#[error("the log layer cannot be set up: {0}")]
pub struct LayerFault(String);

/// The name of a file system for [`rusqlite::Connection::open_with_flags_and_vfs`] that gathers log writes over the one
/// called `below`, or over the machine's. The same name is answered each time.
pub fn gathering(below: Option<&str>) -> Result<String, LayerFault> {
    let fault = |text: &str| LayerFault(text.to_owned());
    let wanted = CString::new(below.unwrap_or_default()).map_err(|_| fault("a name with a NUL character"))?;
    let name =
        CString::new(format!("gathering-{}", below.unwrap_or("default"))).map_err(|_| fault("its name"))?;
    let text = name.to_string_lossy().into_owned();
    let mut layers = LAYERS.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: a NUL-terminated name or null, which stands for the default file system.
    let base = unsafe { ffi::sqlite3_vfs_find(if below.is_some() { wanted.as_ptr() } else { ptr::null() }) };
    if base.is_null() {
        return Err(fault("there is no such file system"));
    }
    if layers.iter().any(|(known, _)| *known == wanted) {
        return Ok(text);
    }
    // SAFETY: SQLite keeps a registered file system where it is.
    let mut layer = unsafe { *base };
    layer.szOsFile = layer.szOsFile.saturating_add(HEADER_BYTES);
    layer.pNext = ptr::null_mut();
    layer.zName = name.as_ptr();
    layer.pAppData = base.cast();
    layer.xOpen = Some(open);
    layer.xDelete = layer.xDelete.and(Some(delete));
    layer.xAccess = layer.xAccess.and(Some(access));
    layer.xFullPathname = layer.xFullPathname.and(Some(full_pathname));
    layer.xRandomness = layer.xRandomness.and(Some(randomness));
    layer.xSleep = layer.xSleep.and(Some(sleep));
    layer.xCurrentTime = layer.xCurrentTime.and(Some(current_time));
    layer.xCurrentTimeInt64 = layer.xCurrentTimeInt64.and(Some(current_time_ms));
    layer.xGetLastError = layer.xGetLastError.and(Some(last_error));
    // Leaked on purpose: SQLite keeps the pointer for the life of the process.
    let layer: &'static mut sqlite3_vfs = Box::leak(Box::new(layer));
    // SAFETY: the table and its name live as long as the process.
    let code = unsafe { ffi::sqlite3_vfs_register(layer, 0) };
    if code != ffi::SQLITE_OK {
        return Err(fault(&format!("SQLite answered {code}")));
    }
    layers.push((wanted, name));
    Ok(text)
}

/// An open log: what SQLite sees first, then the file below in the same allocation.
#[repr(C)]
struct LogFile {
    methods: *const sqlite3_io_methods,
    below: *mut sqlite3_file,
    /// Bytes not yet handed down, which belong at `offset`.
    gathered: Vec<u8>,
    offset: sqlite3_int64,
}

#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a handful of words")]
const HEADER_BYTES: c_int = size_of::<LogFile>() as c_int;

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 1,
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
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// Calls the method of the same name below; without one the answer is `$missing`.
macro_rules! below {
    ($file:expr, $method:ident, $missing:expr $(, $argument:expr)*) => {{
        let file = $file;
        // SAFETY: a file that is open has methods, and they take the file they belong to.
        unsafe {
            match (*(*file).pMethods).$method {
                Some(call) => call(file $(, $argument)*),
                None => $missing,
            }
        }
    }};
}

impl LogFile {
    /// The log behind a handle that SQLite passes.
    ///
    /// # Safety
    /// `file` is a handle that `open` made and `close` has not ended; SQLite uses a handle from one thread at a time.
    unsafe fn of<'a>(file: *mut sqlite3_file) -> &'a mut LogFile {
        // SAFETY: `open` put a `LogFile` at this place, as the caller promises.
        unsafe { &mut *file.cast::<LogFile>() }
    }

    /// Hands down what has gathered. What a failing write leaves is given up: SQLite then gives up the commit too.
    fn hand_down(&mut self) -> c_int {
        if self.gathered.is_empty() {
            return ffi::SQLITE_OK;
        }
        let code = self.write_below();
        self.gathered.clear();
        code
    }

    fn write_below(&self) -> c_int {
        let mut offset = self.offset;
        for piece in self.gathered.chunks(WRITE_BYTES) {
            let Ok(count) = c_int::try_from(piece.len()) else { return ffi::SQLITE_IOERR_WRITE };
            let code =
                below!(self.below, xWrite, ffi::SQLITE_IOERR_WRITE, piece.as_ptr().cast(), count, offset);
            if code != ffi::SQLITE_OK {
                return code;
            }
            offset = offset.saturating_add(count.into());
        }
        ffi::SQLITE_OK
    }

    /// Writes every byte of the log again where it is, and syncs it.
    fn write_anew(&self) -> c_int {
        let mut size: sqlite3_int64 = 0;
        let code = below!(self.below, xFileSize, ffi::SQLITE_IOERR_FSTAT, &raw mut size);
        let (Ok(size), ffi::SQLITE_OK) = (usize::try_from(size), code) else {
            return ffi::SQLITE_IOERR_FSTAT;
        };
        let mut piece = vec![0_u8; WRITE_BYTES];
        for start in (0..size).step_by(WRITE_BYTES) {
            let bytes = WRITE_BYTES.min(size - start);
            let (Ok(count), Ok(offset)) = (c_int::try_from(bytes), sqlite3_int64::try_from(start)) else {
                return ffi::SQLITE_IOERR_WRITE;
            };
            let target: *mut c_void = piece.as_mut_ptr().cast();
            let mut code = below!(self.below, xRead, ffi::SQLITE_IOERR_READ, target, count, offset);
            if code == ffi::SQLITE_OK {
                code =
                    below!(self.below, xWrite, ffi::SQLITE_IOERR_WRITE, target.cast_const(), count, offset);
            }
            if code != ffi::SQLITE_OK {
                return code;
            }
        }
        below!(self.below, xSync, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_SYNC_NORMAL)
    }

    fn end(&self) -> Option<sqlite3_int64> {
        self.offset.checked_add(sqlite3_int64::try_from(self.gathered.len()).ok()?)
    }

    /// Gathers `bytes` when they go on where the last ones ended, else hands the earlier ones down first.
    fn write(&mut self, offset: sqlite3_int64, bytes: &[u8]) -> c_int {
        let goes_on = self.end() == Some(offset) && self.gathered.len() + bytes.len() <= GATHERED_MAX;
        if !goes_on {
            let code = self.hand_down();
            if code != ffi::SQLITE_OK {
                return code;
            }
            self.offset = offset;
        }
        self.gathered.extend_from_slice(bytes);
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let base = base_of(vfs);
    // SAFETY: the layer below is a registered file system.
    let Some(open_below) = (unsafe { (*base).xOpen }) else { return ffi::SQLITE_CANTOPEN };
    if flags & ffi::SQLITE_OPEN_WAL == 0 {
        // SAFETY: `file` has at least the bytes that the layer below asked for.
        return unsafe { open_below(base, name, file, flags, out_flags) };
    }
    // SAFETY: SQLite gave szOsFile bytes: ours, then those of the layer below; null methods mean "not open".
    let under = unsafe {
        (*file).pMethods = ptr::null();
        let under = file.cast::<LogFile>().add(1).cast::<sqlite3_file>();
        (*under).pMethods = ptr::null();
        under
    };
    // SAFETY: as above.
    let mut code = unsafe { open_below(base, name, under, flags, out_flags) };
    if code == ffi::SQLITE_OK {
        code = below!(under, xSync, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_SYNC_NORMAL);
    }
    if code == ffi::SQLITE_OK {
        let log = LogFile { methods: &raw const METHODS, below: under, gathered: Vec::new(), offset: 0 };
        // SAFETY: as above; nothing that needs dropping is there yet.
        unsafe { ptr::write(file.cast::<LogFile>(), log) };
        return code;
    }
    // SAFETY: a failed open may leave methods, and then wants to be closed (SQLite documentation, sqlite3_vfs.xOpen).
    if unsafe { !(*under).pMethods.is_null() } {
        below!(under, xClose, ffi::SQLITE_OK);
    }
    code
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes what it opened, once; the value is moved out and the place not used again.
    let mut log = unsafe { ptr::read(file.cast::<LogFile>()) };
    let handed = log.hand_down();
    let closed = below!(log.below, xClose, ffi::SQLITE_OK);
    // SAFETY: as above.
    unsafe { (*file).pMethods = ptr::null() };
    if handed == ffi::SQLITE_OK { closed } else { handed }
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    target: *mut c_void,
    count: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite passes a handle that is open.
    let log = unsafe { LogFile::of(file) };
    let mut code = log.hand_down();
    if code == ffi::SQLITE_OK && (offset, count) == (0, LOG_HEADER_BYTES) {
        code = log.write_anew();
    }
    match code {
        ffi::SQLITE_OK => below!(log.below, xRead, ffi::SQLITE_IOERR_READ, target, count, offset),
        code => code,
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    source: *const c_void,
    count: c_int,
    offset: sqlite3_int64,
) -> c_int {
    let Ok(count) = usize::try_from(count) else { return ffi::SQLITE_IOERR_WRITE };
    // SAFETY: SQLite passes a handle that is open and `count` bytes.
    let (log, bytes) = unsafe { (LogFile::of(file), slice::from_raw_parts(source.cast::<u8>(), count)) };
    log.write(offset, bytes)
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: SQLite passes a handle that is open.
    let log = unsafe { LogFile::of(file) };
    match log.hand_down() {
        ffi::SQLITE_OK => below!(log.below, xTruncate, ffi::SQLITE_IOERR_TRUNCATE, size),
        code => code,
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite passes a handle that is open.
    let log = unsafe { LogFile::of(file) };
    match log.hand_down() {
        ffi::SQLITE_OK => below!(log.below, xSync, ffi::SQLITE_IOERR_FSYNC, flags),
        code => code,
    }
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut sqlite3_int64) -> c_int {
    // SAFETY: SQLite passes a handle that is open.
    let log = unsafe { LogFile::of(file) };
    match log.hand_down() {
        ffi::SQLITE_OK => below!(log.below, xFileSize, ffi::SQLITE_IOERR_FSTAT, size),
        code => code,
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite passes a handle that is open.
    below!(unsafe { LogFile::of(file) }.below, xLock, ffi::SQLITE_OK, level)
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite passes a handle that is open.
    below!(unsafe { LogFile::of(file) }.below, xUnlock, ffi::SQLITE_OK, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, held: *mut c_int) -> c_int {
    // SAFETY: SQLite passes a handle that is open.
    below!(unsafe { LogFile::of(file) }.below, xCheckReservedLock, ffi::SQLITE_OK, held)
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, operation: c_int, argument: *mut c_void) -> c_int {
    // SAFETY: SQLite passes a handle that is open.
    let log = unsafe { LogFile::of(file) };
    below!(log.below, xFileControl, ffi::SQLITE_NOTFOUND, operation, argument)
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite passes a handle that is open.
    below!(unsafe { LogFile::of(file) }.below, xSectorSize, 4_096)
}

unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite passes a handle that is open.
    below!(unsafe { LogFile::of(file) }.below, xDeviceCharacteristics, 0)
}

/// The file system below a layer.
fn base_of(vfs: *mut sqlite3_vfs) -> *mut sqlite3_vfs {
    // SAFETY: SQLite passes the table that `gathering` registered.
    unsafe { (*vfs).pAppData.cast() }
}

/// A call of the file system itself, answered by the one below; `gathering` set it only where that one has it.
macro_rules! forward {
    ($name:ident, $method:ident, $missing:expr, ($($argument:ident: $kind:ty),*)) => {
        unsafe extern "C" fn $name(vfs: *mut sqlite3_vfs $(, $argument: $kind)*) -> c_int {
            let base = base_of(vfs);
            // SAFETY: the arguments are those that SQLite passed, and the layer below is a registered file system.
            unsafe {
                match (*base).$method {
                    Some(call) => call(base $(, $argument)*),
                    None => $missing,
                }
            }
        }
    };
}

forward!(delete, xDelete, ffi::SQLITE_IOERR_DELETE, (name: *const c_char, sync_directory: c_int));
forward!(access, xAccess, ffi::SQLITE_IOERR_ACCESS, (name: *const c_char, flags: c_int, out: *mut c_int));
forward!(full_pathname, xFullPathname, ffi::SQLITE_CANTOPEN, (name: *const c_char, size: c_int, out: *mut c_char));
forward!(randomness, xRandomness, 0, (size: c_int, out: *mut c_char));
forward!(sleep, xSleep, 0, (microseconds: c_int));
forward!(current_time, xCurrentTime, ffi::SQLITE_ERROR, (out: *mut f64));
forward!(current_time_ms, xCurrentTimeInt64, ffi::SQLITE_ERROR, (out: *mut sqlite3_int64));
forward!(last_error, xGetLastError, 0, (size: c_int, out: *mut c_char));
