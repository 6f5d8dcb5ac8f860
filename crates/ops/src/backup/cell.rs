//! A value of a row as a backup holds it: in the form in which the embedded engine stores it.

/// One value of one row. Times are Unix milliseconds, booleans 0 or 1, amounts 16 or 32 bytes big-endian, UUIDs 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Absent.
    Null,
    /// An integer, a time or a boolean.
    Int(i64),
    /// Text or JSON.
    Text(&'a str),
    /// Bytes, an amount or a UUID.
    Bytes(&'a [u8]),
}

impl Cell<'_> {
    /// What it is, for messages; never the value.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Cell::Null => "nothing",
            Cell::Int(_) => "an integer",
            Cell::Text(_) => "a text",
            Cell::Bytes(_) => "bytes",
        }
    }
}
