//! UP/DOWN price rounds with pooled stakes (docs/spec/rounds.md).
//!
//! Entry points: [`join::JoinWork`] accepts entries on a lane, [`settle`] freezes and pays out rounds that are due,
//! [`results`] and [`summary`] read. `decide` modules are pure; `work` modules load and save around them.

pub mod alert;
pub mod canary;
pub mod desk;
pub mod entry;
mod http;
pub mod incident;
pub mod join;
pub mod launch;
mod mark;
pub mod market;
mod metrics;
pub mod operate;
pub mod oracle;
pub mod pool;
pub mod proof;
pub mod results;
pub mod settings;
pub mod settle;
pub mod stake;
pub mod status;
pub mod summary;
pub mod timing;
pub mod wallet;
pub mod watch;
pub mod worker;

use bursar_control::ConfigTable;
use bursar_store::{EngineKind, Migration};

/// The desk's name in tables, metrics and audit events.
pub const DESK: &str = "rounds";

/// Batches of this desk take turns on this clock, so that time never goes back between a join and a settlement.
pub const CLOCK: &str = "rounds";

/// The desk's tables.
#[must_use]
pub fn migrations(engine: EngineKind) -> Vec<Migration> {
    vec![
        ConfigTable::ROUNDS.migration("rounds/0000_config", engine),
        Migration {
            name: "rounds/0001_rounds",
            epoch: 1,
            sql: include_str!("../migrations/0001_rounds.sql"),
        },
        Migration {
            name: "rounds/0002_wallet_mark",
            epoch: 1,
            sql: include_str!("../migrations/0002_wallet_mark.sql"),
        },
    ]
}
