//! Verifying a backup: it is restored into a scratch database, whatever engine it came from, and proven there.

use std::path::Path;
use std::time::Instant;

use bursar_store::DatabaseUrl;

use super::error::BackupError;
use super::finding::Finding;
use super::inspect::{self, Lock};
use super::manifest::Manifest;
use super::name::BackupName;
use super::program::Program;
use super::proof::prove;
use super::restore::{fill, milliseconds};
use super::scratch::Scratch;
use super::target::Target;

/// What to verify.
pub struct VerifyRequest<'a> {
    /// The program whose tables it holds.
    pub program: &'a Program<'a>,
    /// Where the backup is.
    pub target: &'a dyn Target,
    /// Which.
    pub name: &'a BackupName,
    /// What opens it.
    pub lock: Lock<'a>,
    /// A folder with room for the scratch database; `None` = the system's for temporary files.
    pub scratch: Option<&'a Path>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What the backup says of itself; `None` where the manifest cannot be relied on.
    pub manifest: Option<Manifest>,
    /// What is wrong with it; nothing = it restores to what was backed up.
    pub findings: Vec<Finding>,
    /// How long it took, in milliseconds of real time.
    pub took_ms: i64,
}

/// Restores a backup into a scratch database and checks it there. A bad backup is an answer, not an error.
///
/// # Errors
/// It could not be found out: the place, the key, or the scratch database is not to be had.
pub fn verify(request: &VerifyRequest<'_>) -> Result<Verified, BackupError> {
    let began = Instant::now();
    let mut manifest = None;
    let findings = match findings(request, &mut manifest) {
        Ok(findings) => findings,
        Err(BackupError::Damaged { findings, .. }) => findings,
        Err(error) => return Err(error),
    };
    Ok(Verified { manifest, findings, took_ms: milliseconds(began) })
}

fn findings(
    request: &VerifyRequest<'_>,
    manifest: &mut Option<Manifest>,
) -> Result<Vec<Finding>, BackupError> {
    let VerifyRequest { program, target, name, lock, scratch } = *request;
    let opened = inspect::open(target, name, lock)?;
    let opened_manifest = manifest.insert(opened.manifest.clone());
    let findings = inspect::check_files(target, name, opened_manifest)?;
    if !findings.is_empty() {
        return Ok(findings);
    }
    let place = scratch.map_or_else(std::env::temp_dir, Path::to_owned);
    let scratch = Scratch::in_folder(&place).map_err(|cause| BackupError::file(place.display(), cause))?;
    let url = DatabaseUrl::Sqlite(scratch.path().join("scratch.db"));
    let tables = fill(program, target, name, &opened, &url)?;
    prove(program, &opened.manifest, &tables, &url)
}
