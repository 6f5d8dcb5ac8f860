//! Reading columns of a row, alike on both engines.

use bursar_money::{Amount, U256};
use uuid::Uuid;

use crate::postgres::codec;
use crate::{Json, StoreError, Timestamp};

/// One row of a result.
pub enum Row<'a> {
    /// A row that SQLite holds.
    Sqlite(&'a rusqlite::Row<'a>),
    /// A row that PostgreSQL sent.
    Postgres(&'a ::postgres::Row),
}

impl Row<'_> {
    /// The value of the column at `index`, counted from 0.
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T, StoreError> {
        match self {
            Row::Sqlite(row) => {
                let value = row.get_ref(index).map_err(|error| decode(index, &error))?;
                T::from_sqlite(value).map_err(|error| decode(index, &error))
            }
            Row::Postgres(row) => T::from_postgres(row, index).map_err(|error| decode(index, &error)),
        }
    }
}

fn decode(index: usize, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Decode(format!("column {index}: {error}"))
}

type SqliteResult<T> = Result<T, rusqlite::types::FromSqlError>;
type PostgresResult<T> = Result<T, ::postgres::Error>;

/// A type that a column can be read as.
pub trait FromColumn: Sized {
    /// Reads it from SQLite's value.
    fn from_sqlite(value: rusqlite::types::ValueRef<'_>) -> SqliteResult<Self>;
    /// Reads it from a PostgreSQL row.
    fn from_postgres(row: &::postgres::Row, index: usize) -> PostgresResult<Self>;
}

macro_rules! native_column {
    ($($type:ty),+) => {
        $(impl FromColumn for $type {
            fn from_sqlite(value: rusqlite::types::ValueRef<'_>) -> SqliteResult<Self> {
                <$type as rusqlite::types::FromSql>::column_result(value)
            }
            fn from_postgres(row: &::postgres::Row, index: usize) -> PostgresResult<Self> {
                row.try_get(index)
            }
        })+
    };
}

native_column!(i64, String, Vec<u8>, bool);

macro_rules! wire_column {
    ($type:ty, $wire:ty, |$value:ident| $sqlite:expr) => {
        impl FromColumn for $type {
            fn from_sqlite($value: rusqlite::types::ValueRef<'_>) -> SqliteResult<Self> {
                $sqlite
            }
            fn from_postgres(row: &::postgres::Row, index: usize) -> PostgresResult<Self> {
                row.try_get::<_, $wire>(index).map(|wire| wire.0)
            }
        }
    };
}

wire_column!(Timestamp, codec::Time, |value| value.as_i64().map(Timestamp::from_ms));
wire_column!(Json, codec::JsonText, |value| value.as_str().map(|text| Json(text.to_owned())));
wire_column!(Uuid, codec::UuidBytes, |value| fixed::<16>(value).map(Uuid::from_bytes));
wire_column!(Amount, codec::Numeric128, |value| fixed::<16>(value).map(Amount::from_be_bytes));
wire_column!(U256, codec::Numeric256, |value| fixed::<32>(value).map(U256::from_be_bytes));

fn fixed<const N: usize>(value: rusqlite::types::ValueRef<'_>) -> SqliteResult<[u8; N]> {
    let bytes = value.as_blob()?;
    bytes.try_into().map_err(|_| rusqlite::types::FromSqlError::InvalidBlobSize {
        expected_size: N,
        blob_size: bytes.len(),
    })
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_sqlite(value: rusqlite::types::ValueRef<'_>) -> SqliteResult<Self> {
        match value {
            rusqlite::types::ValueRef::Null => Ok(None),
            present => T::from_sqlite(present).map(Some),
        }
    }
    fn from_postgres(row: &::postgres::Row, index: usize) -> PostgresResult<Self> {
        match row.try_get::<_, codec::IsNull>(index)?.0 {
            true => Ok(None),
            false => T::from_postgres(row, index).map(Some),
        }
    }
}
