//! `bursar backup verify`.

use std::path::{Path, PathBuf};

use bursar_audit::Actor;
use bursar_ops::backup::{BackupError, BackupName, Finding, Verified, Work};
use bursar_store::Store;
use serde_json::{Value, json};

use super::super::context::Patience;
use super::super::{CommandError, Context};
use super::report::{ledger, open_chronicled};
use crate::config::Configuration;
use crate::host::{Backups, Chronicle};

/// Options of `bursar backup verify`.
#[derive(Clone, Debug, clap::Args)]
pub struct Verify {
    /// Which backup, by name; without it the newest.
    pub name: Option<String>,
    /// Take a backup without encryption although there is a key.
    #[arg(long)]
    pub accept_unencrypted: bool,
    /// A folder with room for the scratch database, instead of the system's for temporary files.
    #[arg(long, value_name = "FOLDER")]
    pub scratch: Option<PathBuf>,
}

/// Proves a backup and notes that in the configured database, if it is there.
pub(super) fn run(options: &Verify, folder: Option<&Path>, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let backups = Backups::new(&configuration, folder)?;
    let name = match &options.name {
        Some(name) => name.parse().map_err(BackupError::from)?,
        None => backups.newest()?,
    };
    let verified = backups.verify(&name, options.accept_unencrypted, options.scratch.as_deref())?;
    let bytes = backups.bytes(&name)?;
    note(&configuration, context, &name, bytes, &verified)?;
    let answer = answer(&backups, &name, bytes, &verified);
    if verified.findings.is_empty() {
        return Ok(answer);
    }
    let why = BackupError::Damaged { name, findings: verified.findings }.to_string();
    Err(CommandError::No { answer, why })
}

fn answer(backups: &Backups, name: &BackupName, bytes: u64, verified: &Verified) -> Value {
    let manifest = verified.manifest.as_ref();
    let rows_of = |table: &str| {
        let part = manifest.and_then(|manifest| manifest.tables.iter().find(|part| part.table == table));
        part.map(|part| part.rows)
    };
    json!({
        "ok": verified.findings.is_empty(), "name": name.as_str(),
        "latestFile": backups.target().place_of(name), "sizeBytes": bytes,
        "checks": {
            "hasEntriesTable": rows_of("rounds_entry").is_some(),
            "hasSettlementsTable": rows_of("rounds_settlement").is_some(),
            "hasInsert": manifest.is_some_and(|manifest| manifest.rows() > 0),
        },
        "takenAt": manifest.map(|manifest| &manifest.taken_at), "tables": manifest.map(|manifest| manifest.tables.len()),
        "rows": manifest.map(bursar_ops::backup::Manifest::rows), "ledger": manifest.map(ledger),
        "encrypted": manifest.map(|manifest| manifest.encryption.is_some()),
        "findings": verified.findings, "tookMs": verified.took_ms,
    })
}

/// A proof may be made where there is no database, such as on another machine; then nobody notes it.
fn note(
    configuration: &Configuration,
    context: &Context,
    name: &BackupName,
    bytes: u64,
    verified: &Verified,
) -> Result<(), CommandError> {
    let Some(store) = chronicled_store(configuration, context) else {
        context
            .say("The proof is not noted: the configured database is not there, or has pending migrations.");
        return Ok(());
    };
    let recorder = context.recorder();
    let actor = Actor { kind: "operator", id: bursar_access::Actor::cli(context.user()).audit_id() };
    let chronicle = Chronicle { store: &store, recorder: &recorder, actor };
    if verified.findings.is_empty() {
        return Ok(chronicle.proven(name, bytes, verified.took_ms)?);
    }
    let why: Vec<String> = verified.findings.iter().take(20).map(Finding::to_string).collect();
    Ok(chronicle.failed(Work::Verify, Some(name), &why.join("; "))?)
}

fn chronicled_store(configuration: &Configuration, context: &Context) -> Option<Store> {
    let store = context.open(configuration, Patience::Ordinary).ok()?;
    open_chronicled(&store, configuration).ok()?.then_some(store)
}
