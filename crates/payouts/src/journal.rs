//! The journal: an append-only file beside the database that holds every signed attempt before it leaves. A database
//! that was restored from yesterday learns from it what was signed since.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bursar_access::Entropy;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Hexadecimal digits of the hash that each line begins with.
const HASH_DIGITS: usize = 16;
/// What a line is ended with whose writing was cut off.
const TORN: &str = " torn";
/// Longest line that is read, in bytes.
const LINE_MAX: u64 = 1 << 20;
/// Its mode: it says who is paid what.
const OWNER_ONLY: u32 = 0o600;

/// What is written down of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    pub transaction: String,
    pub slot: String,
    /// Hexadecimal digits.
    pub bytes: String,
    /// Base units, in decimal digits; so are all amounts here.
    pub fee_max: String,
    /// `payment`, `freeing` or `receipt`.
    pub kind: String,
    pub wallet: String,
    pub signed_at_ms: i64,
    pub intent: Option<IntentFacts>,
    pub receipt: Option<ReceiptFacts>,
}

/// What an intent is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct IntentFacts {
    pub public_id: String,
    pub desk: String,
    pub key: String,
    /// Hexadecimal digits.
    pub request_hash: String,
    pub destination: String,
    pub amount: String,
    pub reference: i64,
    pub reason: String,
    pub created_at_ms: i64,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReceiptFacts {
    pub source: String,
    pub sender: String,
    pub amount: String,
}

/// Some lines of the journal.
#[derive(Debug)]
pub(crate) struct Page {
    pub records: Vec<Record>,
    /// Lines that cannot be read, other than a last one that was cut off.
    pub damaged: usize,
    /// Where the next page begins, in bytes.
    pub next: u64,
    /// Whether there is more.
    pub is_more: bool,
}

/// The journal of a deployment, or of one process of several. Its first line is its id, by which a restored database
/// knows whether this is the journal that its wallets were written down in.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    id: String,
    state: Mutex<State>,
    /// Wallets of which this process has found each line on record.
    compared: Mutex<BTreeSet<String>>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// What this process has written down.
    written: BTreeSet<String>,
}

/// The line that says which journal this is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    journal: String,
}

impl Journal {
    /// Opens the journal at `path`, or begins one, for its owner's eyes alone. A last line that was cut off is marked as
    /// such; a journal without an id gets one.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path, entropy: &dyn Entropy) -> io::Result<Journal> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(OWNER_ONLY).open(path)?;
        if file.metadata()?.permissions().mode() & !OWNER_ONLY & 0o777 != 0 {
            file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
        }
        if is_cut_off(&file)? {
            file.write_all(format!("{TORN}\n").as_bytes())?;
        }
        if find_id(path)?.is_none() {
            let mut random = [0; 16];
            entropy.fill(&mut random);
            let text = serde_json::to_string(&Header { journal: hex::encode(random) })?;
            file.write_all(line_of(&text).as_bytes())?;
        }
        file.sync_all()?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        // Another process may have given it one at the same moment: the first counts.
        let id = find_id(path)?.ok_or_else(|| io::Error::other("its id is gone again"))?;
        let state = Mutex::new(State { file, written: BTreeSet::new() });
        Ok(Journal { path: path.to_owned(), id, state, compared: Mutex::default() })
    }

    /// Which journal this is: 32 hexadecimal digits.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Writes a record down and waits for the disk, once a process and transaction. When the disk fails to keep what it
    /// took, the process stops: nobody can know any more what is on it.
    pub(crate) fn append(&self, record: &Record) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.written.contains(&record.transaction) {
            return Ok(());
        }
        // What an earlier attempt left of its line, on a full disk perhaps, must not swallow this one.
        let torn = if is_cut_off(&state.file)? { format!("{TORN}\n") } else { String::new() };
        let line = line_of(&serde_json::to_string(record)?);
        state.file.write_all(format!("{torn}{line}").as_bytes())?;
        if let Err(error) = state.file.sync_data() {
            bursar_store::fail_stop(&format!("the disk does not keep the journal of payouts: {error}"));
        }
        state.written.insert(record.transaction.clone());
        Ok(())
    }

    /// Forgets that a transaction was written down, once it is over.
    pub(crate) fn forget(&self, transaction: &str) {
        self.state.lock().written.remove(transaction);
    }

    /// Whether this process has found each line of a wallet on record. What it wrote down since was there before.
    pub(crate) fn is_compared(&self, wallet: &str) -> bool {
        self.compared.lock().contains(wallet)
    }

    /// It has.
    pub(crate) fn note_compared(&self, wallet: &str) {
        self.compared.lock().insert(wallet.to_owned());
    }

    /// Its length, in bytes.
    pub(crate) fn length(&self) -> io::Result<u64> {
        Ok(self.state.lock().file.metadata()?.len())
    }

    /// Up to `lines` lines from `position` on.
    pub(crate) fn page(&self, position: u64, lines: usize) -> io::Result<Page> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(position))?;
        let mut reader = BufReader::new(file);
        let mut page = Page { records: Vec::new(), damaged: 0, next: position, is_more: true };
        for _ in 0..lines {
            let mut line = Vec::new();
            let read = reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
            let read = u64::try_from(read).unwrap_or(u64::MAX);
            // Whatever is longer than any line of ours is read on to its end, piece by piece.
            if line.last() != Some(&b'\n') && read != LINE_MAX {
                // Nothing, or a line that is being written.
                page.is_more = false;
                break;
            }
            page.next = page.next.saturating_add(read);
            match parse(&line) {
                Line::Record(record) => page.records.push(*record),
                Line::Header(_) | Line::Torn => {}
                Line::Damaged => page.damaged += 1,
            }
        }
        Ok(page)
    }
}

/// The record that a line holds, if it is one.
#[cfg(feature = "fuzz")]
pub(crate) fn record_in(line: &[u8]) -> Option<Record> {
    match parse(line) {
        Line::Record(record) => Some(*record),
        Line::Header(_) | Line::Torn | Line::Damaged => None,
    }
}

enum Line {
    Header(String),
    Record(Box<Record>),
    Torn,
    Damaged,
}

fn parse(line: &[u8]) -> Line {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let text = std::str::from_utf8(line).ok();
    let whole = text.and_then(|text| text.split_once(' ')).filter(|(hash, json)| *hash == hash_of(json));
    let Some((_, json)) = whole else {
        return if line.ends_with(TORN.as_bytes()) { Line::Torn } else { Line::Damaged };
    };
    let header = || serde_json::from_str::<Header>(json).map(|header| Line::Header(header.journal));
    serde_json::from_str(json)
        .map(|record| Line::Record(Box::new(record)))
        .or_else(|_| header())
        .unwrap_or(Line::Damaged)
}

/// The line that holds `json`, with its checksum.
pub(crate) fn line_of(json: &str) -> String {
    format!("{} {json}\n", hash_of(json))
}

/// Whether the file ends within a line.
fn is_cut_off(file: &File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte != *b"\n")
}

/// The id of the journal at `path`: at its beginning, or somewhere later when it was begun without one.
fn find_id(path: &Path) -> io::Result<Option<String>> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if let Line::Header(id) = parse(&line) {
            return Ok(Some(id));
        }
    }
}

fn hash_of(text: &str) -> String {
    let mut hash = blake3::hash(text.as_bytes()).to_hex().to_string();
    hash.truncate(HASH_DIGITS);
    hash
}

#[cfg(test)]
mod tests;
