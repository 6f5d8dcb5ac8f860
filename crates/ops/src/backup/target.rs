//! Where backups are kept, behind a trait: a folder of this machine, or a bucket of an object store.

use std::io::{self, Read, Write};

use super::error::BackupError;
use super::name::BackupName;

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name within the backup.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// A place for backups. A backup is there as a whole or not at all.
pub trait Target: Send + Sync {
    /// The place as people know it.
    fn place(&self) -> String;

    /// The file or folder of a backup as people know it.
    fn place_of(&self, name: &BackupName) -> String;

    /// Begins a backup that nobody sees before it is complete. Dropping the draft gives it up without a trace.
    ///
    /// # Errors
    /// The place cannot be written to.
    fn begin(&self, name: &BackupName) -> Result<Box<dyn Draft + '_>, BackupError>;

    /// Every backup, oldest first. In a folder one whose manifest is gone is still listed, so that verifying it finds that;
    /// in a bucket the manifest makes it a backup.
    ///
    /// # Errors
    /// The place cannot be read.
    fn names(&self) -> Result<Vec<BackupName>, BackupError>;

    /// The files of a backup, by name.
    ///
    /// # Errors
    /// [`BackupError::NotFound`], or the place cannot be read.
    fn files(&self, name: &BackupName) -> Result<Vec<StoredFile>, BackupError>;

    /// Reads a file of a backup; a missing one is an I/O error of that kind.
    ///
    /// # Errors
    /// Whatever the place says.
    fn open(&self, name: &BackupName, file: &str) -> io::Result<Box<dyn Read + Send>>;

    /// Removes a backup; a crash leaves all of it or nothing that is listed.
    ///
    /// # Errors
    /// [`BackupError::NotFound`], or the place cannot be written to.
    fn remove(&self, name: &BackupName) -> Result<(), BackupError>;
}

/// A backup in the making.
pub trait Draft {
    /// Begins a file; it counts once it is closed.
    ///
    /// # Errors
    /// The place cannot be written to.
    fn create(&mut self, file: &str) -> io::Result<Box<dyn DraftFile>>;

    /// Makes the backup visible, with everything in it on disk.
    ///
    /// # Errors
    /// It could not be, and then there is no backup.
    fn complete(self: Box<Self>) -> Result<(), BackupError>;
}

/// A file in the making.
pub trait DraftFile: Write {
    /// Brings it to disk.
    ///
    /// # Errors
    /// It is not there.
    fn close(self: Box<Self>) -> io::Result<()>;
}
