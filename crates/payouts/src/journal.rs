//! The journal: an append-only file beside the database that holds every signed attempt before it leaves. A database
//! that was restored from yesterday learns from it what was signed since.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Hexadecimal digits of the hash that each line begins with.
const HASH_DIGITS: usize = 16;
/// What a line is ended with whose writing was cut off.
const TORN: &str = " torn";
/// Longest line that is read, in bytes.
const LINE_MAX: u64 = 1 << 20;

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

/// The journal of a deployment, or of one process of several.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// What this process has written down.
    written: BTreeSet<String>,
}

impl Journal {
    /// Opens the journal at `path`, or begins one. A last line that was cut off is marked as such.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<Journal> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let length = file.metadata()?.len();
        if length > 0 {
            let mut last = [0];
            file.seek(SeekFrom::Start(length - 1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(format!("{TORN}\n").as_bytes())?;
            }
        }
        file.sync_all()?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        let state = Mutex::new(State { file, written: BTreeSet::new() });
        Ok(Journal { path: path.to_owned(), state })
    }

    /// Writes a record down and waits for the disk, once a process and transaction.
    pub(crate) fn append(&self, record: &Record) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.written.contains(&record.transaction) {
            return Ok(());
        }
        let text = serde_json::to_string(record)?;
        state.file.write_all(format!("{} {text}\n", hash_of(&text)).as_bytes())?;
        state.file.sync_data()?;
        state.written.insert(record.transaction.clone());
        Ok(())
    }

    /// Forgets that a transaction was written down, once it is over.
    pub(crate) fn forget(&self, transaction: &str) {
        self.state.lock().written.remove(transaction);
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
            if read == 0 || line.last() != Some(&b'\n') {
                // Nothing, a line that is being written, or one that is longer than any of ours.
                page.is_more = false;
                page.damaged += usize::from(u64::try_from(read).is_ok_and(|read| read == LINE_MAX));
                break;
            }
            page.next = page.next.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            match parse(&line) {
                Line::Record(record) => page.records.push(*record),
                Line::Torn => {}
                Line::Damaged => page.damaged += 1,
            }
        }
        Ok(page)
    }
}

enum Line {
    Record(Box<Record>),
    Torn,
    Damaged,
}

fn parse(line: &[u8]) -> Line {
    let Ok(text) = std::str::from_utf8(line) else { return Line::Damaged };
    let text = text.trim_end_matches('\n');
    let record = text.split_once(' ').filter(|(hash, json)| *hash == hash_of(json));
    match record.and_then(|(_, json)| serde_json::from_str(json).ok()) {
        Some(record) => Line::Record(Box::new(record)),
        None if text.ends_with(TORN) => Line::Torn,
        None => Line::Damaged,
    }
}

fn hash_of(text: &str) -> String {
    let mut hash = blake3::hash(text.as_bytes()).to_hex().to_string();
    hash.truncate(HASH_DIGITS);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(transaction: &str) -> Record {
        Record {
            transaction: transaction.to_owned(),
            slot: "s".to_owned(),
            bytes: "00ff".to_owned(),
            fee_max: "0".to_owned(),
            kind: "payment".to_owned(),
            wallet: "hot".to_owned(),
            signed_at_ms: 1,
            intent: None,
            receipt: None,
        }
    }

    fn names(page: &Page) -> Vec<&str> {
        page.records.iter().map(|record| record.transaction.as_str()).collect()
    }

    #[test]
    fn what_was_written_is_read_in_order_and_in_pages() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("j")).unwrap();
        for name in ["a", "b", "b", "c"] {
            journal.append(&record(name)).unwrap();
        }
        let first = journal.page(0, 2).unwrap();
        assert_eq!((names(&first), first.is_more), (vec!["a", "b"], true));
        let second = journal.page(first.next, 2).unwrap();
        assert_eq!(
            (names(&second), second.is_more, second.next),
            (vec!["c"], false, journal.length().unwrap())
        );
    }

    #[test]
    fn a_line_that_was_cut_off_is_passed_over_and_what_follows_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let journal = Journal::open(&path).unwrap();
        ["a", "b"].iter().for_each(|name| journal.append(&record(name)).unwrap());
        let whole = std::fs::read(&path).unwrap();
        for cut in 1..=(whole.len() / 2 - 1) {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let journal = Journal::open(&path).unwrap();
            journal.append(&record("c")).unwrap();
            let page = journal.page(0, 9).unwrap();
            // Without its line break alone, the second line is whole and yet marked: it was never acknowledged.
            assert_eq!((names(&page), page.damaged), (vec!["a", "c"], 0), "{cut}");
        }
    }

    #[test]
    fn a_changed_line_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        ["a", "b"].iter().for_each(|name| Journal::open(&path).unwrap().append(&record(name)).unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("\"hot\"", "\"cold\"", 1)).unwrap();
        let page = Journal::open(&path).unwrap().page(0, 9).unwrap();
        assert_eq!((names(&page), page.damaged), (vec!["b"], 1));
    }
}
