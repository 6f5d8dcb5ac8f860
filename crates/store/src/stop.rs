//! Stopping the process when an invariant is broken or a flush to disk failed: better no answer than a wrong one.

use std::sync::OnceLock;

static HANDLER: OnceLock<fn(&str) -> !> = OnceLock::new();

/// Replaces what [`fail_stop`] does, once; the simulator turns it into a report. Later calls are ignored.
pub fn set_fail_stop_handler(handler: fn(&str) -> !) {
    // A second handler would hide the first one's stop, so the first stays.
    let _ = HANDLER.set(handler);
}

/// Ends the process at once with the batch uncommitted. For broken invariants, of which there are to be none, and failed
/// fsync only (invariant NO-FAIL-STOP).
pub fn fail_stop(reason: &str) -> ! {
    tracing::error!(reason, "fail-stop: the process ends with the batch uncommitted");
    match HANDLER.get() {
        Some(handler) => handler(reason),
        None => {
            eprintln!("bursar: fail-stop: {reason}");
            std::process::abort()
        }
    }
}

/// Checks what must hold whatever the input was; when it does not, the process stops with the batch uncommitted.
#[macro_export]
macro_rules! invariant {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            $crate::fail_stop(&format!($($message)+));
        }
    };
}
