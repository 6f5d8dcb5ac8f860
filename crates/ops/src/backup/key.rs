//! The key that encrypts backups: read from a file, never shown, and split into one key for each use.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretBox, SecretString};

use super::name::BackupName;

const DIGITS: usize = 64;
/// Bytes of a key's file that are read.
const FILE_BYTES_MAX: u64 = 4_096;
const CHECK_CONTEXT: &str = "bursar backup 2026-01 key check";
const SEAL_CONTEXT: &str = "bursar backup 2026-01 manifest seal";
const PART_CONTEXT: &str = "bursar backup 2026-01 part";

/// Why a key cannot be used, or none can be done without.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("the backup key {path} cannot be read: {cause}; name a readable file with BACKUP_KEY_FILE")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// It holds something else.
    #[error("the backup key is not 64 hex digits; make one with: openssl rand -hex 32")]
    Malformed,
    /// The backup is encrypted and no key was given.
    #[error("the backup is encrypted; name the file with its key with BACKUP_KEY_FILE")]
    Missing,
    /// The backup is encrypted with another key.
    #[error("the backup was made with another key than that of BACKUP_KEY_FILE; give the key of its time")]
    Wrong,
    /// A key was given and the backup is not encrypted, so nothing tells who wrote it.
    #[error(
        "the backup was made without a key, so anybody who can write to its folder can have made it; if you trust it, \
         say --accept-unencrypted"
    )]
    Unencrypted,
}

/// A secret of 32 bytes. `Debug` hides it.
#[derive(Debug)]
pub struct BackupKey(SecretBox<[u8; 32]>);

impl BackupKey {
    /// Reads 64 hex digits; white space around them does not matter.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn from_hex(text: &SecretString) -> Result<BackupKey, KeyError> {
        let digits = text.expose_secret().trim();
        let mut bytes = Box::new([0; 32]);
        if digits.len() != DIGITS || hex::decode_to_slice(digits, &mut bytes[..]).is_err() {
            return Err(KeyError::Malformed);
        }
        Ok(BackupKey(SecretBox::new(bytes)))
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`KeyError::File`] and [`KeyError::Malformed`].
    pub fn from_file(path: &Path) -> Result<BackupKey, KeyError> {
        let mut text = String::new();
        // The path may name something endless, such as a device.
        let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
        read.map_err(|cause| KeyError::File { path: path.to_owned(), cause })?;
        BackupKey::from_hex(&SecretString::from(text))
    }

    /// What tells this key from others without saying anything about it: 16 hex digits.
    pub(super) fn check(&self) -> String {
        let check = self.derive(CHECK_CONTEXT, &[]);
        hex::encode(&check[..8])
    }

    /// The code over a manifest.
    pub(super) fn seal(&self, manifest: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.derive(SEAL_CONTEXT, &[]), manifest)
    }

    /// The key of one file of one backup.
    pub(super) fn of_part(&self, backup: &BackupName, file: &str) -> [u8; 32] {
        self.derive(PART_CONTEXT, &[backup.as_str(), file])
    }

    fn derive(&self, context: &str, use_of: &[&str]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(self.0.expose_secret());
        for part in use_of {
            hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<BackupKey, KeyError> {
        BackupKey::from_hex(&SecretString::from(text.to_owned()))
    }

    #[test]
    fn a_key_is_64_hex_digits_with_white_space_around_them() {
        let digits = "0123456789abcdef".repeat(4);
        assert_eq!(key(&format!(" {digits}\n")).unwrap().check(), key(&digits).unwrap().check());
        for bad in ["", "00", &digits[1..], &format!("{digits}0"), &"x".repeat(64)] {
            assert!(matches!(key(bad), Err(KeyError::Malformed)), "{bad:?}");
        }
    }

    #[test]
    fn keys_and_uses_differ_and_none_is_shown() {
        let [one, two] = ["1", "2"].map(|digit| key(&digit.repeat(64)).unwrap());
        let name = "bursar-2026-01-01T02-00-00-007Z-1a2b3c4d".parse().unwrap();
        assert_ne!(one.check(), two.check());
        assert_ne!(one.of_part(&name, "a"), one.of_part(&name, "b"));
        assert_ne!(one.of_part(&name, "a"), two.of_part(&name, "a"));
        assert!(!format!("{one:?}").contains("17, 17"), "{one:?}");
    }
}
