//! `bursar backup restore`.

use std::path::Path;

use bursar_ops::backup::{self, BackupError, RestoreRequest};
use bursar_store::Clock;
use serde_json::{Value, json};

use super::super::accountable::Accountable;
use super::super::{CommandError, Context};
use super::report::{database_name, ledger};
use crate::host::{Backups, url};

/// Options of `bursar backup restore`.
#[derive(Clone, Debug, clap::Args)]
pub struct Restore {
    /// Which backup, by name; without it the newest.
    pub name: Option<String>,
    /// The empty database to restore into, instead of the configured one: sqlite:PATH or
    /// postgres://USER@HOST/DATABASE.
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Take a backup without encryption although there is a key.
    #[arg(long)]
    pub accept_unencrypted: bool,
    /// Who is responsible, instead of the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Why, in 1 to 200 characters, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Restores a backup and says what it came to.
pub(super) fn run(
    options: &Restore,
    folder: Option<&Path>,
    context: &Context,
) -> Result<Value, CommandError> {
    let who = Accountable::new(options.actor.as_deref(), context.user(), options.reason.as_deref())?;
    let configuration = context.configuration()?;
    let backups = Backups::new(&configuration, folder)?;
    let name = match &options.name {
        Some(name) => name.parse().map_err(BackupError::from)?,
        None => backups.newest()?,
    };
    let (to, recorder) = (url(&configuration)?, context.recorder());
    let restored = backups.with_program(|program| {
        backup::restore(&RestoreRequest {
            program,
            target: backups.target(),
            name: &name,
            lock: backups.lock(options.accept_unencrypted),
            to: &to,
            clock: &Clock::System,
            recorder: &recorder,
            actor: &who.actor,
            reason: &who.reason,
        })
    })?;
    let manifest = &restored.manifest;
    context.say(&format!(
        "Restored and proven. What happened after {} is not in this database, although it may have happened outside: \
         it is generation {} of its data, and whatever pays must first be matched with the outside. Stops, revocations and \
         policies are those of the backup too: repeat what was done since before a server runs on it.",
        manifest.taken_at, restored.generation
    ));
    Ok(json!({
        "ok": true, "name": name.as_str(), "file": backups.target().place_of(&name),
        "dbName": database_name(&configuration), "takenAt": manifest.taken_at, "takenAtMs": manifest.taken_at_ms,
        "tables": manifest.tables.len(), "rows": manifest.rows(), "ledger": ledger(manifest),
        "generation": restored.generation, "filledMs": restored.filled_ms, "tookMs": restored.took_ms,
    }))
}
