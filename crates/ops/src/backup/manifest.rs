//! The manifest: what a backup holds, to the row and to the hash; and the seal that shows whether it was edited.

use bursar_audit::Anchor;
use bursar_store::{EngineKind, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::finding::Finding;
use super::key::{BackupKey, KeyError};
use super::name::BackupName;

/// The file of the manifest.
pub const MANIFEST: &str = "manifest.json";
/// The file of its seal.
pub const SEAL: &str = "manifest.seal";
/// The format that this program writes and reads.
pub const FORMAT: u32 = 1;
/// The largest manifest that is written and read, in bytes: that of some 200,000 chains of the audit log.
pub const MANIFEST_BYTES_MAX: u64 = 64 << 20;
/// The largest seal that is read, in bytes.
pub const SEAL_BYTES_MAX: u64 = 1_024;

const CIPHER: &str = "xchacha20-poly1305 stream of 64 KiB";
const SEAL_FORM: &str = "bursar-backup-seal-1";

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The backup's name.
    pub name: String,
    /// When the snapshot was taken, in Unix milliseconds of the rules' clock.
    pub taken_at_ms: i64,
    /// The same for people.
    pub taken_at: String,
    /// `sqlite` or `postgres`: where it was taken.
    pub engine: String,
    /// The version of the program that took it.
    pub software: String,
    /// The compatibility epoch of its tables.
    pub epoch: i64,
    /// The steps that made its tables, by name.
    pub migrations: Vec<Step>,
    /// How the parts are encrypted; absent = not at all.
    pub encryption: Option<Encryption>,
    /// Every table, in an order in which rows can be put back.
    pub tables: Vec<TablePart>,
    /// Tables of somebody else that were found beside ours and are not in the backup.
    pub left_out: Vec<String>,
    /// The book's totals, one an asset.
    pub ledger: Vec<AssetTotals>,
    /// How far every chain of the audit log had come, as `bursar audit anchor` prints it.
    pub audit: Value,
}

/// A migration that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// BLAKE3 of its text.
    pub checksum: String,
    /// Its epoch.
    pub epoch: i64,
}

/// How parts are encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encryption {
    /// The construction.
    pub cipher: String,
    /// Tells the key from others.
    pub key_check: String,
}

/// One table and its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TablePart {
    /// The table.
    pub table: String,
    /// Its columns, in the order of the values.
    pub columns: Vec<String>,
    /// How many rows.
    pub rows: u64,
    /// BLAKE3 of the encoded rows: the same on both engines.
    pub content: String,
    /// The last number that the table gave out by itself; absent where it gives none.
    pub serial: Option<i64>,
    /// The file.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of the file as it lies there.
    pub blake3: String,
}

/// One asset's totals over all accounts, in base units as decimal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetTotals {
    /// Symbol of the asset.
    pub asset: String,
    /// How many accounts hold it.
    pub accounts: u64,
    /// Everything ever taken out of them.
    pub debits: String,
    /// Everything ever put in.
    pub credits: String,
}

/// The word for an engine.
#[must_use]
pub fn engine_word(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Sqlite => "sqlite",
        EngineKind::Postgres => "postgres",
    }
}

impl Encryption {
    /// By `key`.
    pub fn with(key: &BackupKey) -> Encryption {
        Encryption { cipher: CIPHER.to_owned(), key_check: key.check() }
    }
}

impl Manifest {
    /// Bytes of all parts.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tables.iter().fold(0, |sum, part| sum.saturating_add(part.bytes))
    }

    /// Rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().fold(0, |sum, part| sum.saturating_add(part.rows))
    }

    /// When it was taken.
    #[must_use]
    pub fn taken_at(&self) -> Timestamp {
        Timestamp::from_ms(self.taken_at_ms)
    }

    /// The engine that it was taken from.
    pub(super) fn engine(&self) -> Result<EngineKind, Finding> {
        [EngineKind::Sqlite, EngineKind::Postgres]
            .into_iter()
            .find(|kind| engine_word(*kind) == self.engine)
            .ok_or_else(|| Finding::ManifestUnreadable(format!("unknown engine {:?}", self.engine)))
    }

    /// The anchor of the audit log.
    pub(super) fn anchor(&self) -> Result<Anchor, Finding> {
        Anchor::from_json(&self.audit.to_string())
            .map_err(|error| Finding::ManifestUnreadable(error.to_string()))
    }

    /// The manifest of `backup` in `bytes`.
    pub(super) fn read(bytes: &[u8], backup: &BackupName) -> Result<Manifest, Finding> {
        let unreadable = |why: String| Finding::ManifestUnreadable(why);
        let form: Format = serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
        if form.format != FORMAT {
            let why = format!("its format is {}, and this program reads {FORMAT}", form.format);
            return Err(unreadable(why));
        }
        let manifest: Manifest =
            serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
        if manifest.name != backup.as_str() {
            return Err(unreadable(format!("it is that of {}", manifest.name)));
        }
        Ok(manifest)
    }
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// The seal over a manifest's bytes: a hash, and with a key a code that nobody without it can make.
pub fn seal(manifest: &[u8], key: Option<&BackupKey>) -> String {
    let mut text = format!("{SEAL_FORM}\nblake3 {}\n", blake3::hash(manifest).to_hex());
    if let Some(key) = key {
        text.push_str(&keyed_line(&key.seal(manifest)));
    }
    text
}

fn keyed_line(code: &blake3::Hash) -> String {
    format!("keyed {}\n", code.to_hex())
}

/// Whether the seal fits, with what was asked of its key.
pub(super) enum SealCheck {
    /// It does.
    Fits,
    /// The manifest or the seal was changed.
    Broken,
    /// There is no code, although there is a key.
    NotKeyed,
}

/// Checks a seal's text to the byte; with `key` it must have been made with that key.
pub(super) fn check_seal(text: &str, manifest: &[u8], key: Option<&BackupKey>) -> SealCheck {
    let Some(code) = text.strip_prefix(&seal(manifest, None)) else { return SealCheck::Broken };
    if code.is_empty() {
        return if key.is_none() { SealCheck::Fits } else { SealCheck::NotKeyed };
    }
    let hex = code.strip_prefix("keyed ").and_then(|rest| rest.strip_suffix('\n'));
    let Some(given) = hex.and_then(|hex| blake3::Hash::from_hex(hex).ok()) else { return SealCheck::Broken };
    // Hexadecimal has two spellings of a digit above 9, and a seal has one.
    let is_canonical = keyed_line(&given) == code;
    match key {
        // Hashes compare in constant time.
        _ if !is_canonical => SealCheck::Broken,
        Some(key) if given != key.seal(manifest) => SealCheck::Broken,
        Some(_) | None => SealCheck::Fits,
    }
}

/// Whether `key` is the one that `encryption` asks for.
pub(super) fn check_key<'k>(
    encryption: Option<&Encryption>,
    key: Option<&'k BackupKey>,
) -> Result<Option<&'k BackupKey>, KeyError> {
    match (encryption, key) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(KeyError::Missing),
        (Some(encryption), Some(key)) if encryption.key_check == key.check() => Ok(Some(key)),
        (Some(_), Some(_)) => Err(KeyError::Wrong),
    }
}
