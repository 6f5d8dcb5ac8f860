//! The tables that a list of migrations makes, learnt by applying it to an empty store.

use bursar_store::{DatabaseUrl, EngineKind, Migration, OpenMode, Store, StoreOptions};
use rusqlite::Connection;

use super::cell::Cell;
use super::error::{BackupError, sqlite};
use super::manifest::Step;

/// The list of what ran is told by the manifest and made anew by a restore.
pub const STEPS: &str = "store_migrations";

/// A step that no program knows, of an epoch that none serves on: a server refuses to start while it is in the list of
/// what ran. A restore takes it out of the list when it is proven.
pub const UNPROVEN: &str = "restore/not-proven-drop-this-database-and-restore-again";

/// What this program knows of the tables: its migrations for an engine.
pub type Migrations<'a> = &'a dyn Fn(EngineKind) -> Vec<Migration>;

/// One table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns in their order.
    pub columns: Vec<String>,
    /// The columns of its primary key in their order.
    pub key: Vec<String>,
    /// The column by which it numbers rows itself.
    pub serial: Option<String>,
}

impl Table {
    /// All rows in the order of the primary key. Names are ours: letters, digits and `_`.
    pub fn select(&self) -> String {
        format!("SELECT {} FROM {} ORDER BY {}", self.columns.join(", "), self.name, self.key.join(", "))
    }

    /// The number that the table gave this row by itself.
    pub fn number(&self, row: &[Cell<'_>]) -> Option<i64> {
        let serial = self.serial.as_ref()?;
        match row.get(self.columns.iter().position(|column| column == serial)?) {
            Some(Cell::Int(number)) => Some(*number),
            _ => None,
        }
    }
}

/// The steps that ran, as a database lists them.
pub const APPLIED: &str = "SELECT name, checksum, epoch FROM store_migrations ORDER BY name";

/// Those of the program's migrations for `engine` that are among `steps`; refuses steps that it does not know, or knows
/// with another text. `taken_on` is the engine whose texts the checksums are of.
pub fn known_steps(
    migrations: Migrations<'_>,
    steps: &[Step],
    taken_on: EngineKind,
    engine: EngineKind,
) -> Result<Vec<Migration>, BackupError> {
    let origin = migrations(taken_on);
    for step in steps {
        let known = origin.iter().find(|known| known.name == step.name);
        let base = step.name.starts_with("store/").then_some(());
        match (known, base) {
            (Some(known), _) if known.checksum() == step.checksum && known.epoch == step.epoch => {}
            // The store's own steps are no part of the list; the store itself compares them.
            (None, Some(())) => {}
            (None, None) if step.name == UNPROVEN => {
                let text =
                    "a restore into this database was cut short, or what it restored was not proven; drop it";
                return Err(BackupError::Schema(text.to_owned()));
            }
            (None, None) => {
                return Err(BackupError::Schema(format!(
                    "migration {} is of a newer version of this program; use that one",
                    step.name
                )));
            }
            (Some(_), _) => {
                return Err(BackupError::Schema(format!(
                    "migration {} has another text in this version of the program; use the version of the backup",
                    step.name
                )));
            }
        }
    }
    let ran = |known: &Migration| steps.iter().any(|step| step.name == known.name);
    Ok(migrations(engine).into_iter().filter(ran).collect())
}

/// The tables that `migrations` make on an empty embedded store, in an order in which no row names one of a later
/// table.
pub fn tables(migrations: &[Migration]) -> Result<Vec<Table>, BackupError> {
    let folder =
        tempfile::tempdir().map_err(|cause| BackupError::file(std::env::temp_dir().display(), cause))?;
    let path = folder.path().join("schema.db");
    let store = Store::open(&DatabaseUrl::Sqlite(path.clone()), StoreOptions::new(OpenMode::Tool))?;
    store.migrate(migrations)?;
    drop(store);
    let connection = Connection::open(&path).map_err(sqlite)?;
    in_order_of_reference(&connection, of_database(&connection)?)
}

fn of_database(connection: &Connection) -> Result<Vec<Table>, BackupError> {
    let sql = "SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_master \
               WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' AND name <> ?1 ORDER BY name";
    let named: Vec<(String, bool)> = rows(connection, sql, STEPS, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let table = |(name, numbers_itself): (String, bool)| {
        let columns = rows(connection, "SELECT name FROM pragma_table_info(?1) ORDER BY cid", &name, text)?;
        let key = "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk";
        let key = rows(connection, key, &name, text)?;
        if key.is_empty() {
            return Err(BackupError::Schema(format!("the table {name} has no primary key")));
        }
        let serial = key.first().filter(|_| numbers_itself).cloned();
        Ok(Table { name, columns, key, serial })
    };
    named.into_iter().map(table).collect()
}

fn in_order_of_reference(connection: &Connection, mut tables: Vec<Table>) -> Result<Vec<Table>, BackupError> {
    let mut ordered: Vec<Table> = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let before = ordered.len();
        let mut waiting = Vec::new();
        for table in tables {
            let sql = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1)";
            let named = rows(connection, sql, &table.name, text)?;
            let is_there = |name: &String| ordered.iter().any(|done| done.name == *name);
            let is_ready = named.iter().all(|name| *name == table.name || is_there(name));
            if is_ready { &mut ordered } else { &mut waiting }.push(table);
        }
        if ordered.len() == before {
            return Err(BackupError::Schema("tables name each other in a circle".to_owned()));
        }
        tables = waiting;
    }
    Ok(ordered)
}

fn text(row: &rusqlite::Row<'_>) -> rusqlite::Result<String> {
    row.get(0)
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    of: &str,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, BackupError> {
    let mut statement = connection.prepare(sql).map_err(sqlite)?;
    let found = statement.query_map([of], read).map_err(sqlite)?;
    found.collect::<Result<_, _>>().map_err(sqlite)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Migration = Migration {
        name: "test/0001",
        epoch: 1,
        sql: "CREATE TABLE a_child (parent @int NOT NULL REFERENCES b_parent (id), n @int NOT NULL, \
              PRIMARY KEY (n, parent)) @rowid_end; \
              CREATE TABLE b_parent (id @serial, name @text NOT NULL);",
    };

    fn step(name: &str, checksum: &str) -> Step {
        Step { name: name.to_owned(), checksum: checksum.to_owned(), epoch: 1 }
    }

    #[test]
    fn tables_come_with_their_keys_in_an_order_in_which_rows_can_be_put_back() {
        let all = tables(&[STEP]).unwrap();
        let names: Vec<&str> =
            all.iter().map(|table| &*table.name).filter(|name| !name.starts_with("store_")).collect();
        assert_eq!(names, ["b_parent", "a_child"]);
        let child = all.iter().find(|table| table.name == "a_child").unwrap();
        assert_eq!(child.select(), "SELECT parent, n FROM a_child ORDER BY n, parent");
        let parent = all.iter().find(|table| table.name == "b_parent").unwrap();
        assert_eq!((&child.serial, parent.serial.as_deref()), (&None, Some("id")));
        assert!(all.iter().all(|table| table.name != STEPS));
    }

    #[test]
    fn steps_of_another_version_are_refused_and_steps_that_had_not_run_are_left_out() {
        let migrations = |_: EngineKind| vec![STEP, Migration { name: "test/0002", ..STEP }];
        let ask = |steps: &[Step]| known_steps(&migrations, steps, EngineKind::Sqlite, EngineKind::Sqlite);
        let found = ask(&[step("store/0001_base", "any"), step("test/0001", &STEP.checksum())]).unwrap();
        assert_eq!(found.iter().map(|known| known.name).collect::<Vec<_>>(), ["test/0001"]);
        let newer = ask(&[step("test/0003", "any")]).unwrap_err().to_string();
        assert!(newer.contains("test/0003 is of a newer version"), "{newer}");
        assert!(ask(&[step("test/0001", "edited")]).unwrap_err().to_string().contains("another text"));
    }
}
