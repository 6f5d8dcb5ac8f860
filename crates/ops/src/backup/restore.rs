//! Restoring a backup into an empty database, which nobody can take for a whole one before it is proven.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bursar_audit::{Actor, Event, Level, Recorder, Target as Subject};
use bursar_store::{Clock, DatabaseUrl, EngineKind, Store, StoreError};
use serde_json::json;

use super::create::engine_of;
use super::encoding::EncodingError;
use super::error::BackupError;
use super::finding::Finding;
use super::inspect::{self, Lock, Opened, damaged};
use super::manifest::{Manifest, TablePart};
use super::name::BackupName;
use super::part::{file_of, open_part};
use super::program::Program;
use super::proof::{open_store, prove};
use super::record::add_generation;
use super::schema::{self, Table};
use super::sink::{self, beside, clear_unproven};
use super::target::Target;

/// The event of a restore. It is a warning, so it leaves by webhook.
const EVENT: &str = "backup.restored";

/// What to restore, and where to.
pub struct RestoreRequest<'a> {
    /// The program whose tables are restored.
    pub program: &'a Program<'a>,
    /// Where the backup is.
    pub target: &'a dyn Target,
    /// Which.
    pub name: &'a BackupName,
    /// What opens it.
    pub lock: Lock<'a>,
    /// An empty database, or an embedded one that is not there.
    pub to: &'a DatabaseUrl,
    /// The clock that the restored deployment will follow.
    pub clock: &'a Clock,
    /// Records the restore in the restored audit log, on a chain of its own.
    pub recorder: &'a Recorder,
    /// By whom, such as `cli:ann`.
    pub actor: &'a str,
    /// Why, in their words.
    pub reason: &'a str,
}

/// A database that was restored and proven.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What was restored.
    pub manifest: Manifest,
    /// How many restores this data has been through.
    pub generation: i64,
    /// How long filling the tables and making the indexes took, in milliseconds of real time.
    pub filled_ms: i64,
    /// How long all took, with looking at the files before and the proof behind, in milliseconds of real time.
    pub took_ms: i64,
}

/// Restores a backup, proves that the result is what was backed up, and only then lets servers start on it.
///
/// # Errors
/// An embedded target is then as it was before. A shared one is left with a mark on which no server starts.
pub fn restore(request: &RestoreRequest<'_>) -> Result<Restored, BackupError> {
    let began = Instant::now();
    sink::check_empty(request.to)?;
    let opened = inspect::open(request.target, request.name, request.lock)?;
    refuse_damaged(request.name, inspect::check_files(request.target, request.name, &opened.manifest)?)?;
    let workplace = Workplace::take(request.to)?;
    let filling = Instant::now();
    let tables = fill(request.program, request.target, request.name, &opened, &workplace.url)?;
    let filled_ms = milliseconds(filling);
    refuse_damaged(request.name, prove(request.program, &opened.manifest, &tables, &workplace.url)?)?;
    let generation = mark(request, &opened, &workplace.url)?;
    workplace.publish()?;
    Ok(Restored { manifest: opened.manifest, generation, filled_ms, took_ms: milliseconds(began) })
}

fn refuse_damaged(name: &BackupName, findings: Vec<Finding>) -> Result<(), BackupError> {
    match findings.is_empty() {
        true => Ok(()),
        false => Err(BackupError::Damaged { name: name.clone(), findings }),
    }
}

pub(super) fn milliseconds(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
}

/// Makes the tables of the backup's time at `url` and fills them; returns them.
pub(super) fn fill(
    program: &Program<'_>,
    target: &dyn Target,
    name: &BackupName,
    opened: &Opened<'_>,
    url: &DatabaseUrl,
) -> Result<Vec<Table>, BackupError> {
    let manifest = &opened.manifest;
    let taken_on = manifest.engine().map_err(|finding| damaged(name, finding))?;
    let steps = |engine| schema::known_steps(program.migrations, &manifest.migrations, taken_on, engine);
    let tables = schema::tables(&steps(EngineKind::Sqlite)?)?;
    check_shape(name, manifest, &tables)?;
    let mut sink = sink::open(url, &steps(engine_of(url))?, &tables)?;
    for part in &manifest.tables {
        let Some(table) = tables.iter().find(|table| table.name == part.table) else { continue };
        let mut reader = open_part(target, name, part, opened.key)?;
        // A number that a row bears is given out, whatever the manifest says.
        let mut last = part.serial;
        sink.load(table, &mut |each| {
            while let Some(row) = reader.next_row().map_err(|error| unreadable(name, part, error))? {
                last = last.max(table.number(&row));
                each(&row)?;
            }
            Ok(())
        })
        .map_err(|error| refused(name, table, error))?;
        if let Some(last) = last.filter(|last| *last > 0) {
            sink.set_serial(table, last)?;
        }
    }
    // Only here would a key that stands twice be noticed where its index was made after its rows.
    sink.finish().map_err(|error| match error {
        BackupError::Store(StoreError::Duplicate(why) | StoreError::Statement(why)) => {
            damaged(name, Finding::TableRefused { table: "a table's index".to_owned(), why })
        }
        other => other,
    })?;
    Ok(tables)
}

/// The manifest lists exactly the tables and columns that its migrations make.
fn check_shape(name: &BackupName, manifest: &Manifest, tables: &[Table]) -> Result<(), BackupError> {
    let is_sealed = manifest.encryption.is_some();
    if let Some(part) = manifest.tables.iter().find(|part| part.file != file_of(&part.table, is_sealed)) {
        let why = format!("it gives {} the file of something else", part.table);
        return Err(damaged(name, Finding::ManifestUnreadable(why)));
    }
    let listed = manifest.tables.iter().map(|part| (&part.table, &part.columns));
    let made = tables.iter().map(|table| (&table.name, &table.columns));
    let [mut listed, mut made] = [listed.collect::<Vec<_>>(), made.collect::<Vec<_>>()];
    listed.sort_unstable();
    made.sort_unstable();
    if listed == made {
        return Ok(());
    }
    let why = "its tables are not those that its migrations make".to_owned();
    Err(damaged(name, Finding::ManifestUnreadable(why)))
}

fn unreadable(name: &BackupName, part: &TablePart, error: EncodingError) -> BackupError {
    match error {
        EncodingError::Io(cause) if cause.kind() != io::ErrorKind::InvalidData => {
            BackupError::file(&part.file, cause)
        }
        error => damaged(name, Finding::PartUnreadable { part: part.file.clone(), why: error.to_string() }),
    }
}

/// What the database refuses is the backup's fault; that it is full or gone is not.
fn refused(name: &BackupName, table: &Table, error: BackupError) -> BackupError {
    let why = match error {
        BackupError::Store(
            StoreError::Statement(why) | StoreError::Duplicate(why) | StoreError::Decode(why),
        ) => why,
        BackupError::Schema(why) => why,
        other => return other,
    };
    damaged(name, Finding::TableRefused { table: table.name.clone(), why })
}

/// Writes down that this is a restored deployment, and lets servers start on it.
fn mark(request: &RestoreRequest<'_>, opened: &Opened<'_>, url: &DatabaseUrl) -> Result<i64, BackupError> {
    let store = open_store(url, request.clock)?;
    let manifest = &opened.manifest;
    let generation = store.transact("backup.mark", |tx| {
        // Not before the backup: what is recorded next never seems older than what was recorded last.
        let now = tx.reading()?.max(manifest.taken_at());
        let times = [manifest.taken_at(), now];
        let by = [request.actor, request.reason];
        let generation = add_generation(tx, &manifest.name, &opened.hash, times, by)?;
        let payload = json!({
            "backup": manifest.name, "manifest": opened.hash.to_hex().to_string(), "takenAtMs": manifest.taken_at_ms,
            "generation": generation, "by": request.actor, "reason": request.reason,
        });
        let event = Event {
            level: Level::Warn,
            desk: "platform",
            name: EVENT,
            actor: Actor { kind: "operator", id: request.actor.to_owned() },
            target: Subject { kind: "backup", id: manifest.name.clone() },
            request_id: None,
            correlation_id: None,
            payload: payload.to_string(),
        };
        request.recorder.record(tx, &[event], now)?;
        clear_unproven(tx)?;
        Ok(generation)
    })?;
    close(store)?;
    Ok(generation)
}

fn close(store: Store) -> Result<(), BackupError> {
    store.checkpoint()?;
    drop(store);
    Ok(())
}

/// Where the restore works: a shared database itself, or a file beside the embedded one that is to be.
struct Workplace {
    url: DatabaseUrl,
    embedded: Option<Embedded>,
}

struct Embedded {
    to: PathBuf,
    file: PathBuf,
    is_published: bool,
    /// Keeps servers and other restores away from the place.
    _lock: File,
}

impl Workplace {
    fn take(to: &DatabaseUrl) -> Result<Workplace, BackupError> {
        let DatabaseUrl::Sqlite(path) = to else {
            return Ok(Workplace { url: to.clone(), embedded: None });
        };
        let fault = |cause| BackupError::file(path.display(), cause);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(fault)?;
        }
        let lock = beside(path, ".server-lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(lock).map_err(fault)?;
        if lock.try_lock().is_err() {
            let text = "a server or another restore is at work on it".to_owned();
            return Err(StoreError::Unavailable(format!("{}: {text}", path.display())).into());
        }
        let file = beside(path, ".restoring");
        let embedded = Embedded { to: path.clone(), file: file.clone(), is_published: false, _lock: lock };
        embedded.remove_files();
        Ok(Workplace { url: DatabaseUrl::Sqlite(file), embedded: Some(embedded) })
    }

    /// Gives the restored database its name.
    fn publish(self) -> Result<(), BackupError> {
        let Some(mut embedded) = self.embedded else { return Ok(()) };
        embedded.publish().map_err(|cause| BackupError::file(embedded.to.display(), cause))
    }
}

impl Embedded {
    fn publish(&mut self) -> io::Result<()> {
        File::open(&self.file)?.sync_all()?;
        if beside(&self.file, "-wal").metadata().is_ok_and(|log| log.len() > 0) {
            return Err(io::Error::other("its write-ahead log was not copied into it"));
        }
        fs::rename(&self.file, &self.to)?;
        self.is_published = true;
        let folder = self.to.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// What cannot be removed is removed by the next restore.
    fn remove_files(&self) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(beside(&self.file, ending));
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if !self.is_published {
            self.remove_files();
        }
    }
}
