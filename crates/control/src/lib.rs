//! Switches that bind the next write, live settings, and rate limits.
//!
//! Entry points: [`Switchboard`] reads switches inside a transaction, [`settings`] reads and changes live settings,
//! [`RateWindows`] counts calls, [`secret_roster`] says which secrets each process has in force. A stop counts if any source says so; what cannot be read is stopped.

mod change;
mod control_file;
mod rate_window;
pub mod secret_roster;
pub mod settings;
mod switch;
mod switchboard;
mod table;

pub use change::{Change, fold_changes, unfolded_changes};
pub use control_file::{ControlFile, RecordedStop};
pub use rate_window::{FixedWindow, RateKey, RateWindows, Verdict, purge_windows};
pub use switch::{StopSource, Switch, SwitchState};
pub use switchboard::{SwitchChange, Switchboard};
pub use table::ConfigTable;

use bursar_store::Migration;

/// The platform's own control tables; each desk adds its configuration table with [`ConfigTable::migration`].
pub const MIGRATIONS: [Migration; 2] = [
    Migration { name: "control/0001_control", epoch: 1, sql: include_str!("../migrations/0001_control.sql") },
    Migration { name: "control/0002_secrets", epoch: 1, sql: include_str!("../migrations/0002_secrets.sql") },
];
