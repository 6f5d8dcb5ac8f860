//! Making a backup: every table from one snapshot, then the seal, then the manifest that makes it whole, then the name.

use std::io;
use std::time::Instant;

use bursar_audit::Anchor;
use bursar_store::{DatabaseUrl, EngineKind, Timestamp};

use super::error::BackupError;
use super::key::BackupKey;
use super::manifest::{
    Encryption, FORMAT, MANIFEST, MANIFEST_BYTES_MAX, Manifest, SEAL, TablePart, engine_word, seal,
};
use super::name::BackupName;
use super::observed::{Lens, Observed};
use super::part::PartWriter;
use super::program::Program;
use super::schema::{self, STEPS, Table};
use super::source::{self, Source};
use super::target::{Draft, Target};

/// Rows between two looks at whether the backup is still wanted.
const LOOK_ROWS: u64 = 4_096;

/// What to back up, and where to.
pub struct CreateRequest<'a> {
    /// The program whose tables are backed up.
    pub program: &'a Program<'a>,
    /// The database.
    pub database: &'a DatabaseUrl,
    /// The place for the backup.
    pub target: &'a dyn Target,
    /// Encrypts it.
    pub key: Option<&'a BackupKey>,
    /// What the rules' clock showed just before.
    pub now: Timestamp,
    /// Asked now and then; false gives the backup up.
    pub is_wanted: &'a dyn Fn() -> bool,
}

/// A backup that is there.
#[derive(Clone, Debug)]
pub struct Created {
    /// Its name.
    pub name: BackupName,
    /// What it holds.
    pub manifest: Manifest,
    /// BLAKE3 of its manifest, as hex: whoever keeps it elsewhere can tell a forged backup.
    pub manifest_hash: String,
    /// How long it took, in milliseconds of real time.
    pub took_ms: i64,
}

/// Backs the database up while it is used.
///
/// # Errors
/// No backup is there then, and nothing half-done.
pub fn create(request: &CreateRequest<'_>) -> Result<Created, BackupError> {
    let began = Instant::now();
    let name = BackupName::new(request.now)?;
    let engine = engine_of(request.database);
    let mut source = source::open(request.database)?;
    let (tables, left_out, steps) = known_tables(request, source.as_mut(), engine)?;
    let mut draft = request.target.begin(&name)?;
    let mut observed = Observed::default();
    let mut parts = Vec::with_capacity(tables.len());
    for table in &tables {
        parts.push(copy(request, source.as_mut(), draft.as_mut(), &name, table, &mut observed)?);
    }
    let ledger = observed.totals();
    let manifest = Manifest {
        format: FORMAT,
        name: name.to_string(),
        taken_at_ms: request.now.ms(),
        taken_at: BackupName::iso(request.now)?,
        engine: engine_word(engine).to_owned(),
        software: request.program.version.to_owned(),
        epoch: steps.iter().map(|step| step.epoch).max().unwrap_or(1),
        migrations: steps,
        encryption: request.key.map(Encryption::with),
        tables: parts,
        left_out,
        ledger,
        audit: anchor_value(&observed.anchor(request.now))?,
    };
    let bytes = serde_json::to_vec_pretty(&manifest).map_err(|error| malformed(&error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MANIFEST_BYTES_MAX {
        return Err(malformed(&format!("it would be longer than {MANIFEST_BYTES_MAX} bytes")));
    }
    let fault = |cause| BackupError::file(request.target.place_of(&name), cause);
    write(draft.as_mut(), SEAL, seal(&bytes, request.key).as_bytes()).map_err(fault)?;
    write(draft.as_mut(), MANIFEST, &bytes).map_err(fault)?;
    draft.complete()?;
    let took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    Ok(Created { name, manifest, manifest_hash: blake3::hash(&bytes).to_hex().to_string(), took_ms })
}

/// The engine behind a URL.
pub(super) fn engine_of(url: &DatabaseUrl) -> EngineKind {
    match url {
        DatabaseUrl::Sqlite(_) => EngineKind::Sqlite,
        DatabaseUrl::Postgres(_) => EngineKind::Postgres,
    }
}

type Known = (Vec<Table>, Vec<String>, Vec<super::manifest::Step>);

/// Our tables as they stand there, the names of those that are not ours, and the steps that ran.
fn known_tables(
    request: &CreateRequest<'_>,
    source: &mut dyn Source,
    engine: EngineKind,
) -> Result<Known, BackupError> {
    let found = source.tables()?;
    if !found.iter().any(|(name, _)| name == STEPS) {
        let text = "there are no tables of this program in the database; run `bursar migrate up` first";
        return Err(BackupError::Schema(text.to_owned()));
    }
    let steps = source.steps()?;
    let migrations = request.program.migrations;
    let ran = schema::known_steps(migrations, &steps, engine, EngineKind::Sqlite)?;
    let tables = schema::tables(&ran)?;
    for table in &tables {
        let columns = found.iter().find(|(name, _)| *name == table.name).map(|(_, columns)| columns);
        let mut wanted = table.columns.clone();
        let mut there = columns.cloned().unwrap_or_default();
        wanted.sort_unstable();
        there.sort_unstable();
        if wanted != there {
            return Err(BackupError::Schema(format!(
                "the table {} is not as its migration made it; undo what was done to it by hand",
                table.name
            )));
        }
    }
    let is_ours = |name: &String| name == STEPS || tables.iter().any(|table| table.name == *name);
    let left_out = found.into_iter().map(|(name, _)| name).filter(|name| !is_ours(name)).collect();
    Ok((tables, left_out, steps))
}

fn copy(
    request: &CreateRequest<'_>,
    source: &mut dyn Source,
    draft: &mut dyn Draft,
    name: &BackupName,
    table: &Table,
    observed: &mut Observed,
) -> Result<TablePart, BackupError> {
    let fault = |cause| BackupError::file(request.target.place_of(name), cause);
    let lens = Lens::of(table)?;
    let mut part = PartWriter::begin(draft, name, &table.name, request.key).map_err(fault)?;
    let mut rows = 0_u64;
    let serial = source.last_serial(table)?;
    source.read(table, &mut |row| {
        if rows.is_multiple_of(LOOK_ROWS) && !(request.is_wanted)() {
            return Err(BackupError::Interrupted);
        }
        rows = rows.saturating_add(1);
        observed.row(&lens, row)?;
        part.write(row).map_err(fault)
    })?;
    part.finish(&table.columns, serial).map_err(fault)
}

fn write(draft: &mut dyn Draft, file: &str, bytes: &[u8]) -> io::Result<()> {
    let mut out = draft.create(file)?;
    out.write_all(bytes)?;
    out.close()
}

fn anchor_value(anchor: &Anchor) -> Result<serde_json::Value, BackupError> {
    let text = anchor.to_json().map_err(|error| malformed(&error))?;
    serde_json::from_str(&text).map_err(|error| malformed(&error))
}

fn malformed(error: &dyn std::fmt::Display) -> BackupError {
    BackupError::Schema(format!("the manifest cannot be written: {error}"))
}
