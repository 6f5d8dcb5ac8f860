//! The typed configuration: what `load` answers when nothing is wrong.

use std::net::SocketAddr;
use std::path::PathBuf;

use bursar_desk::Secrets;
use secrecy::SecretString;

use super::backup::BackupConfiguration;
use super::clock::ClockChoice;
use super::database::DatabaseConfiguration;
use super::desks::DeskName;
use super::faucet::FaucetConfiguration;
use super::logging::Logging;
use super::metrics_access::MetricsAccess;
use super::mode::Mode;
use super::problem::Warning;
use super::proxies::ProxyTrust;
use super::rounds::RoundsConfiguration;
use super::secrets::CallerSecret;
use super::source::Source;
use super::values::Values;

/// Everything the server was told. Variables without a field of their own are read by name from
/// [`Configuration::values`].
#[derive(Clone, Debug)]
pub struct Configuration {
    /// How strict the server is (V4).
    pub mode: Mode,
    /// Whether `BURSAR_ENV` itself named the mode (V6 looks at it).
    pub bursar_env_set: bool,
    /// Whether pending migrations are applied at start (V6).
    pub auto_migrate: bool,
    /// The desks that run, in the fixed order (H2).
    pub desks: Vec<DeskName>,
    /// The database.
    pub database: DatabaseConfiguration,
    /// The public listener.
    pub listen: SocketAddr,
    /// The second listener, for infrastructure routes only (H18).
    pub ops_listen: Option<SocketAddr>,
    /// The clock of all rules.
    pub clock: ClockChoice,
    /// The folder of failpoints for crash tests; never in production.
    pub failpoints: Option<PathBuf>,
    /// Whose forwarded addresses are believed (H7).
    pub proxies: ProxyTrust,
    /// Origins that may call desks other than arena from a browser (H9).
    pub cors_origins: Vec<String>,
    /// Who may read the metrics (H18).
    pub metrics: MetricsAccess,
    /// The log.
    pub logging: Logging,
    /// The backups.
    pub backup: BackupConfiguration,
    /// The audit webhook.
    pub audit: AuditDelivery,
    /// The rounds desk.
    pub rounds: RoundsConfiguration,
    /// What the faucet's files say beside the variables.
    pub faucet: FaucetConfiguration,
    /// The secrets as they stand, which a reload changes under whoever holds one.
    pub secrets: Secrets,
    /// What an operator should know about these settings.
    pub warnings: Vec<Warning>,
    /// Every value in force, by name: `configuration.values.flag("DEMO_MODE")`.
    pub values: Values,
    /// What it was read from, to read secrets anew.
    pub(super) source: Source,
}

/// Where audit events are delivered.
#[derive(Clone, Debug)]
pub struct AuditDelivery {
    /// The webhook; `None` = nothing is sent.
    pub url: Option<SecretString>,
    /// Signs the deliveries.
    pub secret: Option<CallerSecret>,
}

/// What to do when the schema is behind (V6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingMigrations {
    /// Apply them at start, under the migration lock.
    Apply,
    /// Bind, answer 503 outside the infrastructure routes, and become ready when they were applied.
    ServeNotReady,
    /// Refuse to start.
    Refuse,
}

impl Configuration {
    /// The value in force of a variable that is no secret ([`Values::value`]).
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.value(name)
    }

    /// Whether this desk runs.
    #[must_use]
    pub fn runs(&self, desk: DeskName) -> bool {
        self.desks.contains(&desk)
    }

    /// Whether the faucet runs and pays for real (`P2S_DRY_RUN=false`), whatever the mode (V4).
    #[must_use]
    pub fn faucet_is_live(&self) -> bool {
        self.runs(DeskName::Faucet) && self.values.flag("P2S_DRY_RUN") == Some(false)
    }

    /// What to do when migrations are pending (V6).
    #[must_use]
    pub fn pending_migrations(&self) -> PendingMigrations {
        match (self.auto_migrate, self.mode) {
            (true, _) => PendingMigrations::Apply,
            (false, Mode::Production) => PendingMigrations::Refuse,
            (false, Mode::Dev | Mode::Test) if self.faucet_is_live() => PendingMigrations::Refuse,
            (false, Mode::Dev | Mode::Test) => PendingMigrations::ServeNotReady,
        }
    }
}
