//! Beside the transaction API: sessions and errors of the engines, for copying whole tables in and out.

use crate::{StoreError, postgres, sqlite};

/// A session of its own with the PostgreSQL server at `url`, encrypted as a store's are. Nothing limits its statements.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub fn postgres_session(url: &str) -> Result<::postgres::Client, StoreError> {
    postgres::session(url)
}

/// A PostgreSQL error as the store names it.
#[must_use]
pub fn postgres_error(error: ::postgres::Error) -> StoreError {
    postgres::classify(error)
}

/// A SQLite error as the store names it.
#[must_use]
pub fn sqlite_error(error: rusqlite::Error) -> StoreError {
    sqlite::classify(error)
}
