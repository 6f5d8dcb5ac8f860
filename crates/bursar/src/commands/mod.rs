//! The verbs of the command line besides `serve`: each a function from its options and a [`Context`] to a JSON answer.
//!
//! Entry points: [`Verb`] is what clap reads, [`run`] does it, [`print`](fn@print) shows what came of it. Answers go to
//! stdout and words for people to stderr; the exit is 0 for yes and 1 for everything else.

mod accountable;
pub mod aliases;
pub mod approvals;
pub mod audit;
pub mod backup;
pub mod config;
mod context;
pub mod demo;
pub mod duration;
mod error;
pub mod faucet;
pub mod faucet_switches;
pub mod jobs;
pub mod keys;
pub mod ledger;
pub mod load;
pub mod migrate;
pub mod operators;
pub mod ops;
pub mod payouts;
mod print;
pub mod replay;
pub mod rollback;
pub mod runbook;
pub mod secrets;
pub mod settings;
pub mod sign_in;
mod table;

pub use context::{Context, DatabaseOption};
pub use error::CommandError;
pub use print::print;

use serde_json::Value;

/// A verb of the command line.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Bring the database's tables up to date, or look at them.
    Migrate(migrate::Migrate),
    /// Check or document the configuration.
    #[command(subcommand)]
    Config(config::ConfigVerb),
    /// Stop, resume and watch the rounds desk.
    Ops(ops::Ops),
    /// Read and change live settings of the platform and of the desks.
    Settings(settings::Settings),
    /// Make, list and replace secrets without a restart.
    #[command(visible_alias = "secret")]
    Secrets(secrets::Secrets),
    /// Add, list and disable operators, and give them tokens.
    Operators(operators::Operators),
    /// Ask for other operators' approval, give it, and say which acts take it.
    Approvals(Box<approvals::Approvals>),
    /// The faucet's administrators and its switches.
    Faucet(faucet::Faucet),
    /// Read the book: accounts, their history, past balances, the trial balance.
    Ledger(ledger::Ledger),
    /// Add, prove, rotate and retire signing keys, and say what they may sign.
    Keys(Box<keys::Keys>),
    /// Look at payouts and their wallets, and decide what only people decide.
    Payouts(Box<payouts::Payouts>),
    /// Read and verify the audit log.
    Audit(audit::Audit),
    /// Make, prove, restore, list and remove backups.
    Backup(backup::Backup),
    /// How each background job is doing; exit 1 when one is dead, late or hanging.
    Jobs(jobs::Jobs),
    /// The operators' procedures: list, print, or walk through them.
    Runbook(runbook::Runbook),
    /// Prove that the release before could take over.
    Rollback(rollback::Rollback),
    /// Put a rounds server under load and check that nothing is lost.
    ///
    /// Nobody else may play in the rounds that are joined, since their pools have to be exactly what was sent. The
    /// address limits of the server have to be raised for the run, or the load has to be slow enough for them. Most
    /// options also have a STRESS_ variable.
    Load(Box<load::LoadOptions>),
    /// Play recorded prices through a desk and prove that nothing was lost.
    #[command(subcommand)]
    Replay(replay::ReplayVerb),
}

impl Verb {
    /// The database that the command line names, over the configuration's.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        match self {
            Verb::Migrate(group) => group.database.url.as_deref(),
            Verb::Config(_) | Verb::Load(_) | Verb::Replay(_) => None,
            Verb::Ops(group) => group.database.url.as_deref(),
            Verb::Settings(group) => group.database.url.as_deref(),
            Verb::Secrets(group) => group.database.url.as_deref(),
            Verb::Operators(group) => group.database.url.as_deref(),
            Verb::Approvals(group) => group.database.url.as_deref(),
            Verb::Faucet(group) => group.database.url.as_deref(),
            Verb::Ledger(group) => group.database.url.as_deref(),
            Verb::Keys(group) => group.database.url.as_deref(),
            Verb::Payouts(group) => group.database.url.as_deref(),
            Verb::Audit(group) => group.database.url.as_deref(),
            Verb::Backup(group) => group.database(),
            Verb::Jobs(group) => group.database.url.as_deref(),
            Verb::Runbook(group) => group.database.url.as_deref(),
            Verb::Rollback(group) => group.database.url.as_deref(),
        }
    }
}

/// Does what `verb` says. A text that is not JSON (SQL, Markdown) comes as a JSON string and is printed bare.
///
/// # Errors
/// Whatever makes the exit 1; [`CommandError::answer`] is what stdout shows of it.
pub fn run(verb: &Verb, context: &Context) -> Result<Value, CommandError> {
    match verb {
        Verb::Migrate(group) => migrate::run(&group.verb, context),
        Verb::Config(verb) => config::run(verb, context),
        Verb::Ops(group) => ops::run(&group.verb, context),
        Verb::Settings(group) => settings::run(group, context),
        Verb::Secrets(group) => secrets::run(&group.verb, context),
        Verb::Operators(group) => operators::run(group, context),
        Verb::Approvals(group) => approvals::run(group, context),
        Verb::Faucet(group) => faucet::run(&group.verb, context),
        Verb::Ledger(group) => ledger::run(&group.verb, context),
        Verb::Keys(group) => keys::run(group, context),
        Verb::Payouts(group) => payouts::run(group, context),
        Verb::Audit(group) => audit::run(&group.verb, context),
        Verb::Backup(group) => backup::run(group, context),
        Verb::Jobs(group) => jobs::run(group, context),
        Verb::Runbook(group) => runbook::run(&group.verb, context),
        Verb::Rollback(group) => rollback::run(&group.verb, context),
        Verb::Load(options) => load::run(options, context),
        Verb::Replay(verb) => replay::run(verb),
    }
}
