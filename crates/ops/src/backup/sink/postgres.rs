//! Filling a shared database with `COPY` in one transaction. Until it is proven, no server starts on it.

use std::collections::HashMap;
use std::io::{self, Write};

use ::postgres::CopyInWriter;
use ::postgres::types::{IsNull, ToSql, Type};
use bursar_store::{DatabaseUrl, Migration, OpenMode, Param, Store, StoreError, StoreOptions, Tx, raw};
use bytes::{BufMut, BytesMut};
use postgres::Client;

use super::{Feed, Sink, mismatch};
use crate::backup::column::{ColumnKind, columns};
use crate::backup::error::{self, BackupError};
use crate::backup::schema::{Table, UNPROVEN};

/// The epoch of [`UNPROVEN`], which no program serves on.
const NO_EPOCH: i64 = 1_000_000;
/// Bytes that are sent at a time.
const PIECE: usize = 1 << 17;

/// Secondary indexes: the table's and the index's name, and the text that makes it.
const INDEXES: &str = "SELECT c.relname::text, pg_get_indexdef(i.indexrelid) FROM pg_index i \
                       JOIN pg_class c ON c.oid = i.indexrelid \
                       JOIN pg_namespace n ON n.oid = c.relnamespace \
                       WHERE n.nspname = current_schema() AND NOT EXISTS \
                         (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid) \
                       ORDER BY c.relname";
const RELATIONS: &str = "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                         WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S'))";

pub struct PostgresSink {
    client: Client,
    kinds: HashMap<(String, String), Option<ColumnKind>>,
    indexes: Vec<String>,
    tables: Vec<String>,
}

/// Whether nothing is in the schema that a session of this URL works in.
pub fn is_empty(url: &str) -> Result<bool, BackupError> {
    let row = raw::postgres_session(url)?.query_one(RELATIONS, &[]).map_err(error::postgres)?;
    row.try_get::<_, bool>(0).map(|holds| !holds).map_err(error::postgres)
}

impl PostgresSink {
    pub fn open(url: &str, migrations: &[Migration], tables: &[Table]) -> Result<PostgresSink, BackupError> {
        let mut client = raw::postgres_session(url)?;
        // This comes first, so that a restore that dies anywhere leaves a database that no server takes for one.
        let mark = format!(
            "CREATE TABLE store_migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, epoch BIGINT NOT NULL, \
             applied_ms BIGINT NOT NULL); \
             INSERT INTO store_migrations (name, checksum, epoch, applied_ms) VALUES ('{UNPROVEN}', '', {NO_EPOCH}, 0)"
        );
        client.batch_execute(&mark).map_err(error::postgres)?;
        let store = Store::open(&DatabaseUrl::Postgres(url.to_owned()), StoreOptions::new(OpenMode::Tool))?;
        store.migrate(migrations)?;
        drop(store);
        let named = columns(&mut client)?;
        let kinds = named.into_iter().map(|(table, column, kind)| ((table, column), kind)).collect();
        let tables: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let begin = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '256MB'";
        client.batch_execute(begin).map_err(error::postgres)?;
        let mut sink = PostgresSink { client, kinds, indexes: Vec::new(), tables };
        sink.strip()?;
        Ok(sink)
    }

    /// Takes indexes and triggers away, and the rows that migrations seed.
    fn strip(&mut self) -> Result<(), BackupError> {
        for row in self.client.query(INDEXES, &[]).map_err(error::postgres)? {
            let (name, sql): (String, String) =
                (row.try_get(0).map_err(error::postgres)?, row.try_get(1).map_err(error::postgres)?);
            self.client.batch_execute(&format!("DROP INDEX {name}")).map_err(error::postgres)?;
            self.indexes.push(sql);
        }
        self.triggers("DISABLE")?;
        let truncate = format!("TRUNCATE {}", self.tables.join(", "));
        self.client.batch_execute(&truncate).map_err(error::postgres)
    }

    fn triggers(&mut self, verb: &str) -> Result<(), BackupError> {
        let each = |table: &String| format!("ALTER TABLE {table} {verb} TRIGGER USER;");
        let sql: String = self.tables.iter().map(each).collect();
        self.client.batch_execute(&sql).map_err(error::postgres)
    }
}

impl Sink for PostgresSink {
    fn load(&mut self, table: &Table, feed: Feed<'_>) -> Result<(), BackupError> {
        let kind = |column: &String| self.kinds.get(&(table.name.clone(), column.clone())).copied().flatten();
        let kinds: Option<Vec<ColumnKind>> = table.columns.iter().map(kind).collect();
        let kinds = kinds.ok_or_else(|| BackupError::Schema(format!("{} lacks a column", table.name)))?;
        let types: Vec<Type> = kinds.iter().map(|kind| kind.wire_type()).collect();
        // The table was emptied in this transaction, so its rows need no second visit to be frozen.
        let sql = format!(
            "COPY {} ({}) FROM STDIN WITH (FORMAT binary, FREEZE)",
            table.name,
            table.columns.join(", ")
        );
        let mut copy = Copy::begin(self.client.copy_in(&sql).map_err(error::postgres)?, types);
        feed(&mut |row| {
            let mut params: Vec<Param<'_>> = Vec::with_capacity(row.len());
            for (index, (cell, kind)) in row.iter().zip(&kinds).enumerate() {
                params.push(kind.param(*cell).ok_or_else(|| mismatch(table, index, cell))?);
            }
            copy.row(&params).map_err(|error| copy_failed(table, error))
        })?;
        copy.finish().map_err(|error| copy_failed(table, error))
    }

    fn set_serial(&mut self, table: &Table, last: i64) -> Result<(), BackupError> {
        let Some(column) = &table.serial else { return Ok(()) };
        let sql = format!("SELECT setval(pg_get_serial_sequence('{}', '{column}'), {last})", table.name);
        self.client.batch_execute(&sql).map_err(error::postgres)
    }

    fn finish(mut self: Box<Self>) -> Result<(), BackupError> {
        for sql in std::mem::take(&mut self.indexes) {
            self.client.batch_execute(&sql).map_err(error::postgres)?;
        }
        self.triggers("ENABLE")?;
        self.client.batch_execute("COMMIT; ANALYZE").map_err(error::postgres)
    }
}

/// What the server says of the rows comes as the cause of an I/O error.
fn copy_failed(table: &Table, error: io::Error) -> BackupError {
    let text = format!("{}: {error}", table.name);
    match error.into_inner().map(|cause| cause.downcast::<::postgres::Error>()) {
        Some(Ok(cause)) => error::postgres(*cause),
        Some(Err(_)) | None => StoreError::Statement(text).into(),
    }
}

/// Rows in the binary form of `COPY` (PostgreSQL documentation, "COPY", binary format), sent in large pieces.
struct Copy<'a> {
    out: CopyInWriter<'a>,
    types: Vec<Type>,
    gathered: BytesMut,
}

impl Copy<'_> {
    fn begin(out: CopyInWriter<'_>, types: Vec<Type>) -> Copy<'_> {
        let mut gathered = BytesMut::with_capacity(2 * PIECE);
        gathered.put_slice(b"PGCOPY\n\xff\r\n\0");
        gathered.put_i64(0);
        Copy { out, types, gathered }
    }

    fn row(&mut self, row: &[Param<'_>]) -> io::Result<()> {
        self.gathered.put_i16(i16::try_from(row.len()).map_err(io::Error::other)?);
        for (param, kind) in row.iter().zip(&self.types) {
            let at = self.gathered.len();
            self.gathered.put_i32(-1);
            if let IsNull::No = param.to_sql(kind, &mut self.gathered).map_err(io::Error::other)? {
                let length = i32::try_from(self.gathered.len() - at - 4).map_err(io::Error::other)?;
                if let Some(place) = self.gathered.get_mut(at..at + 4) {
                    place.copy_from_slice(&length.to_be_bytes());
                }
            }
        }
        if self.gathered.len() >= PIECE {
            self.out.write_all(&self.gathered)?;
            self.gathered.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.gathered.put_i16(-1);
        self.out.write_all(&self.gathered)?;
        self.out.finish().map(|_| ()).map_err(io::Error::other)
    }
}

/// Lets servers start on the database.
pub fn clear_unproven(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM store_migrations WHERE name = $1", &[UNPROVEN.into()]).map(|_| ())
}
