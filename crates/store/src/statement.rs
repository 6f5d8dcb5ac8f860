//! Statements in one text for both engines, and the bulk forms that alone differ between them.

use crate::Column;

/// Whether rows that are read are locked until the transaction ends. SQLite has one writer, so only PostgreSQL locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// No lock.
    None,
    /// Others may read, nobody may change.
    Share,
    /// Nobody else may lock or change.
    Update,
}

impl Lock {
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Lock::None => "",
            Lock::Share => " FOR SHARE",
            Lock::Update => " FOR UPDATE",
        }
    }
}

/// A write of many rows of one shape: a prepared loop on SQLite, one `UNNEST` statement on PostgreSQL.
#[derive(Debug)]
pub struct Bulk {
    pub(crate) columns: Vec<Column>,
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
}

/// Rows of one table by the values of its key columns.
#[derive(Debug)]
pub struct Lookup {
    pub(crate) keys: Vec<Column>,
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
}

type Columns<'a> = &'a [(&'a str, Column)];

impl Bulk {
    /// Inserts rows; an existing key is an error that makes the batch run again and see the row.
    #[must_use]
    pub fn insert(table: &str, columns: Columns<'_>) -> Bulk {
        Bulk::insert_ending(table, columns, "")
    }

    /// Inserts rows, leaving those whose `key` exists as they are.
    #[must_use]
    pub fn insert_absent(table: &str, columns: Columns<'_>, key: &str) -> Bulk {
        Bulk::insert_ending(table, columns, &format!(" ON CONFLICT ({key}) DO NOTHING"))
    }

    /// Inserts rows or overwrites every other column of those whose `key` exists.
    #[must_use]
    pub fn upsert(table: &str, columns: Columns<'_>, key: &str) -> Bulk {
        let keys: Vec<&str> = key.split(',').map(str::trim).collect();
        let sets: Vec<String> = columns
            .iter()
            .filter(|(name, _)| !keys.contains(name))
            .map(|(name, _)| format!("{name} = excluded.{name}"))
            .collect();
        Bulk::insert_ending(
            table,
            columns,
            &format!(" ON CONFLICT ({key}) DO UPDATE SET {}", sets.join(", ")),
        )
    }

    /// Overwrites `sets` in the rows whose first `keys` columns match; `columns` lists the keys first.
    #[must_use]
    pub fn update(table: &str, keys: usize, columns: Columns<'_>) -> Bulk {
        let (key, sets) = columns.split_at(keys);
        let numbered = |from: usize, list: Columns<'_>, join: &str| -> String {
            let parts = list.iter().enumerate().map(|(i, (name, _))| format!("{name} = ${}", from + i));
            parts.collect::<Vec<_>>().join(join)
        };
        let from_values = |list: Columns<'_>, left: &str, join: &str| -> String {
            let parts = list.iter().map(|(name, _)| format!("{left}{name} = bulk.{name}"));
            parts.collect::<Vec<_>>().join(join)
        };
        Bulk {
            columns: columns.iter().map(|column| column.1).collect(),
            sqlite: format!(
                "UPDATE {table} SET {} WHERE {}",
                numbered(keys + 1, sets, ", "),
                numbered(1, key, " AND ")
            ),
            postgres: format!(
                "UPDATE {table} SET {} FROM UNNEST({}) AS bulk({}) WHERE {}",
                from_values(sets, "", ", "),
                arrays(columns),
                names(columns),
                from_values(key, &format!("{table}."), " AND ")
            ),
        }
    }

    fn insert_ending(table: &str, columns: Columns<'_>, ending: &str) -> Bulk {
        let names = names(columns);
        let marks: Vec<String> = (1..=columns.len()).map(|i| format!("${i}")).collect();
        Bulk {
            columns: columns.iter().map(|column| column.1).collect(),
            sqlite: format!("INSERT INTO {table} ({names}) VALUES ({}){ending}", marks.join(", ")),
            postgres: format!(
                "INSERT INTO {table} ({names}) SELECT * FROM UNNEST({}) AS bulk{ending}",
                arrays(columns)
            ),
        }
    }
}

impl Lookup {
    /// Reads `columns` (text as in SELECT) of the rows of `table` whose `keys` are one of many given, in key order.
    #[must_use]
    pub fn new(columns: &str, table: &str, keys: Columns<'_>, lock: Lock) -> Lookup {
        let on = |join: &str, left: &dyn Fn(usize, &str) -> String| -> String {
            let parts = keys.iter().enumerate().map(|(i, (name, _))| left(i, name));
            parts.collect::<Vec<_>>().join(join)
        };
        let condition = match keys {
            [(name, column)] => format!("{name} = ANY($1::{}[])", postgres_type(*column)),
            _ => format!("({}) IN (SELECT * FROM UNNEST({}))", names(keys), arrays(keys)),
        };
        Lookup {
            keys: keys.iter().map(|key| key.1).collect(),
            sqlite: format!(
                "SELECT {columns} FROM {table} WHERE {}",
                on(" AND ", &|i, name| format!("{name} = ${}", i + 1))
            ),
            postgres: format!(
                "SELECT {columns} FROM {table} WHERE {condition} ORDER BY {}{}",
                names(keys),
                lock.suffix()
            ),
        }
    }
}

fn names(columns: Columns<'_>) -> String {
    columns.iter().map(|column| column.0).collect::<Vec<_>>().join(", ")
}

fn arrays(columns: Columns<'_>) -> String {
    let parts = columns
        .iter()
        .enumerate()
        .map(|(i, (_, column))| format!("${}::{}[]", i + 1, postgres_type(*column)));
    parts.collect::<Vec<_>>().join(", ")
}

pub(crate) fn postgres_type(column: Column) -> &'static str {
    match column {
        Column::Int => "bigint",
        Column::Text => "text",
        Column::Bytes => "bytea",
        Column::Amount | Column::U256 => "numeric",
        Column::Time => "timestamptz",
        Column::Json => "jsonb",
        Column::Uuid => "uuid",
        Column::Bool => "boolean",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_write_has_one_form_an_engine() {
        let bulk = Bulk::upsert("t", &[("a", Column::Int), ("b", Column::Amount)], "a");
        assert_eq!(
            bulk.sqlite,
            "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = excluded.b"
        );
        assert_eq!(
            bulk.postgres,
            "INSERT INTO t (a, b) SELECT * FROM UNNEST($1::bigint[], $2::numeric[]) AS bulk \
             ON CONFLICT (a) DO UPDATE SET b = excluded.b"
        );
        let update = Bulk::update("t", 1, &[("a", Column::Int), ("b", Column::Text)]);
        assert_eq!(update.sqlite, "UPDATE t SET b = $2 WHERE a = $1");
        assert_eq!(
            update.postgres,
            "UPDATE t SET b = bulk.b FROM UNNEST($1::bigint[], $2::text[]) AS bulk(a, b) WHERE t.a = bulk.a"
        );
    }

    #[test]
    fn a_lookup_locks_in_key_order_where_the_engine_has_row_locks() {
        let lookup = Lookup::new("k, v", "t", &[("k", Column::Int)], Lock::Update);
        assert_eq!(lookup.sqlite, "SELECT k, v FROM t WHERE k = $1");
        assert_eq!(lookup.postgres, "SELECT k, v FROM t WHERE k = ANY($1::bigint[]) ORDER BY k FOR UPDATE");
        let lookup = Lookup::new("v", "t", &[("a", Column::Int), ("b", Column::Text)], Lock::None);
        assert_eq!(lookup.sqlite, "SELECT v FROM t WHERE a = $1 AND b = $2");
        let both =
            "SELECT v FROM t WHERE (a, b) IN (SELECT * FROM UNNEST($1::bigint[], $2::text[])) ORDER BY a, b";
        assert_eq!(lookup.postgres, both);
    }
}
