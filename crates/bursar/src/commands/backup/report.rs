//! What the answers of `bursar backup` have in common.

use bursar_ops::backup::{AssetTotals, Manifest};
use bursar_store::Store;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::CommandError;
use crate::config::{Configuration, DatabaseUrl};
use crate::host::Desks;

/// Whether the database has the tables in which backups are noted.
pub(super) fn open_chronicled(store: &Store, configuration: &Configuration) -> Result<bool, CommandError> {
    let state = store.migration_state(&Desks::new(configuration).migrations(store.kind()))?;
    Ok(state.is_servable())
}

/// The book's totals, one an asset.
pub(super) fn ledger(manifest: &Manifest) -> Vec<Value> {
    let line = |totals: &AssetTotals| {
        json!({
            "asset": totals.asset, "accounts": totals.accounts, "debits": totals.debits, "credits": totals.credits,
        })
    };
    manifest.ledger.iter().map(line).collect()
}

/// The database's name: the file without its ending, or the name on the server.
pub(super) fn database_name(configuration: &Configuration) -> String {
    match &configuration.database.url {
        DatabaseUrl::Sqlite { path } => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        DatabaseUrl::Postgres { url } => {
            let url = url.expose_secret();
            let plain = url.split(['?', '#']).next().unwrap_or_default();
            plain.rsplit('/').next().unwrap_or_default().to_owned()
        }
    }
}
