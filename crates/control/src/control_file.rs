//! The control file beside an embedded database: a stop written here binds the writer's next commit even while the
//! server hangs holding the database's lock (docs/spec/platform.md V7).

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use bursar_store::StoreError;
use fs4::fs_std::FileExt;
use serde::{Deserialize, Serialize};

use crate::Switch;

/// A stop that waits to become a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedStop {
    /// The desk of the switch, or `platform`.
    pub desk: String,
    /// Its key.
    pub key: String,
    /// Who asked for it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When, Unix milliseconds by the clock of whoever wrote it.
    pub at_ms: i64,
    /// When the row that it becomes ends by itself, by the same clock; `None` = when it is resumed. In the file it binds
    /// all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
}

impl RecordedStop {
    fn is_of_same_switch(&self, other: &RecordedStop) -> bool {
        self.desk == other.desk && self.key == other.key
    }

    fn outlasts(&self, other: &RecordedStop) -> bool {
        let end = |stop: &RecordedStop| stop.expires_at_ms.unwrap_or(i64::MAX);
        self.is_of_same_switch(other) && end(self) > end(other)
    }
}

/// The file `<database>.control`. Absent means that nothing is recorded; unreadable means that everything is stopped.
#[derive(Clone, Debug)]
pub struct ControlFile {
    path: PathBuf,
}

impl ControlFile {
    /// The control file of the embedded database at `database`.
    #[must_use]
    pub fn beside(database: &Path) -> ControlFile {
        let mut name = database.as_os_str().to_owned();
        name.push(".control");
        ControlFile { path: PathBuf::from(name) }
    }

    /// A number that says whether the file's content is another one; 0 while there is none.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        match fs::read(&self.path) {
            // Of the content: times and inodes of two files written within one tick of the clock may be the same.
            Ok(bytes) => {
                let mut hasher = DefaultHasher::new();
                hasher.write(&bytes);
                hasher.finish() | 1
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(_) => u64::MAX,
        }
    }

    /// The stops that are recorded. An unreadable file is an error, which callers treat as a stop of everything.
    pub fn stops(&self) -> Result<Vec<RecordedStop>, StoreError> {
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| self.fault(&error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.fault(&error)),
        }
    }

    /// Records stops; durable and visible to the writer's next commit when this returns. One of the same switch that
    /// lasts longer stays in place of the new one.
    pub fn record(&self, stops: &[RecordedStop]) -> Result<(), StoreError> {
        self.change(|recorded| {
            for stop in stops {
                if !recorded.iter().any(|old| old.outlasts(stop)) {
                    recorded.retain(|old| !old.is_of_same_switch(stop));
                    recorded.push(stop.clone());
                }
            }
        })
    }

    /// Forgets exactly these stops, because their rows say it now. One that was recorded since then stays.
    pub fn forget_recorded(&self, stops: &[RecordedStop]) -> Result<(), StoreError> {
        if self.epoch() == 0 {
            return Ok(());
        }
        self.change(|recorded| recorded.retain(|old| !stops.contains(old)))
    }

    /// Forgets the stops of `switches`, whoever recorded them, because they are resumed.
    pub fn forget(&self, switches: &[Switch]) -> Result<(), StoreError> {
        if self.epoch() == 0 {
            return Ok(());
        }
        self.change(|recorded| {
            recorded.retain(|old| {
                !switches.iter().any(|switch| switch.desk == old.desk && switch.key == old.key)
            });
        })
    }

    fn change(&self, edit: impl FnOnce(&mut Vec<RecordedStop>)) -> Result<(), StoreError> {
        let _turn = self.lock()?;
        let mut stops = self.stops()?;
        edit(&mut stops);
        if stops.is_empty() {
            return match fs::remove_file(&self.path) {
                Ok(()) => Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(self.fault(&error)),
            };
        }
        self.replace(&stops).map_err(|error| self.fault(&error))
    }

    /// Writes a new file and puts it in place of the old one, so that readers see the old or the new, whole.
    fn replace(&self, stops: &[RecordedStop]) -> std::io::Result<()> {
        let fresh = self.sibling(".new");
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(stops)?)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    }

    fn lock(&self) -> Result<File, StoreError> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(self.sibling(".lock"));
        let file = file.map_err(|error| self.fault(&error))?;
        file.lock_exclusive().map_err(|error| self.fault(&error))?;
        Ok(file)
    }

    fn sibling(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    }

    fn fault(&self, error: &dyn std::fmt::Display) -> StoreError {
        StoreError::Unavailable(format!("the control file {} cannot be used: {error}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOINS: Switch = Switch { desk: "rounds", key: "pause_joins", variable: "PANCHO_PAUSE_JOINS" };

    fn stop(key: &str) -> RecordedStop {
        let [desk, actor, reason] = ["rounds", "cli", "drill"].map(str::to_owned);
        RecordedStop { desk, key: key.to_owned(), actor, reason, at_ms: 1, expires_at_ms: None }
    }

    #[test]
    fn what_is_recorded_is_there_until_forgotten_and_each_change_shows() {
        let folder = tempfile::tempdir().unwrap();
        let file = ControlFile::beside(&folder.path().join("bursar.db"));
        assert_eq!((file.epoch(), file.stops().unwrap()), (0, vec![]));
        file.record(&[stop("pause_joins"), stop("pause_settle_api")]).unwrap();
        let first = file.epoch();
        file.record(&[stop("pause_joins")]).unwrap();
        assert_ne!(file.epoch(), first);
        assert_eq!(file.stops().unwrap().len(), 2);
        file.forget(&[JOINS]).unwrap();
        assert_eq!(file.stops().unwrap(), [stop("pause_settle_api")]);
    }

    #[test]
    fn a_stop_that_has_become_a_row_takes_no_newer_one_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = ControlFile::beside(&folder.path().join("bursar.db"));
        let [older, newer] = [1, 2].map(|at_ms| RecordedStop { at_ms, ..stop("pause_joins") });
        file.record(&[older.clone(), stop("pause_settle_api")]).unwrap();
        file.record(std::slice::from_ref(&newer)).unwrap();
        file.forget_recorded(&[older]).unwrap();
        assert_eq!(file.stops().unwrap(), [stop("pause_settle_api"), newer.clone()]);
        file.forget_recorded(&[newer, stop("pause_settle_api")]).unwrap();
        assert_eq!(file.epoch(), 0);
    }

    #[test]
    fn a_stop_for_a_while_does_not_take_the_place_of_one_that_lasts_longer() {
        let folder = tempfile::tempdir().unwrap();
        let file = ControlFile::beside(&folder.path().join("bursar.db"));
        let until = |expires_at_ms| RecordedStop { expires_at_ms, ..stop("pause_joins") };
        for (recorded, stays) in [(Some(5), Some(5)), (Some(9), Some(9)), (None, None), (Some(7), None)] {
            file.record(&[until(recorded)]).unwrap();
            assert_eq!(file.stops().unwrap(), [until(stays)]);
        }
    }

    #[test]
    fn a_file_of_a_version_without_ends_reads_as_stops_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = ControlFile::beside(&folder.path().join("bursar.db"));
        let text = r#"[{"desk":"rounds","key":"pause_joins","actor":"cli","reason":"drill","at_ms":1}]"#;
        std::fs::write(folder.path().join("bursar.db.control"), text).unwrap();
        assert_eq!(file.stops().unwrap(), [stop("pause_joins")]);
    }

    #[test]
    fn a_file_that_does_not_parse_is_an_error_not_an_empty_list() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("bursar.db");
        let file = ControlFile::beside(&database);
        std::fs::write(folder.path().join("bursar.db.control"), "nonsense").unwrap();
        assert!(file.stops().is_err());
    }
}
