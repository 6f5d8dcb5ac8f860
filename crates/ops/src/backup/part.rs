//! A part: one table's rows in a file, counted and hashed while they are written, encrypted when there is a key.

use std::io::{self, BufReader, Read, Write};

use super::cell::Cell;
use super::encoding::{RowReader, write_row};
use super::error::BackupError;
use super::key::BackupKey;
use super::manifest::TablePart;
use super::name::BackupName;
use super::sealing::{Seal, SealReader, SealWriter};
use super::target::{Draft, DraftFile, Target};

/// Bytes gathered before they are hashed and written, and read at a time.
const GATHERED: usize = 1 << 18;

/// The name of a table's file.
pub fn file_of(table: &str, is_sealed: bool) -> String {
    if is_sealed { format!("{table}.rows.sealed") } else { format!("{table}.rows") }
}

fn seal(key: &BackupKey, backup: &BackupName, file: &str) -> Seal {
    Seal { key: key.of_part(backup, file), binding: format!("{backup}/{file}") }
}

/// Counts and hashes rows by their bytes.
pub struct RowHasher {
    rows: u64,
    hasher: blake3::Hasher,
    gathered: Vec<u8>,
    scratch: Vec<u8>,
}

/// How many rows, and the hash of their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Rows.
    pub rows: u64,
    /// BLAKE3 of their encoding, as hex.
    pub hash: String,
}

impl RowHasher {
    /// No row yet.
    pub fn new() -> RowHasher {
        let (gathered, scratch) = (Vec::with_capacity(2 * GATHERED), Vec::new());
        RowHasher { rows: 0, hasher: blake3::Hasher::new(), gathered, scratch }
    }

    /// Takes a row in, and says whether so much has gathered that it is to be drained.
    ///
    /// # Errors
    /// The row is too long for a backup.
    pub fn add(&mut self, row: &[Cell<'_>]) -> io::Result<bool> {
        write_row(row, &mut self.scratch, &mut self.gathered).map_err(io::Error::other)?;
        self.rows = self.rows.saturating_add(1);
        Ok(self.gathered.len() >= GATHERED)
    }

    /// Hashes what has gathered and hands it on.
    pub fn drain(&mut self, mut to: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.hasher.update(&self.gathered);
        to(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }

    /// What it came to.
    pub fn finish(mut self) -> Content {
        self.hasher.update(&self.gathered);
        Content { rows: self.rows, hash: self.hasher.finalize().to_hex().to_string() }
    }
}

/// Counts and hashes the bytes of a file on their way to it.
struct Measured {
    file: Box<dyn DraftFile>,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl Write for Measured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

enum Out {
    Plain(Box<Measured>),
    Sealed(Box<SealWriter<Measured>>),
}

/// Writes the rows of one table.
pub struct PartWriter {
    table: String,
    file: String,
    rows: RowHasher,
    out: Out,
}

impl PartWriter {
    /// Begins the file of `table`.
    pub fn begin(
        draft: &mut dyn Draft,
        backup: &BackupName,
        table: &str,
        key: Option<&BackupKey>,
    ) -> io::Result<PartWriter> {
        let file = file_of(table, key.is_some());
        let measured = Measured { file: draft.create(&file)?, bytes: 0, hasher: blake3::Hasher::new() };
        let out = match key {
            None => Out::Plain(Box::new(measured)),
            Some(key) => Out::Sealed(Box::new(SealWriter::begin(seal(key, backup, &file), measured)?)),
        };
        Ok(PartWriter { table: table.to_owned(), file, rows: RowHasher::new(), out })
    }

    /// Writes a row.
    pub fn write(&mut self, row: &[Cell<'_>]) -> io::Result<()> {
        if self.rows.add(row)? { self.drain() } else { Ok(()) }
    }

    fn drain(&mut self) -> io::Result<()> {
        let out: &mut dyn Write = match &mut self.out {
            Out::Plain(out) => out,
            Out::Sealed(out) => out,
        };
        self.rows.drain(|bytes| out.write_all(bytes))
    }

    /// Brings the file to disk and says what the manifest has to say of it.
    pub fn finish(mut self, columns: &[String], serial: Option<i64>) -> io::Result<TablePart> {
        self.drain()?;
        let Measured { file, bytes, hasher } = match self.out {
            Out::Plain(measured) => *measured,
            Out::Sealed(sealed) => sealed.finish()?,
        };
        file.close()?;
        let content = self.rows.finish();
        Ok(TablePart {
            table: self.table,
            columns: columns.to_vec(),
            rows: content.rows,
            content: content.hash,
            serial,
            file: self.file,
            bytes,
            blake3: hasher.finalize().to_hex().to_string(),
        })
    }
}

/// The rows of a part, one after the other.
pub type PartReader = RowReader<BufReader<Box<dyn Read + Send>>>;

/// Opens a part for reading; `key` only when the backup is encrypted.
pub fn open_part(
    target: &dyn Target,
    backup: &BackupName,
    part: &TablePart,
    key: Option<&BackupKey>,
) -> Result<PartReader, BackupError> {
    let fault = |cause| BackupError::file(format!("{}/{}", target.place_of(backup), part.file), cause);
    let file = target.open(backup, &part.file).map_err(fault)?;
    let plain: Box<dyn Read + Send> = match key {
        None => file,
        Some(key) => {
            let source = BufReader::with_capacity(GATHERED, file);
            Box::new(SealReader::begin(seal(key, backup, &part.file), source).map_err(fault)?)
        }
    };
    Ok(RowReader::new(BufReader::with_capacity(GATHERED, plain), part.columns.len()))
}

/// Bytes and hash of a file.
pub fn measure(mut file: impl Read) -> io::Result<(u64, String)> {
    let (mut hasher, mut bytes, mut piece) = (blake3::Hasher::new(), 0_u64, vec![0; GATHERED]);
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok((bytes, hasher.finalize().to_hex().to_string()));
        }
        hasher.update(piece.get(..count).unwrap_or_default());
        bytes = bytes.saturating_add(u64::try_from(count).unwrap_or(0));
    }
}
