//! A faucet that pays Banano for verified game kills (docs/spec/faucet.md).
//!
//! Where to begin: [`rules`] holds every rule as a pure function, [`record`] the rows, [`settlement`] turns what was
//! earned into payouts.

pub mod accrual;
pub mod adoption;
mod alerts;
pub mod balance;
pub mod cycles;
mod demo;
pub mod desk;
pub mod donation;
pub mod faucet;
pub mod figures;
mod halt;
mod hodl;
pub mod http;
pub mod identity;
mod jobs;
pub mod log_ring;
pub mod metrics;
pub mod mode;
pub mod money;
pub mod operator_key;
mod phase;
pub mod policy;
mod readiness;
pub mod record;
pub mod rules;
pub mod settings;
pub mod settlement;
mod suspicion;
pub mod switches;
pub mod upkeep;
pub mod upstream;

pub use alerts::rules as alert_rules;

use bursar_control::ConfigTable;
use bursar_store::{EngineKind, Migration};

/// The desk's name in tables, metrics, logs and `BURSAR_DESKS`.
pub const DESK: &str = "faucet";
/// The scope of the desk's clock: its batches take turns.
pub const CLOCK: &str = "faucet";

/// The desk's tables; those of its switches and settings first.
#[must_use]
pub fn migrations(engine: EngineKind) -> Vec<Migration> {
    vec![
        ConfigTable::FAUCET.migration("faucet/0000_config", engine),
        Migration {
            name: "faucet/0001_faucet",
            epoch: 1,
            sql: include_str!("../migrations/0001_faucet.sql"),
        },
        Migration { name: "faucet/0002_http", epoch: 1, sql: include_str!("../migrations/0002_http.sql") },
        Migration {
            name: "faucet/0003_audit",
            epoch: 1,
            sql: match engine {
                EngineKind::Sqlite => include_str!("../migrations/0003_audit_sqlite.sql"),
                EngineKind::Postgres => include_str!("../migrations/0003_audit_postgres.sql"),
            },
        },
        Migration {
            name: "faucet/0004_adoption",
            epoch: 1,
            sql: include_str!("../migrations/0004_adoption.sql"),
        },
        Migration {
            name: "faucet/0005_adoption_run",
            epoch: 1,
            sql: include_str!("../migrations/0005_adoption_run.sql"),
        },
        Migration {
            name: "faucet/0006_sign_in",
            epoch: 1,
            sql: include_str!("../migrations/0006_sign_in.sql"),
        },
        Migration {
            name: "faucet/0007_counted_account",
            epoch: 1,
            sql: include_str!("../migrations/0007_counted_account.sql"),
        },
        Migration { name: "faucet/0008_hole", epoch: 1, sql: include_str!("../migrations/0008_hole.sql") },
        Migration {
            name: "faucet/0009_refresh",
            epoch: 1,
            sql: include_str!("../migrations/0009_refresh.sql"),
        },
    ]
}
