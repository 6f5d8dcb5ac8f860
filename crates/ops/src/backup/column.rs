//! The columns of a shared database, and how a backup's values become theirs.

use ::postgres::types::Type;
use bursar_money::{Amount, U256};
use bursar_store::{Param, Timestamp};
use postgres::Client;
use uuid::Uuid;

use super::cell::Cell;
use super::error::{self, BackupError};

/// The type of a column, as the migrations' marks name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    Int,
    Text,
    Bytes,
    Amount,
    U256,
    Time,
    Json,
    Uuid,
    Bool,
}

/// Decimal digits of an amount's column; those of a 256-bit number's have more.
const AMOUNT_DIGITS: i32 = 39;

/// A column: its table, its name and its kind; `None` = no migration makes such a column.
pub type NamedColumn = (String, String, Option<ColumnKind>);

/// Every column of every table in the schema of the session, in the order of the tables' columns.
pub fn columns(client: &mut Client) -> Result<Vec<NamedColumn>, BackupError> {
    let sql = "SELECT c.table_name::text, c.column_name::text, c.udt_name::text, c.numeric_precision::int4 \
               FROM information_schema.columns c JOIN information_schema.tables t \
                 ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
               WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' \
               ORDER BY c.table_name, c.ordinal_position";
    let rows = client.query(sql, &[]).map_err(error::postgres)?;
    let column = |row: &::postgres::Row| -> Result<_, ::postgres::Error> {
        let (kind, digits): (String, Option<i32>) = (row.try_get(2)?, row.try_get(3)?);
        Ok((row.try_get(0)?, row.try_get(1)?, kind_of(&kind, digits)))
    };
    rows.iter().map(column).collect::<Result<_, _>>().map_err(error::postgres)
}

fn kind_of(udt: &str, digits: Option<i32>) -> Option<ColumnKind> {
    match udt {
        "int8" => Some(ColumnKind::Int),
        "text" => Some(ColumnKind::Text),
        "bytea" => Some(ColumnKind::Bytes),
        "numeric" if digits == Some(AMOUNT_DIGITS) => Some(ColumnKind::Amount),
        "numeric" => Some(ColumnKind::U256),
        "timestamptz" => Some(ColumnKind::Time),
        "jsonb" => Some(ColumnKind::Json),
        "uuid" => Some(ColumnKind::Uuid),
        "bool" => Some(ColumnKind::Bool),
        _ => None,
    }
}

impl ColumnKind {
    /// The type that its values are sent as.
    pub fn wire_type(self) -> Type {
        match self {
            ColumnKind::Int => Type::INT8,
            ColumnKind::Text => Type::TEXT,
            ColumnKind::Bytes => Type::BYTEA,
            ColumnKind::Amount | ColumnKind::U256 => Type::NUMERIC,
            ColumnKind::Time => Type::TIMESTAMPTZ,
            ColumnKind::Json => Type::JSONB,
            ColumnKind::Uuid => Type::UUID,
            ColumnKind::Bool => Type::BOOL,
        }
    }

    /// A backup's value as one of this column; `None` = it cannot be one.
    pub fn param<'a>(self, cell: Cell<'a>) -> Option<Param<'a>> {
        match (self, cell) {
            (_, Cell::Null) => Some(Param::Null),
            (ColumnKind::Int, Cell::Int(value)) => Some(Param::Int(value)),
            (ColumnKind::Time, Cell::Int(value)) => Some(Param::Time(Timestamp::from_ms(value))),
            (ColumnKind::Bool, Cell::Int(value @ (0 | 1))) => Some(Param::Bool(value == 1)),
            (ColumnKind::Text, Cell::Text(text)) => Some(Param::Text(text)),
            (ColumnKind::Json, Cell::Text(text)) => Some(Param::Json(text)),
            (ColumnKind::Bytes, Cell::Bytes(bytes)) => Some(Param::Bytes(bytes)),
            (ColumnKind::Amount, Cell::Bytes(bytes)) => {
                bytes.try_into().ok().map(|bytes| Param::Amount(Amount::from_be_bytes(bytes)))
            }
            (ColumnKind::U256, Cell::Bytes(bytes)) => {
                let bytes: [u8; 32] = bytes.try_into().ok()?;
                Some(Param::U256(U256::from_be_bytes(bytes)))
            }
            (ColumnKind::Uuid, Cell::Bytes(bytes)) => Uuid::from_slice(bytes).ok().map(Param::Uuid),
            (
                ColumnKind::Int
                | ColumnKind::Text
                | ColumnKind::Bytes
                | ColumnKind::Amount
                | ColumnKind::U256
                | ColumnKind::Time
                | ColumnKind::Json
                | ColumnKind::Uuid
                | ColumnKind::Bool,
                _,
            ) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_fits_only_the_kind_that_it_was_taken_from() {
        let uuid = [7; 16];
        assert!(matches!(ColumnKind::Uuid.param(Cell::Bytes(&uuid)), Some(Param::Uuid(_))));
        assert!(matches!(ColumnKind::Amount.param(Cell::Bytes(&uuid)), Some(Param::Amount(_))));
        assert!(ColumnKind::U256.param(Cell::Bytes(&uuid)).is_none());
        assert!(matches!(ColumnKind::Bool.param(Cell::Int(1)), Some(Param::Bool(true))));
        assert!(ColumnKind::Bool.param(Cell::Int(2)).is_none());
        assert!(ColumnKind::Int.param(Cell::Text("1")).is_none());
        assert!(matches!(ColumnKind::Json.param(Cell::Null), Some(Param::Null)));
    }
}
