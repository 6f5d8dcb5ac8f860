//! Why a backup could not be made, proven or restored.

use std::io::{self, ErrorKind};

use bursar_store::StoreError;

use super::finding::Finding;
use super::key::KeyError;
use super::name::{BackupName, NameError};
use super::object_store::ObjectStoreRefusal;

/// Why something was not done. A backup that is bad is [`BackupError::Damaged`]; all else says nothing about it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The backups' place cannot be used.
    #[error("{path} cannot be used: {cause}")]
    File {
        /// Which file or folder.
        path: String,
        /// Why.
        cause: io::Error,
    },
    /// There is no space left for the backup.
    #[error(
        "the disk of {path} is full; nothing half-done was left. Free space, remove old backups with `bursar backup prune`, \
         or name another folder with BACKUP_DIR"
    )]
    DiskFull {
        /// Which file or folder.
        path: String,
    },
    /// There is no such backup.
    #[error("there is no backup {name} in {place}; `bursar backup list` shows those there are")]
    NotFound {
        /// Its name.
        name: BackupName,
        /// Where it was looked for.
        place: String,
    },
    /// There is none at all.
    #[error("there is no backup in {0}; make one with `bursar backup create`")]
    NoneFound(String),
    /// The bucket's settings lead nowhere, or to where anybody could read what is sent.
    #[error(transparent)]
    Bucket(#[from] ObjectStoreRefusal),
    /// A text is no name of a backup.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The key is missing, wrong or unreadable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The backup is bad.
    #[error("{name} is damaged:{}", list(.findings))]
    Damaged {
        /// Which.
        name: BackupName,
        /// What is wrong with it.
        findings: Vec<Finding>,
    },
    /// Somebody lives in the database that was to be restored into.
    #[error("{0} is not empty; a restore never writes over anything: name a new file or an empty database")]
    NotEmpty(String),
    /// The tables are not those of this program.
    #[error("{0}")]
    Schema(String),
    /// Whoever asked for it wants it no more.
    #[error("it was interrupted, as the process is shutting down; nothing half-done was left")]
    Interrupted,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("\n- {finding}")).collect()
}

impl BackupError {
    /// A stable word for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            BackupError::File { .. } => "backup_place_unusable",
            BackupError::DiskFull { .. } | BackupError::Store(StoreError::DiskFull(_)) => "disk_full",
            BackupError::NotFound { .. } | BackupError::NoneFound(_) => "backup_not_found",
            BackupError::Bucket(_) => "backup_target_refused",
            BackupError::Name(_) => "backup_name",
            BackupError::Key(KeyError::Wrong) => "backup_key_wrong",
            BackupError::Key(KeyError::Missing) => "backup_key_missing",
            BackupError::Key(KeyError::Unencrypted) => "backup_unencrypted",
            BackupError::Key(KeyError::File { .. } | KeyError::Malformed) => "backup_key_unusable",
            BackupError::Damaged { .. } => "backup_damaged",
            BackupError::NotEmpty(_) => "target_not_empty",
            BackupError::Schema(_) => "backup_schema",
            BackupError::Interrupted => "interrupted",
            BackupError::Store(StoreError::Unavailable(_)) => "database_unavailable",
            BackupError::Store(_) => "store_failed",
        }
    }

    /// A failure of the file or folder `path`.
    #[must_use]
    pub fn file(path: impl std::fmt::Display, cause: io::Error) -> BackupError {
        let path = path.to_string();
        match cause.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => BackupError::DiskFull { path },
            _ => BackupError::File { path, cause },
        }
    }
}

/// A failure of SQLite.
pub(super) fn sqlite(error: rusqlite::Error) -> BackupError {
    BackupError::Store(bursar_store::raw::sqlite_error(error))
}

/// A failure of PostgreSQL.
pub(super) fn postgres(error: ::postgres::Error) -> BackupError {
    BackupError::Store(bursar_store::raw::postgres_error(error))
}
