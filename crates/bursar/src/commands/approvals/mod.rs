//! `bursar approvals`: which acts take other people's approval, asking for it, and giving or refusing it. Whoever asks or
//! decides is an operator whose token is given: a name at the command line proves nobody.

mod actions;
mod decide;
mod policy;
mod request;
mod show;

use std::ffi::OsString;

use bursar_access::{Actor, ApprovalId, By, Done, Outcome};
use bursar_audit::Recorder;
use bursar_store::{Store, Tx};
use serde_json::Value;

pub(super) use self::policy::{say_loose_ends, say_too_few};
use super::context::Patience;
use super::duration::parse_ms;
use super::keys::with_reason;
use super::payouts::PayoutName;
use super::sign_in::TokenOption;
use super::{CommandError, Context, DatabaseOption};

/// `bursar approvals`.
#[derive(Clone, Debug, clap::Args)]
pub struct Approvals {
    /// What to do.
    #[command(subcommand)]
    pub verb: ApprovalsVerb,
    /// Act as the operator whose token is in this file; `-` is stdin. Without it the token is that of
    /// BURSAR_OPERATOR_TOKEN.
    #[arg(long, value_name = "PATH", global = true)]
    pub token_file: Option<std::path::PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    pub json: bool,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar approvals`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum ApprovalsVerb {
    /// List the requests that wait, newest first.
    List,
    /// Show one request: what would be done, who asks, who has approved.
    Show {
        /// Its number.
        request: i64,
    },
    /// Ask other operators to approve a payment or an act.
    #[command(subcommand)]
    Request(RequestVerb),
    /// Approve a request of somebody else's. The same operator again counts once, whatever the token.
    Approve {
        /// Its number.
        request: i64,
    },
    /// Decline a request of somebody else's, which ends it whoever has approved.
    Decline(EndOptions),
    /// Take one's own request back.
    Withdraw(EndOptions),
    /// Show which acts take approval, or say how many operators beside the one who acts must approve one.
    Policy(PolicyOptions),
}

/// What approval is asked for.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum RequestVerb {
    /// The payment of a payout that its key holds for approval.
    Payout {
        /// The payout's number or its public id.
        #[arg(value_parser = PayoutName::parse)]
        payout: PayoutName,
        /// Why, and for how long.
        #[command(flatten)]
        asking: Asking,
    },
    /// An act that a policy binds, written as the command that does it: `.. act --reason TEXT -- keys retire hot --reason
    /// TEXT`. It is not done.
    Act {
        /// The command, without `bursar`.
        #[arg(last = true, required = true, value_name = "COMMAND")]
        words: Vec<OsString>,
        /// Why, and for how long.
        #[command(flatten)]
        asking: Asking,
    },
}

/// Why somebody asks, and how long the request stands.
#[derive(Clone, Debug, clap::Args)]
pub struct Asking {
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// How long it can be approved and used, up to 7d.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_ms, default_value = "1d")]
    pub for_ms: i64,
}

/// Options of ending a request.
#[derive(Clone, Debug, clap::Args)]
pub struct EndOptions {
    /// Its number.
    pub request: i64,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Options of `bursar approvals policy`.
#[derive(Clone, Debug, clap::Args)]
pub struct PolicyOptions {
    /// The act, by the name that the table shows; without it, show them all.
    #[arg(requires_all = ["approvals", "reason"])]
    pub action: Option<String>,
    /// How many operators beside the one who acts; 0 = none.
    #[arg(long, value_name = "NUMBER", requires = "action")]
    pub approvals: Option<u32>,
    /// A desk's own admin key that is bound as well, as DESK/NAME; others of them act alone.
    #[arg(long = "service", value_name = "DESK/NAME", requires = "action")]
    pub services: Vec<String>,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT", requires = "action")]
    pub reason: Option<String>,
    /// The approval request by which other people agreed: it takes one to change what takes approval.
    #[arg(long, value_name = "NUMBER", requires = "action")]
    pub approval: Option<i64>,
}

/// Does what `group` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(group: &Approvals, context: &Context) -> Result<Value, CommandError> {
    let store = context.open_ready(&context.configuration()?, Patience::Ordinary)?;
    let token = TokenOption { token_file: group.token_file.clone() };
    let room = Room { store, recorder: context.recorder(), token, json: group.json };
    match &group.verb {
        ApprovalsVerb::List => show::list(&room),
        ApprovalsVerb::Show { request } => show::show(&room, ApprovalId(*request)),
        ApprovalsVerb::Request(RequestVerb::Payout { payout, asking }) => {
            request::payout(&room, *payout, asking, context)
        }
        ApprovalsVerb::Request(RequestVerb::Act { words, asking }) => {
            request::act(&room, words, asking, context)
        }
        ApprovalsVerb::Approve { request } => decide::approve(&room, ApprovalId(*request), context),
        ApprovalsVerb::Decline(options) => decide::decline(&room, options, context),
        ApprovalsVerb::Withdraw(options) => decide::withdraw(&room, options, context),
        ApprovalsVerb::Policy(options) => policy::run(&room, options, context),
    }
}

/// What every verb here needs.
struct Room {
    store: Store,
    recorder: Recorder,
    token: TokenOption,
    json: bool,
}

impl Room {
    /// Does something as `actor` and records it in the same transaction, with a reason where there is one.
    fn change<T>(
        &self,
        actor: &Actor,
        reason: Option<&str>,
        mut make: impl FnMut(&mut Tx<'_>, &By<'_>) -> Outcome<T>,
        done: impl Fn(&T) -> &Done,
    ) -> Result<T, CommandError> {
        let made = self.store.transact("command.approvals", |tx| {
            let now = tx.reading()?;
            let made = make(tx, &By::new(actor, now))?;
            if let Ok(made) = &made {
                let event = done(made).audit_event();
                let event = match reason {
                    Some(reason) => with_reason(event, reason),
                    None => event,
                };
                self.recorder.record(tx, &[event], now)?;
            }
            Ok(made)
        })?;
        Ok(made?)
    }
}
