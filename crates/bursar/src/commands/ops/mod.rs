//! `bursar ops`: stopping, resuming and watching the rounds desk (docs/spec/rounds.md sections 4.13 and 6).

mod canary;
mod holder;
mod remote;
mod report;
mod smoke;
mod stop;
mod switches;

pub use report::{SummaryOptions, WatchOptions};
pub use smoke::SmokeOptions;
pub use switches::{PauseOptions, ResumeOptions};

use serde_json::Value;

use super::{CommandError, Context, DatabaseOption};

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
    }
}
