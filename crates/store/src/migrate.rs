//! Migrations: additive SQL in one text for both engines, checksummed, with a compatibility epoch.

use crate::{EngineKind, Param, Store, StoreError, Timestamp, Tx};

/// One step of the schema. Names sort in the order of application within a room, such as `ledger/0001_accounts`.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Room or desk, a slash, number and subject.
    pub name: &'static str,
    /// Binaries serve on their own epoch only; additive steps never raise it.
    pub epoch: i64,
    /// Statements, with column types as `@key @serial @int @text @bytes @amount @u256 @time @json @uuid @bool`, and
    /// `@rowid_end` where SQLite is told to keep no hidden row id.
    pub sql: &'static str,
}

/// How the stored schema stands to this binary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationState {
    /// Steps of this binary that have not run.
    pub pending: Vec<String>,
    /// Steps in the database that this binary does not know: a newer binary ran here.
    pub newer: Vec<String>,
    /// Steps whose text is not the one that ran, or whose epoch differs.
    pub incompatible: Vec<String>,
}

impl MigrationState {
    /// Whether this binary may serve on the schema.
    #[must_use]
    pub fn is_servable(&self) -> bool {
        self.pending.is_empty() && self.incompatible.is_empty()
    }
}

/// The store's own tables, which always come first.
const OWN: [Migration; 1] =
    [Migration { name: "store/0001_base", epoch: 1, sql: include_str!("../migrations/0001_base.sql") }];

impl Migration {
    /// The text as `engine` reads it.
    #[must_use]
    pub fn sql_for(&self, engine: EngineKind) -> String {
        let types = [
            ("@key", "INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY"),
            ("@serial", "INTEGER PRIMARY KEY AUTOINCREMENT", "BIGSERIAL PRIMARY KEY"),
            ("@int", "INTEGER", "BIGINT"),
            ("@text", "TEXT", "TEXT COLLATE \"C\""),
            ("@bytes", "BLOB", "BYTEA"),
            ("@amount", "BLOB", "NUMERIC(39,0)"),
            ("@u256", "BLOB", "NUMERIC(78,0)"),
            ("@time", "INTEGER", "TIMESTAMPTZ"),
            ("@json", "TEXT", "JSONB"),
            ("@uuid", "BLOB", "UUID"),
            ("@bool", "INTEGER", "BOOLEAN"),
            ("@rowid_end", "WITHOUT ROWID", ""),
        ];
        types.iter().fold(self.sql.to_owned(), |sql, (mark, sqlite, postgres)| {
            sql.replace(mark, if engine == EngineKind::Sqlite { sqlite } else { postgres })
        })
    }

    /// Hash of the text, by which the database remembers what ran.
    #[must_use]
    pub fn checksum(&self) -> String {
        blake3::hash(self.sql.as_bytes()).to_hex().to_string()
    }
}

impl Store {
    /// Brings the schema up to `migrations`, each step in its own transaction under a lock; running it twice is safe.
    pub fn migrate(&self, migrations: &[Migration]) -> Result<Vec<&'static str>, StoreError> {
        self.make_migration_table()?;
        let mut ran = Vec::new();
        for migration in OWN.iter().chain(migrations) {
            if self.migrate_one(migration)? {
                ran.push(migration.name);
            }
        }
        Ok(ran)
    }

    /// How the stored schema stands to `migrations`.
    pub fn migration_state(&self, migrations: &[Migration]) -> Result<MigrationState, StoreError> {
        let known: Vec<&Migration> = OWN.iter().chain(migrations).collect();
        self.read("store.migration_state", |tx| {
            let ran = if has_migration_table(tx)? { applied(tx)? } else { Vec::new() };
            let mut state = MigrationState::default();
            for migration in &known {
                match ran.iter().find(|(name, ..)| name == migration.name) {
                    None => state.pending.push(migration.name.to_owned()),
                    Some((name, checksum, epoch)) => {
                        if *epoch != migration.epoch || *checksum != migration.checksum() {
                            state.incompatible.push(name.clone());
                        }
                    }
                }
            }
            let epoch = known.iter().map(|migration| migration.epoch).max().unwrap_or(1);
            for (name, _, of) in ran.iter().filter(|(name, ..)| known.iter().all(|m| m.name != name)) {
                let list = if *of > epoch { &mut state.incompatible } else { &mut state.newer };
                list.push(name.clone());
            }
            Ok(state)
        })
    }

    /// PostgreSQL may refuse a table to one of two who make it at once, `IF NOT EXISTS` or not: whoever lost has it all the same.
    fn make_migration_table(&self) -> Result<(), StoreError> {
        let is_there = || self.read("store.migration_table", has_migration_table);
        if is_there()? {
            return Ok(());
        }
        let create = "CREATE TABLE IF NOT EXISTS store_migrations (name TEXT PRIMARY KEY, \
                      checksum TEXT NOT NULL, epoch BIGINT NOT NULL, applied_ms BIGINT NOT NULL)";
        let made = self.transact_bare("store.migrate", &mut |tx: &mut Tx<'_>| tx.batch_execute(create));
        match made {
            Err(_) if is_there()? => Ok(()),
            made => made,
        }
    }

    fn migrate_one(&self, migration: &Migration) -> Result<bool, StoreError> {
        let engine = self.kind();
        self.transact_bare("store.migrate", &mut |tx: &mut Tx<'_>| {
            if engine == EngineKind::Postgres {
                // A large table may take longer than the limit of an ordinary statement.
                tx.batch_execute("SET LOCAL statement_timeout = 0")?;
                tx.batch_execute("LOCK TABLE store_migrations IN ACCESS EXCLUSIVE MODE")?;
            }
            match applied(tx)?.into_iter().find(|(name, ..)| name == migration.name) {
                Some((_, checksum, epoch)) if checksum == migration.checksum() && epoch == migration.epoch => {
                    Ok(false)
                }
                Some((name, ..)) => Err(StoreError::Schema(format!(
                    "migration {name} ran here with another text or epoch; this binary cannot use the database"
                ))),
                None => {
                    tx.batch_execute(&migration.sql_for(engine))?;
                    record(tx, migration)?;
                    Ok(true)
                }
            }
        })
    }
}

fn record(tx: &mut Tx<'_>, migration: &Migration) -> Result<(), StoreError> {
    let sql = "INSERT INTO store_migrations (name, checksum, epoch, applied_ms) VALUES ($1, $2, $3, $4)";
    let (checksum, at): (String, Timestamp) = (migration.checksum(), tx.machine_time);
    tx.execute(sql, &[migration.name.into(), (&checksum).into(), migration.epoch.into(), Param::Int(at.ms())])
        .map(|_| ())
}

fn applied(tx: &mut Tx<'_>) -> Result<Vec<(String, String, i64)>, StoreError> {
    let sql = "SELECT name, checksum, epoch FROM store_migrations ORDER BY name";
    tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

fn has_migration_table(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let sql = match tx.engine() {
        EngineKind::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = 'store_migrations'",
        EngineKind::Postgres => "SELECT 1 WHERE to_regclass('store_migrations') IS NOT NULL",
    };
    Ok(tx.query_first(sql, &[], |_| Ok(()))?.is_some())
}
