//! What the fuzz targets call: the parsers of a backup's files, each on its own, without the hashes before them.

use std::io::{self, Read, Write};

use super::cell::Cell;
use super::encoding::{EncodingError, RowReader, write_row};
use super::error::BackupError;
use super::inspect::damaged;
use super::manifest::{Manifest, SealCheck, check_seal, seal};
use super::name::BackupName;
use super::sealing::{Seal, SealReader, SealWriter};

/// Reads the manifest of `backup`.
///
/// # Errors
/// What is wrong with it.
pub fn manifest(bytes: &[u8], backup: &BackupName) -> Result<Manifest, BackupError> {
    let read = || {
        let manifest = Manifest::read(bytes, backup)?;
        manifest.engine()?;
        manifest.anchor()?;
        Ok(manifest)
    };
    read().map_err(|finding| damaged(backup, finding))
}

/// The seal of `manifest`, made without a key.
#[must_use]
pub fn seal_of(manifest: &[u8]) -> String {
    seal(manifest, None)
}

/// Whether `text` is the seal of `manifest`, as far as can be told without a key.
#[must_use]
pub fn seal_fits(text: &str, manifest: &[u8]) -> bool {
    matches!(check_seal(text, manifest, None), SealCheck::Fits)
}

/// Reads rows of `width` values and writes them again, each in the one form that this program gives them.
///
/// # Errors
/// The bytes are no rows.
pub fn rewritten_rows(bytes: &[u8], width: usize) -> Result<Vec<u8>, EncodingError> {
    let (mut reader, mut scratch, mut out) = (RowReader::new(bytes, width), Vec::new(), Vec::new());
    while let Some(row) = reader.next_row()? {
        let row: Vec<Cell<'_>> = row;
        // What was read is short enough to be written.
        write_row(&row, &mut scratch, &mut out).map_err(io::Error::other)?;
    }
    Ok(out)
}

/// Encrypts a part with `key`.
///
/// # Errors
/// Whatever encrypting ends in.
pub fn sealed_part(content: &[u8], key: [u8; 32], binding: &str) -> io::Result<Vec<u8>> {
    let mut writer = SealWriter::begin(Seal { key, binding: binding.to_owned() }, Vec::new())?;
    writer.write_all(content)?;
    writer.finish()
}

/// Decrypts a part with `key`.
///
/// # Errors
/// It was altered or cut, or is none.
pub fn opened_part(file: &[u8], key: [u8; 32], binding: &str) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    SealReader::begin(Seal { key, binding: binding.to_owned() }, file)?.read_to_end(&mut content)?;
    Ok(content)
}
