//! The one trait through which a product plugs in.

use std::sync::Arc;

use bursar_control::settings::Setting;
use bursar_control::{ConfigTable, Switch};
use bursar_store::lane::LaneFault;
use bursar_store::{EngineKind, Migration, StoreError, Tx};
use bursar_web::Surface;
use bursar_web::infrastructure::Finding;
use bursar_web::metrics::MetricError;

use crate::alert::AlertRule;
use crate::incident::IncidentGuard;
use crate::job::Job;
use crate::platform::Platform;

/// A product. What it says before [`Desk::open`] holds whether it is switched on or not (docs/spec/platform.md H2).
pub trait Desk: Send + Sync {
    /// Its name in paths of tables, metrics, logs and `BURSAR_DESKS`.
    fn name(&self) -> &'static str;
    /// Its tables, in the order of application, its configuration table first.
    fn migrations(&self, engine: EngineKind) -> Vec<Migration>;
    /// The table of its switches and settings.
    fn table(&self) -> ConfigTable;
    /// Its kill switches.
    fn switches(&self) -> Vec<Switch>;
    /// Its live settings, each with the variable that gives its first value.
    fn settings(&self) -> Vec<Setting>;
    /// What its operators are to be told of.
    fn alerts(&self) -> Vec<AlertRule> {
        Vec::new()
    }
    /// The switch that halts its payouts when an incident is as bad as can be; `None` = it pays nothing out.
    fn payout_switch(&self) -> Option<Switch> {
        None
    }
    /// How its own admins are known on the routes of incidents; `None` = they have none there.
    fn incident_guard(&self, platform: &Platform) -> Option<IncidentGuard> {
        let _ = platform;
        None
    }
    /// Starts its lanes and registers its metrics. Called once, when it is on and its tables are there.
    fn open(&self, platform: &Platform) -> Result<OpenDesk, DeskFault>;
}

/// What is missing or degraded in a desk, read from one snapshot.
pub type Readiness = Arc<dyn Fn(&mut Tx<'_>) -> Result<Vec<Finding>, StoreError> + Send + Sync>;

/// A desk at work.
pub struct OpenDesk {
    /// Its routes.
    pub surface: Surface,
    /// Its background jobs.
    pub jobs: Vec<Job>,
    /// Its readiness checks.
    pub readiness: Readiness,
}

/// Why a desk cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DeskFault {
    /// A metric cannot be registered.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A lane cannot be started.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A lane is gone already.
    #[error(transparent)]
    Lane(#[from] LaneFault),
    /// A setting cannot be used.
    #[error("the desk {desk} cannot start: {why}")]
    Setting {
        /// The desk.
        desk: &'static str,
        /// What is wrong and how to correct it.
        why: String,
    },
}
