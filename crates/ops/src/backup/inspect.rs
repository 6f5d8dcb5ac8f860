//! Looking at a backup without restoring it: the manifest and its seal, the files and their hashes.

use std::io::{self, ErrorKind, Read};

use super::error::BackupError;
use super::finding::Finding;
use super::key::{BackupKey, KeyError};
use super::manifest::{
    MANIFEST, MANIFEST_BYTES_MAX, Manifest, SEAL, SEAL_BYTES_MAX, SealCheck, check_key, check_seal,
};
use super::name::BackupName;
use super::part::measure;
use super::target::{StoredFile, Target};

/// What opens a backup.
#[derive(Clone, Copy, Default)]
pub struct Lock<'k> {
    /// The key; with one, a backup must have been made with it.
    pub key: Option<&'k BackupKey>,
    /// Whether a backup without encryption is taken although there is a key.
    pub accepts_unencrypted: bool,
}

/// A manifest that fits its seal.
pub struct Opened<'k> {
    /// The manifest.
    pub manifest: Manifest,
    /// BLAKE3 of its bytes.
    pub hash: blake3::Hash,
    /// The key, when the parts are encrypted.
    pub key: Option<&'k BackupKey>,
}

/// The manifest of a backup, for lists: whether it was damaged is seen, who wrote it is not asked.
///
/// # Errors
/// [`BackupError::Damaged`], [`BackupError::NotFound`], or the place cannot be read.
pub fn manifest_of(target: &dyn Target, name: &BackupName) -> Result<Manifest, BackupError> {
    let (manifest, ..) = whole_manifest(target, name)?;
    Ok(manifest)
}

/// The manifest of a backup that `lock` opens.
pub(super) fn open<'k>(
    target: &dyn Target,
    name: &BackupName,
    lock: Lock<'k>,
) -> Result<Opened<'k>, BackupError> {
    let (manifest, bytes, seal) = whole_manifest(target, name)?;
    let key = check_key(manifest.encryption.as_ref(), lock.key)?;
    match check_seal(&seal, &bytes, lock.key) {
        SealCheck::Fits => {}
        SealCheck::NotKeyed if key.is_none() && lock.accepts_unencrypted => {}
        SealCheck::NotKeyed if key.is_none() => return Err(KeyError::Unencrypted.into()),
        SealCheck::NotKeyed | SealCheck::Broken => return Err(damaged(name, Finding::SealBroken)),
    }
    Ok(Opened { manifest, hash: blake3::hash(&bytes), key })
}

/// The manifest with its bytes and the text of its seal, which fits as far as can be told without a key.
fn whole_manifest(
    target: &dyn Target,
    name: &BackupName,
) -> Result<(Manifest, Vec<u8>, String), BackupError> {
    // Tells a backup that is not there from one whose manifest is gone.
    target.files(name)?;
    let bytes = small_file(target, name, MANIFEST, MANIFEST_BYTES_MAX)?;
    let seal = String::from_utf8(small_file(target, name, SEAL, SEAL_BYTES_MAX)?);
    let seal = seal.map_err(|_| damaged(name, Finding::SealBroken))?;
    if matches!(check_seal(&seal, &bytes, None), SealCheck::Broken) {
        return Err(damaged(name, Finding::SealBroken));
    }
    let manifest = Manifest::read(&bytes, name).map_err(|finding| damaged(name, finding))?;
    Ok((manifest, bytes, seal))
}

/// A whole file of at most `most` bytes.
fn small_file(
    target: &dyn Target,
    name: &BackupName,
    file: &'static str,
    most: u64,
) -> Result<Vec<u8>, BackupError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        target.open(name, file)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| match error.kind() {
        ErrorKind::NotFound => damaged(name, Finding::ManifestMissing(file)),
        _ => BackupError::file(format!("{}/{file}", target.place_of(name)), error),
    })?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        let why = format!("{file} is longer than {most} bytes");
        return Err(damaged(name, Finding::ManifestUnreadable(why)));
    }
    Ok(bytes)
}

pub(super) fn damaged(name: &BackupName, finding: Finding) -> BackupError {
    BackupError::Damaged { name: name.clone(), findings: vec![finding] }
}

/// Compares every file with the manifest: there, of its size, of its hash, and none besides.
pub(super) fn check_files(
    target: &dyn Target,
    name: &BackupName,
    manifest: &Manifest,
) -> Result<Vec<Finding>, BackupError> {
    let files = target.files(name)?;
    let is_known = |file: &StoredFile| {
        [MANIFEST, SEAL].contains(&&*file.name) || manifest.tables.iter().any(|part| part.file == file.name)
    };
    let unexpected = files.iter().filter(|file| !is_known(file));
    let mut findings: Vec<Finding> =
        unexpected.map(|file| Finding::PartUnexpected(file.name.clone())).collect();
    for part in &manifest.tables {
        let file = part.file.clone();
        let Some(stored) = files.iter().find(|stored| stored.name == file) else {
            findings.push(Finding::PartMissing(file));
            continue;
        };
        if stored.bytes != part.bytes {
            findings.push(match stored.bytes {
                0 => Finding::PartEmpty(file),
                bytes => Finding::PartSize { part: file, bytes, expected: part.bytes },
            });
            continue;
        }
        let measured = target.open(name, &file).and_then(measure);
        let (_, hash) = measured
            .map_err(|cause| BackupError::file(format!("{}/{file}", target.place_of(name)), cause))?;
        if hash != part.blake3 {
            findings.push(Finding::PartAltered(file));
        }
    }
    Ok(findings)
}
