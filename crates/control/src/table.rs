//! The one shape of every desk's configuration table, with triggers that record each change (docs/spec/platform.md B3).

use bursar_store::{EngineKind, Migration};

/// A desk's switches and settings: `<desk>_config`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigTable {
    /// The desk, or `platform`.
    pub desk: &'static str,
    /// Reads all rows: key, value, expires_at, source.
    pub(crate) select: &'static str,
    /// Reads up to four rows.
    pub(crate) peek: &'static str,
    /// The same with a lock that keeps others from changing them, behind the gate that a change closes.
    pub(crate) lock_shared: &'static str,
    /// On PostgreSQL, closes that gate: no other transaction changes a row until this one ends.
    pub(crate) close_gate: &'static str,
    /// Changes one row as an operator; a second change in one transaction gets another id than the first.
    pub(crate) update: &'static str,
    /// Stops until a moment; one that is stopped for longer, or cannot be read, stays as it is, with who and why. The row is
    /// an operator's from then on all the same: what seeds rows at the next start must not end this stop.
    pub(crate) stop_until: &'static str,
    /// Adds a row that is not there, or refreshes one that no operator has touched.
    pub(crate) seed: &'static str,
}

/// Whether the row as it was stops for longer than until `$6`, at `$7`.
macro_rules! outlasts {
    () => {
        "(value <> 'off' AND (value <> 'on' OR expires_at IS NULL OR (expires_at > $6 AND expires_at > $7)))"
    };
}

macro_rules! config_table {
    ($desk:literal) => {
        ConfigTable {
            desk: $desk,
            select: concat!("SELECT key, value, expires_at, source FROM ", $desk, "_config ORDER BY key"),
            peek: concat!("SELECT key, value, expires_at FROM ", $desk, "_config WHERE key IN ($1, $2, $3, $4)"),
            lock_shared: concat!(
                "SELECT key, value, expires_at FROM ",
                $desk,
                "_config WHERE key IN ($1, $2, $3, $4) AND NOT EXISTS (SELECT FROM ",
                $desk,
                "_config_gate FOR SHARE) ORDER BY key FOR SHARE"
            ),
            close_gate: concat!("LOCK TABLE ", $desk, "_config_gate IN EXCLUSIVE MODE"),
            update: concat!(
                "UPDATE ",
                $desk,
                "_config SET value = $2, source = $3, actor = $4, reason = $5, expires_at = $6, updated_at = $7, ",
                "change_id = CASE WHEN change_id = $8 THEN $9 ELSE $8 END WHERE key = $1"
            ),
            stop_until: concat!(
                "UPDATE ",
                $desk,
                "_config SET value = $2, source = $3, actor = CASE WHEN ",
                outlasts!(),
                " THEN actor ELSE $4 END, reason = CASE WHEN ",
                outlasts!(),
                " THEN reason ELSE $5 END, expires_at = CASE WHEN NOT ",
                outlasts!(),
                " THEN $6 WHEN value = 'on' THEN expires_at END, updated_at = $7, ",
                "change_id = CASE WHEN change_id = $8 THEN $9 ELSE $8 END WHERE key = $1"
            ),
            seed: concat!(
                "INSERT INTO ",
                $desk,
                "_config (key, value, description, source, updated_at, change_id) VALUES ($1, $2, $3, $4, $5, $6) ",
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value, source = excluded.source, ",
                "description = excluded.description, updated_at = excluded.updated_at, change_id = excluded.change_id ",
                "WHERE ",
                $desk,
                "_config.source IN ('default', 'environment') AND ",
                $desk,
                "_config.value <> excluded.value"
            ),
        }
    };
}

impl ConfigTable {
    /// Stops and settings of the whole deployment.
    pub const PLATFORM: ConfigTable = config_table!("platform");
    /// Those of the rounds desk.
    pub const ROUNDS: ConfigTable = config_table!("rounds");
    /// Those of the faucet desk.
    pub const FAUCET: ConfigTable = config_table!("faucet");
    /// Those of the commitments desk.
    pub const COMMITMENTS: ConfigTable = config_table!("commitments");
    /// Those of the trades desk.
    pub const TRADES: ConfigTable = config_table!("trades");
    /// Those of the arena desk.
    pub const ARENA: ConfigTable = config_table!("arena");

    /// The table's migration. SQLite and PostgreSQL write triggers differently, so this text is made for one engine.
    #[must_use]
    pub fn migration(&self, name: &'static str, engine: EngineKind) -> Migration {
        let body = include_str!("../migrations/config_table.sql");
        let triggers = match engine {
            EngineKind::Sqlite => include_str!("../migrations/config_triggers_sqlite.sql"),
            EngineKind::Postgres => include_str!("../migrations/config_triggers_postgres.sql"),
        };
        let text = format!("{body}\n{triggers}").replace("@desk", self.desk);
        // A migration lives as long as the process; there are a handful.
        Migration { name, epoch: 1, sql: Box::leak(text.into_boxed_str()) }
    }
}
