//! `bursar backup`: making backups, proving that they restore, restoring one, listing and removing them.

mod create;
mod keep;
mod report;
mod restore;
mod verify;

use std::path::PathBuf;

use serde_json::Value;

use super::{CommandError, Context};

/// `bursar backup`.
#[derive(Clone, Debug, clap::Args)]
pub struct Backup {
    /// What to do; without a word, make a backup.
    #[command(subcommand)]
    pub verb: Option<BackupVerb>,
    /// The folder of backups instead of `BACKUP_DIR`.
    #[arg(long, value_name = "FOLDER", global = true)]
    pub dir: Option<PathBuf>,
    /// The database to use instead of the configured one: sqlite:PATH or postgres://USER@HOST/DATABASE.
    #[arg(long = "database", value_name = "URL", global = true)]
    pub url: Option<String>,
}

/// A verb of `bursar backup`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum BackupVerb {
    /// Back the database up while it is used.
    Create(create::Create),
    /// Restore a backup into a scratch database and check it there; exit 1 when anything is wrong.
    Verify(verify::Verify),
    /// Restore a backup into an empty database of either engine, and check it there.
    Restore(restore::Restore),
    /// List the backups, oldest first.
    List,
    /// Remove backups that need not be kept; without options, those that the server would remove.
    Prune(keep::Prune),
}

impl Backup {
    /// The database that the command line names: for a restore, the one to restore into.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        let to = match &self.verb {
            Some(BackupVerb::Restore(options)) => options.to.as_deref(),
            _ => None,
        };
        to.or(self.url.as_deref())
    }
}

/// Does what the verb says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(group: &Backup, context: &Context) -> Result<Value, CommandError> {
    let folder = group.dir.as_deref();
    match &group.verb {
        None => create::run(&create::Create::default(), folder, context),
        Some(BackupVerb::Create(options)) => create::run(options, folder, context),
        Some(BackupVerb::Verify(options)) => verify::run(options, folder, context),
        Some(BackupVerb::Restore(options)) => restore::run(options, folder, context),
        Some(BackupVerb::List) => keep::list(folder, context),
        Some(BackupVerb::Prune(options)) => keep::prune(options, folder, context),
    }
}
