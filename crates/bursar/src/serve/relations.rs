//! The tables that the server promises, and which of them are gone (B6).

use std::collections::BTreeSet;

use bursar_store::{EngineKind, Migration, StoreError, Tx};

/// The names of all tables that `migrations` create.
pub(super) fn promised(migrations: &[Migration]) -> BTreeSet<String> {
    let created = |sql: &'static str| {
        sql.split("CREATE TABLE IF NOT EXISTS ").skip(1).filter_map(|rest| {
            let name: String =
                rest.chars().take_while(|mark| mark.is_ascii_alphanumeric() || *mark == '_').collect();
            (!name.is_empty()).then_some(name)
        })
    };
    migrations.iter().flat_map(|migration| created(migration.sql)).collect()
}

/// Those of `promised` that are not in the database.
pub(super) fn missing(tx: &mut Tx<'_>, promised: &BTreeSet<String>) -> Result<Vec<String>, StoreError> {
    let sql = match tx.engine() {
        EngineKind::Sqlite => "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
        EngineKind::Postgres => {
            "SELECT relname::text FROM pg_catalog.pg_class WHERE relnamespace = 'public'::regnamespace \
             AND relkind IN ('r', 'p', 'v')"
        }
    };
    let present: BTreeSet<String> = tx.query(sql, &[], |row| row.get(0))?.into_iter().collect();
    Ok(promised.difference(&present).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_created_table_is_promised() {
        let migration = |sql| Migration { name: "a/1", epoch: 1, sql };
        let migrations = [
            migration(
                "-- x\nCREATE TABLE IF NOT EXISTS a_one (id @key);\nCREATE TABLE IF NOT EXISTS a_two(\n",
            ),
            migration("CREATE INDEX IF NOT EXISTS i ON a_one (id);"),
        ];
        assert_eq!(promised(&migrations), ["a_one".to_owned(), "a_two".to_owned()].into());
    }
}
