//! The SQLite result code that a call answers instead of OK, and the wall that keeps panics out of C.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::ffi::SQLITE_OK;

/// A result code other than `SQLITE_OK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) c_int);

/// Runs `body` and gives its result code; a panic becomes `on_panic`, because none may unwind into C.
pub(crate) fn answer(on_panic: c_int, body: impl FnOnce() -> Result<(), Refusal>) -> c_int {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => SQLITE_OK,
        Ok(Err(Refusal(code))) => code,
        Err(_panic) => on_panic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi::{SQLITE_BUSY, SQLITE_IOERR_READ};

    #[test]
    fn a_panic_becomes_an_error_code() {
        assert_eq!(answer(SQLITE_IOERR_READ, || Ok(())), SQLITE_OK);
        assert_eq!(answer(SQLITE_IOERR_READ, || Err(Refusal(SQLITE_BUSY))), SQLITE_BUSY);
        assert_eq!(answer(SQLITE_IOERR_READ, || panic!("a defect of the disk")), SQLITE_IOERR_READ);
    }
}
