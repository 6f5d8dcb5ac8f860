//! What a server's database holds, read the way a person with SQL reads it.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "support for tests; each test file uses a part of it"
)]

use bursar_money::Amount;
use bursar_store::{DatabaseUrl, EngineKind, FromColumn, OpenMode, Param, Store, StoreOptions, Tx};
use serde_json::Value;

use crate::harness::Place;

/// Tables that say what was asked and how the process lives, not what is owed, allowed or decided.
const NOT_DOMAIN: [&str; 10] = [
    "audit_",
    "store_",
    "web_rate_",
    "job_",
    "sqlite_",
    "ops_alert",
    "ops_total",
    "ops_minute",
    "ops_refusal",
    "control_secret",
];

/// A second connection to the database of a server.
pub struct Evidence {
    store: Store,
}

impl Evidence {
    /// Of this place. A server must have made its tables.
    pub fn of(place: &Place) -> Evidence {
        let mut options = StoreOptions::new(OpenMode::Tool);
        (options.postgres_connections, options.sqlite_readers) = (1, 1);
        let url = if place.is_embedded() { place.url() } else { format!("{}?sslmode=disable", place.url()) };
        let url: DatabaseUrl = url.parse().unwrap();
        Evidence { store: Store::open(&url, options).expect("the database of the server") }
    }

    /// Every row of every domain table as text: money, rounds, switches, settings, people.
    pub fn domain(&self) -> Vec<String> {
        self.store
            .read("test.domain", |tx| {
                let mut rows = Vec::new();
                for (table, sql) in selects(tx)? {
                    if !NOT_DOMAIN.iter().any(|prefix| table.starts_with(prefix)) {
                        rows.extend(tx.query(leaked(sql), &[], |row| row.get::<String>(0))?);
                    }
                }
                Ok(rows)
            })
            .unwrap()
    }

    /// Those of entries, pools, settlements and the ledger.
    pub fn money(&self) -> Vec<String> {
        let is_money = |row: &String| row.starts_with("ledger_") || row.starts_with("rounds_");
        let is_configuration = |row: &String| row.starts_with("rounds_config ");
        self.domain().into_iter().filter(|row| is_money(row) && !is_configuration(row)).collect()
    }

    /// One column of a query.
    pub fn column<T: FromColumn>(&self, sql: &str, params: &[Param<'_>]) -> Vec<T> {
        let sql = leaked(sql.to_owned());
        self.store.read("test.column", |tx| tx.query(sql, params, |row| row.get(0))).unwrap()
    }

    /// Reads whatever `read` does.
    pub fn read<T>(&self, read: impl Fn(&mut Tx<'_>) -> Result<T, bursar_store::StoreError>) -> T {
        self.store.read("test.read", |tx| read(tx)).unwrap()
    }

    /// Runs a statement as somebody with SQL does.
    pub fn execute(&self, sql: &str) {
        self.execute_while(sql, || {});
    }

    /// The same, committed only once `meanwhile` has been done.
    pub fn execute_while(&self, sql: &str, meanwhile: impl Fn()) {
        let work = |tx: &mut Tx<'_>| {
            tx.batch_execute(sql)?;
            meanwhile();
            Ok::<_, bursar_store::StoreError>(())
        };
        self.store.transact("test.execute", work).unwrap();
    }

    /// Credits less debits of the account at `path`, in base units; 0 when there is none.
    pub fn balance(&self, path: &str) -> i128 {
        let sum = |column: &str| -> i128 {
            let sql = format!("SELECT {column} FROM ledger_account WHERE path = $1");
            let amounts: Vec<Amount> = self.column(&sql, &[path.into()]);
            amounts.iter().map(|amount| i128::try_from(amount.units()).unwrap()).sum()
        };
        sum("credits") - sum("debits")
    }

    /// How many transfers the ledger has.
    pub fn transfers(&self) -> usize {
        self.column::<i64>("SELECT id FROM ledger_transfer", &[]).len()
    }

    /// The payloads of the rounds desk's audit events of this name, oldest first.
    pub fn events(&self, name: &str) -> Vec<Value> {
        let sql = "SELECT COALESCE(CAST(payload AS TEXT), 'null') FROM rounds_audit_events WHERE event = $1 \
                   ORDER BY id";
        let payloads: Vec<String> = self.column(sql, &[name.into()]);
        payloads.iter().map(|payload| serde_json::from_str(payload).unwrap()).collect()
    }
}

/// Each table with the query that writes its rows as text.
fn selects(tx: &mut Tx<'_>) -> Result<Vec<(String, String)>, bursar_store::StoreError> {
    let sql = match tx.engine() {
        EngineKind::Sqlite => {
            "SELECT m.name, 'SELECT ' || quote(m.name) || ' || '' '' || ' || \
             (SELECT group_concat('quote(' || name || ')', ' || '','' || ') FROM pragma_table_info(m.name)) || \
             ' FROM ' || m.name || ' ORDER BY 1' FROM sqlite_master m WHERE m.type = 'table' ORDER BY m.name"
        }
        EngineKind::Postgres => {
            "SELECT tablename::text, 'SELECT ''' || tablename || ' '' || row_to_json(t)::text FROM ' || tablename \
             || ' t ORDER BY 1' FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        }
    };
    tx.query(sql, &[], |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))
}

/// A statement's text lives as long as the process; tests make few of them.
fn leaked(sql: String) -> &'static str {
    Box::leak(sql.into_boxed_str())
}
