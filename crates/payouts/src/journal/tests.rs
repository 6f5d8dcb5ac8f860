//! What a journal keeps, whatever happens while it is written.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use bursar_access::SeededEntropy;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::*;

fn open(path: &Path) -> Journal {
    Journal::open(path, &SeededEntropy::new(3)).unwrap()
}

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
    let journal = open(&folder.path().join("j"));
    for name in ["a", "b", "b", "c"] {
        journal.append(&record(name)).unwrap();
    }
    let first = journal.page(0, 3).unwrap();
    assert_eq!((names(&first), first.is_more), (vec!["a", "b"], true));
    let second = journal.page(first.next, 2).unwrap();
    assert_eq!((names(&second), second.is_more, second.next), (vec!["c"], false, journal.length().unwrap()));
}

#[test]
fn a_line_that_was_cut_off_is_passed_over_and_what_follows_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let journal = open(&path);
    ["a", "b"].iter().for_each(|name| journal.append(&record(name)).unwrap());
    let whole = std::fs::read(&path).unwrap();
    let last = whole.split_inclusive(|byte| *byte == b'\n').next_back().unwrap().len();
    for cut in 1..last {
        std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let journal = open(&path);
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
    ["a", "b"].iter().for_each(|name| open(&path).append(&record(name)).unwrap());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"hot\"", "\"cold\"", 1)).unwrap();
    let page = open(&path).page(0, 9).unwrap();
    assert_eq!((names(&page), page.damaged), (vec!["b"], 1));
}

#[test]
fn what_a_full_disk_cut_off_takes_nothing_that_follows_with_it() {
    const CHILD: &str = "BURSAR_TEST_FULL_DISK";
    const NAME: &str = "journal::tests::what_a_full_disk_cut_off_takes_nothing_that_follows_with_it";
    if std::env::var_os(CHILD).is_none() {
        // A limit on the size of files stands for the full disk. Its signal must be ignored, which takes a shell.
        let shell = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" --exact \"$1\" --nocapture"])
            .args([std::env::current_exe().unwrap().to_str().unwrap(), NAME])
            .env(CHILD, "yes")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&shell.stdout);
        assert!(shell.status.success() && said.contains("1 passed"), "{said}\n{shell:?}");
        return;
    }
    let limit = |bytes| {
        setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let journal = open(&path);
    journal.append(&record("a")).unwrap();
    let before = journal.length().unwrap();
    // Half a line fits, then a few bytes more, then nothing at all.
    for room in [60, 63, 63] {
        limit(Some(before + room));
        journal.append(&record("b")).unwrap_err();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), before + room);
    }
    limit(None);
    ["c", "b"].iter().for_each(|name| journal.append(&record(name)).unwrap());
    for read in [&journal, &open(&path)] {
        let page = read.page(0, 9).unwrap();
        assert_eq!((names(&page), page.damaged), (vec!["a", "c", "b"], 0));
    }
}

#[test]
fn a_journal_keeps_the_id_that_it_was_begun_with_and_another_has_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let id = open(&path).id().to_owned();
    assert_eq!(id.len(), 32);
    let again = Journal::open(&path, &SeededEntropy::new(4)).unwrap();
    assert_eq!(again.id(), id);
    let other = Journal::open(&folder.path().join("k"), &SeededEntropy::new(4)).unwrap();
    assert_ne!(other.id(), id);
}

#[test]
fn a_journal_that_was_begun_without_an_id_gets_one_and_keeps_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    std::fs::write(&path, line_of(&serde_json::to_string(&record("a")).unwrap())).unwrap();
    let id = open(&path).id().to_owned();
    let journal = Journal::open(&path, &SeededEntropy::new(4)).unwrap();
    journal.append(&record("b")).unwrap();
    let page = journal.page(0, 9).unwrap();
    assert_eq!((journal.id(), names(&page), page.damaged), (&*id, vec!["a", "b"], 0));
}

#[test]
fn nobody_but_its_owner_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    open(&path);
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    open(&path);
    assert_eq!(mode(), 0o600);
}

#[test]
fn what_is_longer_than_any_line_is_damage_once_and_what_follows_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let journal = open(&path);
    journal.append(&record("a")).unwrap();
    let mut text = std::fs::read(&path).unwrap();
    text.extend(vec![b'x'; usize::try_from(LINE_MAX).unwrap() + 7]);
    std::fs::write(&path, &text).unwrap();
    let cut = open(&path).page(0, 9).unwrap();
    assert_eq!((names(&cut), cut.damaged, cut.is_more), (vec!["a"], 1, false));
    // The rest of it may still be written: the piece that was read is not read again.
    let journal = open(&path);
    assert_eq!(journal.page(cut.next, 9).unwrap().damaged, 0);
    journal.append(&record("b")).unwrap();
    let page = journal.page(cut.next, 9).unwrap();
    assert_eq!((names(&page), page.damaged, page.next), (vec!["b"], 0, journal.length().unwrap()));
}
