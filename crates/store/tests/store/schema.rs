//! The tables of these tests and the few things that many of them do with them.

use std::sync::LazyLock;

use bursar_store::{Column, Lock, Lookup, Migration, Store, StoreError, Tx};

pub const TABLES: [Migration; 1] = [Migration {
    name: "test/0001_tables",
    epoch: 1,
    sql: "CREATE TABLE counter (name @text PRIMARY KEY, value @int NOT NULL) @rowid_end;
          CREATE TABLE note (id @key, text @text NOT NULL);
          CREATE TABLE pair (a @int NOT NULL, b @text NOT NULL, v @int, PRIMARY KEY (a, b)) @rowid_end;
          CREATE TABLE everything (id @key, i @int, t @text, b @bytes, amount @amount, wide @u256, at @time, j @json,
              uuid @uuid, f @bool);
          INSERT INTO counter (name, value) VALUES ('a', 0), ('b', 0)",
}];

static COUNTER: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new("value", "counter", &[("name", Column::Text)], Lock::Update));

/// Reads the counter under a lock, then writes it back one higher.
pub fn count_up(tx: &mut Tx<'_>, name: &str) -> Result<i64, StoreError> {
    let found = tx.lookup(&COUNTER, &[name.into()], |row| row.get::<i64>(0))?;
    let next = found.first().copied().unwrap_or(0) + 1;
    tx.execute("UPDATE counter SET value = $1 WHERE name = $2", &[next.into(), name.into()])?;
    Ok(next)
}

pub fn counter(store: &Store, name: &str) -> i64 {
    let sql = "SELECT value FROM counter WHERE name = $1";
    store.read("test.counter", |tx| tx.query_first(sql, &[name.into()], |row| row.get(0))).unwrap().unwrap()
}

pub fn write_note(tx: &mut Tx<'_>, id: i64) -> Result<u64, StoreError> {
    tx.execute("INSERT INTO note (id, text) VALUES ($1, 'x')", &[id.into()])
}

/// The ids of all notes, ascending.
pub fn notes(store: &Store) -> Vec<i64> {
    store.read("test.notes", |tx| tx.query("SELECT id FROM note ORDER BY id", &[], |row| row.get(0))).unwrap()
}
