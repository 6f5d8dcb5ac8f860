//! Checksums of a release, as `sha256sum` writes them, and the signature over their file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::error::ChoreError;

const SUMS: &str = "SHA256SUMS";
/// The 64 bytes of the signature and nothing else.
const SIGNATURE: &str = "SHA256SUMS.sig";

/// SHA-256 of a file, in hex.
pub fn digest_of(path: &Path) -> Result<String, ChoreError> {
    let mut digest = Sha256::new();
    let read = File::open(path).and_then(|mut file| io::copy(&mut file, &mut digest));
    read.map_err(|source| ChoreError::File { path: path.to_path_buf(), source })?;
    Ok(hex::encode(digest.finalize()))
}

/// Writes checksums of these files of `folder`, and the signature.
pub fn sign(folder: &Path, files: &[&str], key: &SigningKey) -> Result<(), ChoreError> {
    let mut text = String::new();
    for file in files {
        text.push_str(&format!("{}  {file}\n", digest_of(&folder.join(file))?));
    }
    super::write(&folder.join(SUMS), text.as_bytes())?;
    super::write(&folder.join(SIGNATURE), &key.sign(text.as_bytes()).to_bytes())
}

/// What is wrong with a release that must hold `files`, a line each; nothing when all is well.
pub fn check(folder: &Path, files: &[&str], key: &VerifyingKey) -> Result<Vec<String>, ChoreError> {
    let bytes = |name: &str| {
        fs::read(folder.join(name)).map_err(|source| ChoreError::File { path: folder.join(name), source })
    };
    let (sums, signature) = (bytes(SUMS)?, bytes(SIGNATURE)?);
    let is_signed =
        Signature::from_slice(&signature).is_ok_and(|signature| key.verify_strict(&sums, &signature).is_ok());
    if !is_signed {
        return Ok(vec![format!("{SUMS}: this key did not sign it.")]);
    }
    let Some(listed) = parse(&sums) else { return Ok(vec![format!("{SUMS}: not a list of checksums.")]) };
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| !listed.contains_key(**file)) {
        wrong.push(format!("{file}: not in {SUMS}."));
    }
    for (name, digest) in &listed {
        if !folder.join(name).is_file() {
            wrong.push(format!("{name}: missing."));
        } else if digest_of(&folder.join(name))? != *digest {
            wrong.push(format!("{name}: not the file that was signed."));
        }
    }
    for name in names(folder)? {
        if name != SUMS && name != SIGNATURE && !listed.contains_key(&name) {
            wrong.push(format!("{name}: nobody signed it."));
        }
    }
    Ok(wrong)
}

/// Each file with its checksum; `None` = a line is none, or leads out of the folder.
fn parse(sums: &[u8]) -> Option<BTreeMap<String, String>> {
    let text = std::str::from_utf8(sums).ok()?;
    let parsed = text.lines().map(|line| {
        let (digest, name) = line.split_once("  ")?;
        (!name.is_empty() && !name.contains('/')).then(|| (name.to_owned(), digest.to_owned()))
    });
    parsed.collect()
}

fn names(folder: &Path) -> Result<Vec<String>, ChoreError> {
    let unreadable = |source| ChoreError::File { path: folder.to_path_buf(), source };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    names.collect::<Result<_, _>>().map_err(unreadable)
}
