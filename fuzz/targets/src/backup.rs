//! A backup's files: manifest and seal, rows, encrypted parts.

use bursar_ops::backup::{BackupName, fuzz};

use crate::input::{first, text};

const NAME: &str = "bursar-2026-01-01T02-00-00-007Z-1a2b3c4d";

/// A manifest that is read is written and read as the same one; a seal fits the bytes that it was made for alone.
pub fn manifest(bytes: &[u8]) {
    let name: BackupName = NAME.parse().unwrap();
    if let Ok(manifest) = fuzz::manifest(bytes, &name) {
        let written = serde_json::to_vec(&manifest).unwrap();
        assert_eq!(fuzz::manifest(&written, &name).unwrap(), manifest);
        assert_eq!(manifest.name, NAME);
    }
    let seal = fuzz::seal_of(bytes);
    assert!(fuzz::seal_fits(&seal, bytes) && !fuzz::seal_fits(&seal, &[bytes, b"x"].concat()));
    assert!(
        text(bytes).is_none_or(|text| !fuzz::seal_fits(text, b"{}")),
        "a text seals what it was not made for"
    );
}

/// Rows that are read are written in one form, which is read as the same rows.
pub fn rows(bytes: &[u8]) {
    let (width, bytes) = first(bytes);
    let width = usize::from(width % 8);
    let Ok(written) = fuzz::rewritten_rows(bytes, width) else { return };
    assert!(written.len() <= bytes.len(), "no row takes more bytes than it was read from");
    assert_eq!(fuzz::rewritten_rows(&written, width).unwrap(), written);
}

/// Nothing opens that was not encrypted with its key; what was opens as it was, and no longer once a bit is flipped.
pub fn part(bytes: &[u8]) {
    let key = [7; 32];
    assert!(fuzz::opened_part(bytes, key, NAME).is_err());
    let sealed = fuzz::sealed_part(bytes, key, NAME).unwrap();
    assert_eq!(fuzz::opened_part(&sealed, key, NAME).unwrap(), bytes);
    assert!(fuzz::opened_part(&sealed, key, "another backup").is_err());
    let place = bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>() % sealed.len();
    let mut bent = sealed;
    bent[place] ^= 1;
    assert!(fuzz::opened_part(&bent, key, NAME).is_err(), "byte {place}");
}
