//! Proving a restored database: every row is there, the book adds up, the audit log is whole.

use std::time::Duration;

use bursar_audit::verify as verify_audit;
use bursar_ledger::{TrialBalance, trial_balance};
use bursar_store::{Clock, DatabaseUrl, OpenMode, Store, StoreError, StoreOptions, Tx};

use super::create::engine_of;
use super::error::BackupError;
use super::finding::Finding;
use super::ledger_check::check_accounts;
use super::manifest::{AssetTotals, Manifest};
use super::part::RowHasher;
use super::program::Program;
use super::schema::Table;
use super::source;

/// A walk through everything may take this long.
const PATIENCE: Duration = Duration::from_secs(86_400);

/// A store for work that walks through everything, under `clock`.
pub fn open_store(url: &DatabaseUrl, clock: &Clock) -> Result<Store, BackupError> {
    let options = StoreOptions {
        postgres_connections: 1,
        sqlite_readers: 1,
        patience: PATIENCE,
        clock: clock.clone(),
        ..StoreOptions::new(OpenMode::Tool)
    };
    Ok(Store::open(url, options)?)
}

/// Compares the restored database at `url` with the manifest, brings its schema up to the program's, and checks what
/// must hold in any database. Nothing is found = the restore is proven.
pub fn prove(
    program: &Program<'_>,
    manifest: &Manifest,
    tables: &[Table],
    url: &DatabaseUrl,
) -> Result<Vec<Finding>, BackupError> {
    let store = open_store(url, &Clock::System)?;
    let migrations = (program.migrations)(engine_of(url));
    let (mut findings, checked);
    if store.migration_state(&migrations)?.pending.is_empty() {
        // Two walks through the same rows that need nothing of each other.
        (findings, checked) = std::thread::scope(|threads| {
            let compared = threads.spawn(|| compare_rows(manifest, tables, url));
            let checked = store.read("backup.prove", |tx| check(tx, program, manifest));
            let compared = compared.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            compared.map(|findings| (findings, checked))
        })?;
    } else {
        findings = compare_rows(manifest, tables, url)?;
        store.migrate(&migrations)?;
        checked = store.read("backup.prove", |tx| check(tx, program, manifest));
    }
    match checked {
        Ok(found) => findings.extend(found),
        // A value that no program of ours writes came out of the backup like that.
        Err(StoreError::Decode(why)) => {
            findings.push(Finding::TableRefused { table: "a table".to_owned(), why });
        }
        Err(error) => return Err(error.into()),
    }
    Ok(findings)
}

/// Reads every table again: the same rows in the same order give the same hash.
fn compare_rows(
    manifest: &Manifest,
    tables: &[Table],
    url: &DatabaseUrl,
) -> Result<Vec<Finding>, BackupError> {
    let mut source = source::open(url)?;
    let mut findings = Vec::new();
    for part in &manifest.tables {
        let Some(table) = tables.iter().find(|table| table.name == part.table) else { continue };
        let (mut hasher, mut last) = (RowHasher::new(), part.serial);
        let fault = |cause| BackupError::file(&part.table, cause);
        source.read(table, &mut |row| {
            last = last.max(table.number(row));
            match hasher.add(row).map_err(fault)? {
                true => hasher.drain(|_| Ok(())).map_err(fault),
                false => Ok(()),
            }
        })?;
        let content = hasher.finish();
        if (content.rows, &content.hash) != (part.rows, &part.content) {
            let table = part.table.clone();
            findings.push(Finding::TableDiffers { table, rows: content.rows, expected: part.rows });
        }
        if source.last_serial(table)? < last {
            findings.push(Finding::SerialBehind(part.table.clone()));
        }
    }
    Ok(findings)
}

fn check(tx: &mut Tx<'_>, program: &Program<'_>, manifest: &Manifest) -> Result<Vec<Finding>, StoreError> {
    let mut findings = check_totals(&trial_balance(tx)?, &manifest.ledger);
    findings.extend(check_accounts(tx)?);
    match manifest.anchor() {
        Ok(anchor) => {
            let verification = verify_audit(tx, Some(&anchor))?;
            findings.extend(verification.findings.iter().map(|found| Finding::Audit(found.to_string())));
        }
        Err(finding) => findings.push(finding),
    }
    for desk in program.checks {
        let found = (desk.check)(tx)?;
        findings.extend(found.into_iter().map(|why| Finding::Desk { desk: desk.desk, why }));
    }
    Ok(findings)
}

fn check_totals(found: &[TrialBalance], expected: &[AssetTotals]) -> Vec<Finding> {
    let text = |totals: &AssetTotals| {
        format!("{} accounts, debits {}, credits {}", totals.accounts, totals.debits, totals.credits)
    };
    let none = |asset: &str| AssetTotals {
        asset: asset.to_owned(),
        accounts: 0,
        debits: "0".to_owned(),
        credits: "0".to_owned(),
    };
    let found_totals: Vec<AssetTotals> = found
        .iter()
        .map(|total| AssetTotals {
            asset: total.asset.symbol().to_owned(),
            accounts: total.accounts,
            debits: total.debits.to_string(),
            credits: total.credits.to_string(),
        })
        .collect();
    let mut assets: Vec<&str> =
        found_totals.iter().chain(expected).map(|totals| totals.asset.as_str()).collect();
    assets.sort_unstable();
    assets.dedup();
    let of = |list: &[AssetTotals], asset: &str| {
        list.iter().find(|totals| totals.asset == asset).cloned().unwrap_or_else(|| none(asset))
    };
    let mut findings = Vec::new();
    for asset in assets {
        let (found, expected) = (of(&found_totals, asset), of(expected, asset));
        if found != expected {
            let (found, expected) = (text(&found), text(&expected));
            findings.push(Finding::TotalsDiffer { asset: asset.to_owned(), found, expected });
        }
    }
    let unbalanced = found.iter().filter(|total| !total.sum.is_zero());
    findings.extend(unbalanced.map(|total| Finding::NotZero {
        asset: total.asset.symbol().to_owned(),
        sum: total.sum.to_string(),
    }));
    findings
}
