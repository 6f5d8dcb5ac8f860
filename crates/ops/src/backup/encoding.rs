//! Rows as bytes: a length, then each value with a tag. The same rows always give the same bytes.

use std::io::{BufRead, Read};

use super::cell::Cell;

/// The longest row, in bytes: none longer is written, so a longer length can only be damage.
pub const ROW_BYTES_MAX: u64 = 64 << 20;
/// Memory kept from one row to the next; that of a rare longer one is given back.
const ROW_BYTES_KEPT: usize = 1 << 20;

const NULL: u8 = 0;
const INT: u8 = 1;
const TEXT: u8 = 2;
const BYTES: u8 = 3;

/// Bytes that are no rows.
#[derive(Debug, thiserror::Error)]
pub enum EncodingError {
    /// They end within a row.
    #[error("it ends in the middle of row {0}")]
    Truncated(u64),
    /// They say something impossible.
    #[error("row {0} is malformed")]
    Malformed(u64),
    /// They cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A row that is too long to be read back.
#[derive(Debug, thiserror::Error)]
#[error("a row of {0} bytes is longer than the {ROW_BYTES_MAX} that a backup takes")]
pub struct RowTooLong(u64);

/// Appends a row to `out`; `scratch` keeps its memory between calls.
pub fn write_row(row: &[Cell<'_>], scratch: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<(), RowTooLong> {
    scratch.clear();
    for cell in row {
        match cell {
            Cell::Null => scratch.push(NULL),
            Cell::Int(value) => {
                scratch.push(INT);
                write_number(zigzag(*value), scratch);
            }
            Cell::Text(text) => write_bytes(TEXT, text.as_bytes(), scratch),
            Cell::Bytes(bytes) => write_bytes(BYTES, bytes, scratch),
        }
    }
    if length(scratch) > ROW_BYTES_MAX {
        return Err(RowTooLong(length(scratch)));
    }
    write_number(length(scratch), out);
    out.extend_from_slice(scratch);
    Ok(())
}

fn write_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    write_number(length(bytes), out);
    out.extend_from_slice(bytes);
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Seven bits a byte, the lowest first; all but the last have the high bit set.
fn write_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

/// Small numbers of either sign become small ones without.
fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Reads rows of a known width, one after the other, keeping one in memory.
pub struct RowReader<R> {
    source: R,
    width: usize,
    rows: u64,
    row: Vec<u8>,
}

impl<R: BufRead> RowReader<R> {
    /// Rows of `width` values.
    pub fn new(source: R, width: usize) -> RowReader<R> {
        RowReader { source, width, rows: 0, row: Vec::new() }
    }

    /// The next row; `None` where the bytes end between two rows.
    ///
    /// # Errors
    /// [`EncodingError`].
    pub fn next_row(&mut self) -> Result<Option<Vec<Cell<'_>>>, EncodingError> {
        let Some(length) = self.read_length()? else { return Ok(None) };
        let number = self.rows.saturating_add(1);
        if length > ROW_BYTES_MAX {
            return Err(EncodingError::Malformed(number));
        }
        self.row.clear();
        self.row.shrink_to(ROW_BYTES_KEPT);
        // Memory grows with what is there, not with what a damaged length says.
        let read = (&mut self.source).take(length).read_to_end(&mut self.row)?;
        if u64::try_from(read).unwrap_or(u64::MAX) < length {
            return Err(EncodingError::Truncated(number));
        }
        self.rows = number;
        let cells = read_cells(&self.row, self.width);
        cells.ok_or(EncodingError::Malformed(number)).map(Some)
    }

    fn read_length(&mut self) -> Result<Option<u64>, EncodingError> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let Some(byte) = self.source.fill_buf()?.first().copied() else {
                let next = self.rows.saturating_add(1);
                return if shift == 0 { Ok(None) } else { Err(EncodingError::Truncated(next)) };
            };
            self.source.consume(1);
            if shift > 28 {
                return Err(EncodingError::Malformed(self.rows.saturating_add(1)));
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(Some(number));
            }
            shift += 7;
        }
    }
}

/// The values of one row; `None` unless the bytes are exactly so many values.
fn read_cells(mut bytes: &[u8], width: usize) -> Option<Vec<Cell<'_>>> {
    let mut cells = Vec::with_capacity(width);
    while let Some((tag, rest)) = bytes.split_first() {
        let (cell, rest) = match *tag {
            NULL => (Cell::Null, rest),
            INT => {
                let (number, rest) = read_number(rest)?;
                (Cell::Int(unzigzag(number)), rest)
            }
            TEXT => {
                let (bytes, rest) = read_bytes(rest)?;
                (Cell::Text(std::str::from_utf8(bytes).ok()?), rest)
            }
            BYTES => {
                let (bytes, rest) = read_bytes(rest)?;
                (Cell::Bytes(bytes), rest)
            }
            _ => return None,
        };
        if cells.len() == width {
            return None;
        }
        cells.push(cell);
        bytes = rest;
    }
    (cells.len() == width).then_some(cells)
}

fn read_bytes(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = read_number(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

fn read_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        let shift = u32::try_from(index).ok()?.checked_mul(7)?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        number |= bits << shift;
        if *byte < 0x80 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
#[path = "encoding_tests.rs"]
mod tests;
