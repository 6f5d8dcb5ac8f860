//! What backups need to know of the program whose tables they hold.

use bursar_store::{StoreError, Tx};

use super::schema::Migrations;

/// A program with its tables and what must hold in them.
pub struct Program<'a> {
    /// Its version, for the manifest.
    pub version: &'a str,
    /// Its migrations for an engine, without the store's own.
    pub migrations: Migrations<'a>,
    /// What each desk checks of its own tables.
    pub checks: &'a [DeskCheck],
}

/// What one desk checks of its own tables in a restored database.
#[derive(Clone, Copy)]
pub struct DeskCheck {
    /// The desk.
    pub desk: &'static str,
    /// Walks through its tables in pages and says what does not add up, in words, at most a few of each kind. The
    /// transaction is a snapshot without a time limit.
    pub check: fn(&mut Tx<'_>) -> Result<Vec<String>, StoreError>,
}
