//! A snapshot of a shared database: one `REPEATABLE READ, READ ONLY` transaction, rows streamed as they come.

use std::collections::HashMap;

use ::postgres::fallible_iterator::FallibleIterator;
use ::postgres::types::ToSql;
use bursar_money::{Amount, U256};
use bursar_store::{FromColumn, Json, Row, StoreError, Timestamp, raw};
use postgres::Client;
use uuid::Uuid;

use super::{EachRow, Source};
use crate::backup::cell::Cell;
use crate::backup::column::{ColumnKind, columns};
use crate::backup::error::{self, BackupError};
use crate::backup::manifest::Step;
use crate::backup::schema::{APPLIED, STEPS, Table};

/// Nothing may end the snapshot but its reader; every table is read whole, so plans need no hints.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0; \
                     SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL jit = off";

pub struct PostgresSource {
    client: Client,
    kinds: HashMap<String, Vec<(String, Option<ColumnKind>)>>,
}

impl PostgresSource {
    pub fn open(url: &str) -> Result<PostgresSource, BackupError> {
        let mut client = raw::postgres_session(url)?;
        client.batch_execute(BEGIN).map_err(error::postgres)?;
        let mut kinds: HashMap<String, Vec<(String, Option<ColumnKind>)>> = HashMap::new();
        for (table, column, kind) in columns(&mut client)? {
            kinds.entry(table).or_default().push((column, kind));
        }
        Ok(PostgresSource { client, kinds })
    }
}

impl Source for PostgresSource {
    fn steps(&mut self) -> Result<Vec<Step>, BackupError> {
        if !self.kinds.contains_key(STEPS) {
            return Ok(Vec::new());
        }
        let rows = self.client.query(APPLIED, &[]).map_err(error::postgres)?;
        let step = |row: &::postgres::Row| {
            Ok(Step { name: row.try_get(0)?, checksum: row.try_get(1)?, epoch: row.try_get(2)? })
        };
        rows.iter().map(step).collect::<Result<_, _>>().map_err(error::postgres)
    }

    fn tables(&mut self) -> Result<Vec<(String, Vec<String>)>, BackupError> {
        let names = |(table, columns): (&String, &Vec<(String, Option<ColumnKind>)>)| {
            (table.clone(), columns.iter().map(|(name, _)| name.clone()).collect())
        };
        let mut tables: Vec<(String, Vec<String>)> = self.kinds.iter().map(names).collect();
        tables.sort_unstable();
        Ok(tables)
    }

    fn read(&mut self, table: &Table, each: EachRow<'_>) -> Result<(), BackupError> {
        let known = self.kinds.get(&table.name).map_or(&[][..], Vec::as_slice);
        let kind_of =
            |column: &String| known.iter().find(|(name, _)| name == column).and_then(|(_, kind)| *kind);
        let kinds: Option<Vec<ColumnKind>> = table.columns.iter().map(kind_of).collect();
        let kinds = kinds.ok_or_else(|| {
            BackupError::Schema(format!(
                "a column of {} has another type than its migration gave it",
                table.name
            ))
        })?;
        let none: [&(dyn ToSql + Sync); 0] = [];
        let mut rows = self.client.query_raw(&table.select(), none).map_err(error::postgres)?;
        let mut values: Vec<Value> = Vec::with_capacity(kinds.len());
        while let Some(row) = rows.next().map_err(error::postgres)? {
            let row = Row::Postgres(&row);
            values.clear();
            for (index, kind) in kinds.iter().enumerate() {
                values.push(value(&row, index, *kind)?);
            }
            let cells: Vec<Cell<'_>> = values.iter().map(Value::cell).collect();
            each(&cells)?;
        }
        Ok(())
    }

    fn last_serial(&mut self, table: &Table) -> Result<Option<i64>, BackupError> {
        let Some(column) = &table.serial else { return Ok(None) };
        let sql = format!(
            "SELECT s.last_value, has_sequence_privilege(pg_get_serial_sequence('{0}', '{column}'), 'USAGE, SELECT') \
             FROM pg_sequences s WHERE quote_ident(s.schemaname) || '.' || quote_ident(s.sequencename) = \
                   pg_get_serial_sequence('{0}', '{column}')",
            table.name
        );
        let rows = self.client.query(&sql, &[]).map_err(error::postgres)?;
        let Some(row) = rows.first() else { return Ok(None) };
        // Without the right the number is NULL, as that of a sequence that has given none out.
        if !row.try_get::<_, bool>(1).map_err(error::postgres)? {
            return Err(unreadable(table));
        }
        row.try_get(0).map_err(error::postgres)
    }
}

fn unreadable(table: &Table) -> BackupError {
    let why =
        "this database user may not read it; run GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO the user";
    StoreError::Statement(format!("the sequence that numbers the rows of {}: {why}", table.name)).into()
}

/// A value in the form of the embedded engine.
enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    Short([u8; 16]),
    Long([u8; 32]),
}

impl Value {
    fn cell(&self) -> Cell<'_> {
        match self {
            Value::Null => Cell::Null,
            Value::Int(value) => Cell::Int(*value),
            Value::Text(text) => Cell::Text(text),
            Value::Bytes(bytes) => Cell::Bytes(bytes),
            Value::Short(bytes) => Cell::Bytes(bytes),
            Value::Long(bytes) => Cell::Bytes(bytes),
        }
    }
}

fn value(row: &Row<'_>, index: usize, kind: ColumnKind) -> Result<Value, StoreError> {
    match kind {
        ColumnKind::Int => read(row, index, Value::Int),
        ColumnKind::Text => read(row, index, Value::Text),
        ColumnKind::Bytes => read(row, index, Value::Bytes),
        ColumnKind::Amount => read(row, index, |amount: Amount| Value::Short(amount.to_be_bytes())),
        ColumnKind::U256 => read(row, index, |number: U256| Value::Long(number.to_be_bytes())),
        ColumnKind::Time => read(row, index, |time: Timestamp| Value::Int(time.ms())),
        ColumnKind::Json => read(row, index, |json: Json| Value::Text(json.0)),
        ColumnKind::Uuid => read(row, index, |uuid: Uuid| Value::Short(uuid.into_bytes())),
        ColumnKind::Bool => read(row, index, |value: bool| Value::Int(i64::from(value))),
    }
}

fn read<T: FromColumn>(
    row: &Row<'_>,
    index: usize,
    value: impl FnOnce(T) -> Value,
) -> Result<Value, StoreError> {
    Ok(row.get::<Option<T>>(index)?.map_or(Value::Null, value))
}
