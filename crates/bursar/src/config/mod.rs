//! Configuration: the one place where every environment variable of the platform and its five desks is known.
//!
//! [`Source`] gathers the layers (config file, then environment, then command-line flags), [`load`] checks
//! all of them at once and answers a typed [`Configuration`] or every problem together. [`registry`] holds
//! the tables of names, [`docs::markdown`] prints them, [`production_failures`] lists what production would
//! refuse, [`read_anew`] reads the secrets of a running server again.
//! Rules: docs/spec/platform.md V1 to V8, H2, H5, H7, H18.

mod backup;
mod clock;
mod configuration;
mod database;
mod database_url;
mod desks;
pub mod docs;
mod failpoints;
mod faucet;
mod file;
mod listen;
mod load;
mod logging;
mod mask;
mod metrics_access;
mod mode;
mod problem;
mod production;
mod proxies;
pub mod registry;
mod reload;
mod report;
mod resolve;
mod rounds;
mod secrets;
mod source;
mod strength;
#[cfg(test)]
mod testing;
mod unknown;
mod values;
mod warnings;

pub use backup::{BackupConfiguration, BucketConfiguration};
pub use clock::ClockChoice;
pub use configuration::{AuditDelivery, Configuration, PendingMigrations};
pub use database::{DatabaseConfiguration, DatabaseTls, PoolSizes};
pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use desks::{DeskName, Owner};
pub use faucet::{FaucetConfiguration, ProductTexts};
pub use load::{load, load_despite_secrets};
pub use logging::{LogLevel, Logging};
pub use mask::Mask;
pub use metrics_access::MetricsAccess;
pub use mode::Mode;
pub use problem::{ConfigurationErrors, Failure, Problem, Warning};
pub use production::production_failures;
pub use proxies::ProxyTrust;
pub use reload::{Change, Reading, Wanted, read_anew};
pub use report::readiness_report;
pub use rounds::{
    AlertThresholds, OperationsCommands, PauseFlags, RateBucket, RateLimit, RateLimits, RoundsConfiguration,
    StressSettings, Treasury, TreasuryGuard,
};
pub use secrets::CallerSecret;
pub use source::{Layer, Source};
pub use values::{Setting, Values};
