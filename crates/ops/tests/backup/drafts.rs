//! A backup that cannot be finished leaves nothing that looks like one, wherever it fails.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use bursar_ops::backup::{BackupError, BackupName, Draft, DraftFile, Folder, StoredFile, Target};
use bursar_store::EngineKind;

use crate::town::Town;

/// A folder whose disk is full from a certain call on.
struct Filling {
    folder: Folder,
    calls: AtomicU64,
    full_from: u64,
}

impl Filling {
    fn at(town: &Town, full_from: u64) -> Filling {
        Filling { folder: town.target(), calls: AtomicU64::new(0), full_from }
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Target for Filling {
    fn place(&self) -> String {
        self.folder.place()
    }
    fn place_of(&self, name: &BackupName) -> String {
        self.folder.place_of(name)
    }
    fn begin(&self, name: &BackupName) -> Result<Box<dyn Draft + '_>, BackupError> {
        let draft = self.folder.begin(name)?;
        Ok(Box::new(FillingDraft { draft, left: Rc::new(Cell::new(self.full_from)), calls: &self.calls }))
    }
    fn names(&self) -> Result<Vec<BackupName>, BackupError> {
        self.folder.names()
    }
    fn files(&self, name: &BackupName) -> Result<Vec<StoredFile>, BackupError> {
        self.folder.files(name)
    }
    fn open(&self, name: &BackupName, file: &str) -> io::Result<Box<dyn Read + Send>> {
        self.folder.open(name, file)
    }
    fn remove(&self, name: &BackupName) -> Result<(), BackupError> {
        self.folder.remove(name)
    }
}

struct FillingDraft<'a> {
    draft: Box<dyn Draft + 'a>,
    left: Rc<Cell<u64>>,
    calls: &'a AtomicU64,
}

fn take(left: &Cell<u64>) -> io::Result<()> {
    match left.get().checked_sub(1) {
        Some(rest) => {
            left.set(rest);
            Ok(())
        }
        None => Err(ErrorKind::StorageFull.into()),
    }
}

impl Draft for FillingDraft<'_> {
    fn create(&mut self, file: &str) -> io::Result<Box<dyn DraftFile>> {
        self.calls.fetch_add(3, Ordering::SeqCst);
        take(&self.left)?;
        let file = self.draft.create(file)?;
        Ok(Box::new(FillingFile { file, left: Rc::clone(&self.left) }))
    }
    fn complete(self: Box<Self>) -> Result<(), BackupError> {
        self.draft.complete()
    }
}

struct FillingFile {
    file: Box<dyn DraftFile>,
    left: Rc<Cell<u64>>,
}

impl Write for FillingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        take(&self.left)?;
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DraftFile for FillingFile {
    fn close(self: Box<Self>) -> io::Result<()> {
        take(&self.left)?;
        self.file.close()
    }
}

fn assert_nothing_is_left(town: &Town) {
    let left: Vec<_> = std::fs::read_dir(town.folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_disk_that_is_full_at_any_step_is_told_and_leaves_nothing() {
    let town = Town::on(EngineKind::Sqlite);
    let roomy = Filling::at(&town, u64::MAX);
    let whole = town.try_back_up(&roomy, &|| true).unwrap();
    town.target().remove(&whole.name).unwrap();
    let mut failed = 0;
    // Creating, writing and closing each file are steps; some files take more than one write.
    for full_from in 0..roomy.calls() {
        match town.try_back_up(&Filling::at(&town, full_from), &|| true) {
            Err(error) => {
                assert_eq!(error.code(), "disk_full", "{error}");
                assert!(error.to_string().contains("nothing half-done was left"), "{error}");
                assert_nothing_is_left(&town);
                failed += 1;
            }
            Ok(created) => town.target().remove(&created.name).unwrap(),
        }
    }
    assert!(failed > 60, "{failed} of {} steps failed", roomy.calls());
}

#[test]
fn a_backup_that_is_wanted_no_more_leaves_nothing() {
    for kind in crate::town::ENGINES {
        let town = Town::on(kind);
        let looks = AtomicU64::new(0);
        let refused = town.try_back_up(&town.target(), &|| looks.fetch_add(1, Ordering::SeqCst) < 5);
        assert_eq!(refused.unwrap_err().code(), "interrupted");
        assert_nothing_is_left(&town);
    }
}

#[test]
fn a_database_without_our_tables_is_not_backed_up() {
    for kind in crate::town::ENGINES {
        let empty = crate::town::Empty::on(kind);
        if let bursar_store::DatabaseUrl::Sqlite(path) = &empty.url {
            std::fs::write(path, "").unwrap();
        }
        let town = Town::on(EngineKind::Sqlite);
        let refused = crate::town::with_program(|program| {
            bursar_ops::backup::create(&bursar_ops::backup::CreateRequest {
                program,
                database: &empty.url,
                target: &town.target(),
                key: None,
                now: town.test.now(),
                is_wanted: &|| true,
            })
        });
        let refused = refused.unwrap_err();
        assert!(refused.to_string().contains("bursar migrate up"), "{refused}");
        assert_nothing_is_left(&town);
    }
}

#[test]
fn a_table_that_was_changed_by_hand_is_not_backed_up_as_if_it_were_ours() {
    for kind in crate::town::ENGINES {
        let town = Town::on(kind);
        let alter = "ALTER TABLE ledger_hold ADD COLUMN note TEXT";
        town.test.store().transact("test.alter", |tx| tx.batch_execute(alter)).unwrap();
        let refused = town.try_back_up(&town.target(), &|| true).unwrap_err();
        assert!(refused.to_string().contains("ledger_hold is not as its migration made it"), "{refused}");
    }
}
