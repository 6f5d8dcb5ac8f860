//! `bursar ops`: stopping, resuming and watching the rounds desk (docs/spec/rounds.md sections 4.13 and 6).

mod alert;
mod canary;
mod daily;
mod gate;
mod holder;
mod incident;
mod prelaunch;
mod remote;
mod report;
mod smoke;
mod stop;
mod switches;

pub use alert::AlertOptions;
pub use daily::DailyOptions;
pub use incident::IncidentVerb;
pub use prelaunch::PrelaunchOptions;
pub use report::{SummaryOptions, WatchOptions};
pub use smoke::SmokeOptions;
pub use switches::{PauseOptions, ResumeOptions};

pub(super) use report::named_base;

use bursar_control::Switch;
use bursar_store::{Store, StoreError};
use serde_json::Value;

use super::{CommandError, Context, DatabaseOption};
use crate::config::Configuration;
use crate::host::Desks;

/// `bursar ops`.
#[derive(Clone, Debug, clap::Args)]
pub struct Ops {
    /// What to do.
    #[command(subcommand)]
    pub verb: OpsVerb,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar ops`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum OpsVerb {
    /// Stop joins, settlement of play money, the settle API, or all three in one change.
    Pause(PauseOptions),
    /// Let them run again.
    Resume(ResumeOptions),
    /// What players see: running, paused, or rounds that wait.
    Status(WatchOptions),
    /// How settlement is doing; exit 1 when it is degraded.
    Health(WatchOptions),
    /// Figures over all rounds, and the newest settlements.
    Summary(SummaryOptions),
    /// Play one round with two fresh wallets; exit 1 when a player could not.
    Smoke(SmokeOptions),
    /// The same under the name that deployments know.
    Canary(SmokeOptions),
    /// What players are told about an interruption.
    #[command(subcommand)]
    Incident(IncidentVerb),
    /// The figures of the day or of another span: answers, refusals by limit and by wallet, settlements, backups, and
    /// what is out of the ordinary. They are read from the database, where all servers count.
    Daily(DailyOptions),
    /// Look for problems and tell the alert webhook; exit 1 on any. With --test, try the way that alerts take.
    Alert(AlertOptions),
    /// May this server take players? Lists everything that keeps it from it; exit 1 when anything does.
    Prelaunch(PrelaunchOptions),
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &OpsVerb, context: &Context) -> Result<Value, CommandError> {
    match verb {
        OpsVerb::Pause(options) => stop::pause(options, context),
        OpsVerb::Resume(options) => switches::resume(options, context),
        OpsVerb::Status(options) => report::status(options, context),
        OpsVerb::Health(options) => report::health(options, context),
        OpsVerb::Summary(options) => report::summary(options, context),
        OpsVerb::Smoke(options) | OpsVerb::Canary(options) => smoke::smoke(options, context),
        OpsVerb::Incident(verb) => incident::incident(verb, context),
        OpsVerb::Daily(options) => daily::daily(options, context),
        OpsVerb::Alert(options) => alert::alert(options, context),
        OpsVerb::Prelaunch(options) => prelaunch::prelaunch(options, context),
    }
}

/// How these switches bind now, with what stops them.
pub(super) fn switch_states(
    store: &Store,
    configuration: &Configuration,
    switches: &[Switch],
) -> Result<Value, StoreError> {
    switches::shown(store, &Desks::new(configuration).switchboard(configuration), switches)
}
