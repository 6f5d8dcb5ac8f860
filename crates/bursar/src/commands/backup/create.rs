//! `bursar backup create`.

use std::path::Path;

use bursar_audit::Actor;
use bursar_ops::backup::Work;
use serde_json::{Value, json};

use super::super::accountable::Accountable;
use super::super::context::Patience;
use super::super::{CommandError, Context};
use super::report::{database_name, ledger, open_chronicled};
use crate::host::{Backups, Chronicle, url};

/// Options of `bursar backup create`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Create {
    /// Who is responsible, instead of the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// Makes a backup and notes it in the database.
pub(super) fn run(options: &Create, folder: Option<&Path>, context: &Context) -> Result<Value, CommandError> {
    let who = Accountable::new(options.actor.as_deref(), context.user(), None)?;
    let configuration = context.configuration()?;
    let store = context.open(&configuration, Patience::Ordinary)?;
    let chronicled = open_chronicled(&store, &configuration)?;
    let recorder = context.recorder();
    let actor = Actor { kind: "operator", id: who.actor };
    let chronicle = Chronicle { store: &store, recorder: &recorder, actor };
    let backups = Backups::new(&configuration, folder)?;
    let now = store.read("backup.now", |tx| tx.reading());
    // A database from before the clock had a table is still worth a backup.
    let now = now.unwrap_or_else(|_| bursar_store::clock::machine_time());
    let created = match backups.create(&url(&configuration)?, now, &|| true) {
        Ok(created) => created,
        Err(error) => {
            if chronicled {
                chronicle.failed(Work::Create, None, &error.to_string())?;
            }
            return Err(error.into());
        }
    };
    let bytes = backups.bytes(&created.name)?;
    if chronicled {
        chronicle.created(&created, bytes)?;
    } else {
        context.say("The backup is made; its age is not noted, as migrations of the database are pending.");
    }
    let manifest = &created.manifest;
    if !manifest.left_out.is_empty() {
        context
            .say(&format!("Not in the backup, as no migration made them: {}", manifest.left_out.join(", ")));
    }
    Ok(json!({
        "ok": true, "name": created.name.as_str(), "dbName": database_name(&configuration),
        "outputFile": backups.target().place_of(&created.name), "sizeBytes": bytes,
        "backupsInDir": backups.target().names()?.len(), "takenAt": manifest.taken_at,
        "takenAtMs": manifest.taken_at_ms, "engine": manifest.engine, "encrypted": manifest.encryption.is_some(),
        "tables": manifest.tables.len(), "rows": manifest.rows(), "leftOut": manifest.left_out,
        "ledger": ledger(manifest), "manifestHash": created.manifest_hash, "tookMs": created.took_ms,
    }))
}
