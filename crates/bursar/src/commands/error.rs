//! Why a command ends with exit 1, and what its stdout shows then.

use std::path::{Path, PathBuf};

use bursar_access::Rejection;
use bursar_audit::AnchorError;
use bursar_control::settings::SettingRefusal;
use bursar_ops::backup::BackupError;
use bursar_store::StoreError;
use serde_json::{Value, json};

use crate::config::ConfigurationErrors;
use crate::host::OpenFault;
use crate::replay::ReplayError;

/// Why a command ends with exit 1.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command line asks for something that does not exist or does not fit together.
    #[error("{0}")]
    Usage(String),
    /// The configuration is refused.
    #[error(transparent)]
    Configuration(#[from] ConfigurationErrors),
    /// The place of the database cannot be used.
    #[error("{0}")]
    Place(String),
    /// Steps of the schema have not run.
    #[error("{} of the database's migrations have not run ({}); run `bursar migrate up`", .0.len(), .0.join(", "))]
    Pending(Vec<String>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A change of operators was refused.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// A change of a setting was refused.
    #[error(transparent)]
    Setting(#[from] SettingRefusal),
    /// An anchor cannot be relied on.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// A replay ended early.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A backup could not be made, proven or restored.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A file cannot be read or written.
    #[error("{path} cannot be used: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The command did its work, and the answer is no.
    #[error("{why}")]
    No {
        /// What stdout shows.
        answer: Value,
        /// The same in words.
        why: String,
    },
}

impl CommandError {
    /// A file that cannot be used.
    pub(super) fn file(path: &Path, cause: std::io::Error) -> CommandError {
        CommandError::File { path: path.to_owned(), cause }
    }

    /// A stable word for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            CommandError::Usage(_) => "usage",
            CommandError::Configuration(_) => "configuration_refused",
            CommandError::Place(_) => "no_database",
            CommandError::Pending(_) => "migrations_pending",
            CommandError::Store(StoreError::Unavailable(_)) => "database_unavailable",
            CommandError::Store(_) => "store_failed",
            CommandError::Refused(rejection) => rejection.code(),
            CommandError::Setting(SettingRefusal::Unknown(_)) => "setting_not_found",
            CommandError::Setting(SettingRefusal::OutOfRange { .. }) => "setting_out_of_range",
            CommandError::Anchor(_) => "anchor_refused",
            CommandError::Replay(_) => "replay_failed",
            CommandError::Backup(error) => error.code(),
            CommandError::File { .. } => "file_unusable",
            CommandError::No { .. } => "no",
        }
    }

    /// What stdout shows: JSON with `ok` false.
    #[must_use]
    pub fn answer(&self) -> Value {
        match self {
            CommandError::No { answer, .. } => answer.clone(),
            CommandError::Configuration(errors) => {
                json!({"ok": false, "code": self.code(), "details": errors.problems})
            }
            CommandError::Backup(BackupError::Damaged { findings, .. }) => {
                json!({"ok": false, "code": self.code(), "error": self.to_string(), "findings": findings})
            }
            CommandError::Pending(pending) => {
                json!({"ok": false, "code": self.code(), "error": self.to_string(), "pending": pending})
            }
            _ => json!({"ok": false, "code": self.code(), "error": self.to_string()}),
        }
    }
}

impl From<OpenFault> for CommandError {
    fn from(fault: OpenFault) -> CommandError {
        match fault {
            OpenFault::Store(error) => CommandError::Store(error),
            OpenFault::Url(_) | OpenFault::Folder { .. } | OpenFault::Missing { .. } => {
                CommandError::Place(fault.to_string())
            }
        }
    }
}
