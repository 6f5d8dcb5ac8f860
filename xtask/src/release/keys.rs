//! Signing keys as PEM, as other tools write and read them too: Ed25519 in PKCS #8, and its public half as
//! `SubjectPublicKeyInfo` (RFC 8410).

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{SigningKey, VerifyingKey};
use rand::TryRngCore;
use rand::rngs::OsRng;

use crate::error::ChoreError;

const PRIVATE_LABEL: &str = "PRIVATE KEY";
const PUBLIC_LABEL: &str = "PUBLIC KEY";
/// What stands before the 32 bytes of a private key.
const PRIVATE_HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// What stands before the 32 bytes of a public key.
const PUBLIC_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// Writes a fresh key to `file`, which only its owner may read, and the public half beside it; that file's name.
pub fn create(file: &Path) -> Result<PathBuf, ChoreError> {
    let mut seed = [0_u8; 32];
    OsRng.try_fill_bytes(&mut seed).map_err(|error| ChoreError::Missing {
        what: "the system's random source".to_owned(),
        fix: error.to_string(),
    })?;
    let key = SigningKey::from_bytes(&seed);
    let mut public = file.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    save(file, 0o600, &to_pem(PRIVATE_LABEL, &PRIVATE_HEAD, &seed))?;
    save(&public, 0o644, &to_pem(PUBLIC_LABEL, &PUBLIC_HEAD, key.verifying_key().as_bytes()))?;
    Ok(public)
}

/// The private key in a PEM text that came from `origin`.
pub fn signing_key(pem: &str, origin: &str) -> Result<SigningKey, ChoreError> {
    let seed = from_pem(PRIVATE_LABEL, &PRIVATE_HEAD, pem);
    seed.map(|seed| SigningKey::from_bytes(&seed)).ok_or_else(|| no_key(origin, PRIVATE_LABEL))
}

/// The public key in a PEM text that came from `origin`.
pub fn verifying_key(pem: &str, origin: &str) -> Result<VerifyingKey, ChoreError> {
    let bytes = from_pem(PUBLIC_LABEL, &PUBLIC_HEAD, pem);
    bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok()).ok_or_else(|| no_key(origin, PUBLIC_LABEL))
}

fn no_key(origin: &str, label: &str) -> ChoreError {
    ChoreError::Answer {
        program: origin.to_owned(),
        reason: format!("it is no Ed25519 key in PEM with the label {label}"),
    }
}

fn to_pem(label: &str, head: &[u8], key: &[u8; 32]) -> String {
    let text = BASE64_STANDARD.encode([head, key].concat());
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

fn from_pem(label: &str, head: &[u8], pem: &str) -> Option<[u8; 32]> {
    let text = pem.trim().strip_prefix(&format!("-----BEGIN {label}-----"))?;
    let text = text.strip_suffix(&format!("-----END {label}-----"))?;
    let bytes = BASE64_STANDARD.decode(text.split_whitespace().collect::<String>()).ok()?;
    bytes.strip_prefix(head)?.try_into().ok()
}

/// Never over a file that is there: a lost key cannot be had back.
fn save(file: &Path, mode: u32, text: &str) -> Result<(), ChoreError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(file);
    let saved = opened.and_then(|mut opened| opened.write_all(text.as_bytes()));
    saved.map_err(|source| ChoreError::File { path: file.to_path_buf(), source })
}
