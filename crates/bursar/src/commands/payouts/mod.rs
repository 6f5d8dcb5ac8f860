//! `bursar payouts`: what is owed and how far it is, the decisions that only people make, and the wallets it leaves from.
//! Amounts are texts of whole base units, such as raw.

mod act;
mod compare;
mod resolve;
pub(super) mod room;
mod show;
mod wallets;

use bursar_access::ApprovalId;
use bursar_keys::KeyId;
use bursar_payouts::{IntentId, IntentState, PAGE_MAX};
use serde_json::Value;
use uuid::Uuid;

use self::act::Deed;
pub use self::resolve::ResolveOptions;
pub use self::room::Who;
use self::room::{Room, refused};
use self::show::PageOptions;
use super::{CommandError, Context, DatabaseOption};
use crate::host::JournalUse;

/// `bursar payouts`.
#[derive(Clone, Debug, clap::Args)]
pub struct Payouts {
    /// What to do.
    #[command(subcommand)]
    pub verb: PayoutsVerb,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    pub json: bool,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar payouts`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum PayoutsVerb {
    /// List payouts, newest first.
    List(PageOptions),
    /// Show one payout with its transactions.
    Show {
        /// Its number or its public id.
        #[arg(value_parser = PayoutName::parse)]
        payout: PayoutName,
    },
    /// Try one now: release it when it is held, end its wait, or look up at once what is under way.
    Retry(RetryOptions),
    /// Hold one that waits, until it is released.
    Hold(ActOptions),
    /// Let one that is held go on; not one that was given up.
    Release(ActOptions),
    /// Take one back. One that is under way gets no further attempt, and is paid if a transaction of it still wins.
    Cancel(ActOptions),
    /// Decide what the nodes do not say of one that is under way.
    Resolve(Box<ResolveOptions>),
    /// Ask the chains what the wallets hold and compare; exit 1 unless each is what the records say.
    Reconcile {
        /// Only this wallet.
        wallet: Option<String>,
    },
    /// Let a wallet run that stands still, by what its chain was seen to hold; a difference is booked against suspense.
    Match(MatchOptions),
    /// Assign money that came in unasked to an account of the book.
    Assign(AssignOptions),
    /// List the wallets with where they stand, and what came in and waits.
    Wallets,
    /// Move money between the desk's treasury and the funds of a wallet, which alone pay for callers of the API.
    Fund(FundOptions),
    /// Stop a wallet: nothing is signed or sent from it until it is matched.
    Stop(StopOptions),
}

/// Options of an act on one payout.
#[derive(Clone, Debug, clap::Args)]
pub struct ActOptions {
    /// Its number or its public id.
    #[arg(value_parser = PayoutName::parse)]
    pub payout: PayoutName,
    /// Who and why.
    #[command(flatten)]
    pub who: Who,
}

/// Options of `bursar payouts retry`.
#[derive(Clone, Debug, clap::Args)]
pub struct RetryOptions {
    /// Which payout, who and why.
    #[command(flatten)]
    pub act: ActOptions,
    /// The approval request by which other people agreed to the payment itself, where its key asks for that; used up only
    /// then.
    #[arg(long, value_name = "NUMBER")]
    pub payment_approval: Option<i64>,
}

/// Options of `bursar payouts match`.
#[derive(Clone, Debug, clap::Args)]
pub struct MatchOptions {
    /// The wallet.
    pub wallet: String,
    /// What it holds, in base units, as `bursar payouts reconcile` says; refused when the chain says otherwise by now.
    #[arg(long, value_name = "AMOUNT")]
    pub holds: bursar_money::Amount,
    /// After a restore, or where the records fell back: a journal of signed payouts that this wallet was written down in is
    /// lost, or another server's, and you have compared the wallet's history on the chain with its payouts by hand. Wrong, and
    /// payouts are paid twice.
    #[arg(long)]
    pub journals_are_lost: bool,
    /// Who and why.
    #[command(flatten)]
    pub who: Who,
}

/// Options of `bursar payouts assign`.
#[derive(Clone, Debug, clap::Args)]
pub struct AssignOptions {
    /// Number of the receipt.
    pub receipt: i64,
    /// Path of the account in the book; it has the wallet's asset.
    #[arg(long, value_name = "PATH")]
    pub account: String,
    /// Who and why.
    #[command(flatten)]
    pub who: Who,
}

/// Options of `bursar payouts fund`.
#[derive(Clone, Debug, clap::Args)]
pub struct FundOptions {
    /// The wallet.
    pub wallet: String,
    /// How much, in base units.
    #[arg(long, value_name = "AMOUNT")]
    pub amount: bursar_money::Amount,
    /// Back into the treasury, as far as no payout holds it.
    #[arg(long)]
    pub take_back: bool,
    /// Who and why.
    #[command(flatten)]
    pub who: Who,
}

/// Options of `bursar payouts stop`.
#[derive(Clone, Debug, clap::Args)]
pub struct StopOptions {
    /// The wallet.
    pub wallet: String,
    /// Who and why.
    #[command(flatten)]
    pub who: Who,
}

/// How a payout is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutName {
    /// By its number.
    Number(IntentId),
    /// By the id that the public sees.
    Public(Uuid),
}

impl PayoutName {
    pub(super) fn parse(text: &str) -> Result<PayoutName, String> {
        let number = text.parse().ok().map(|number| PayoutName::Number(IntentId(number)));
        let public = || Uuid::parse_str(text).ok().map(PayoutName::Public);
        number.or_else(public).ok_or_else(|| "it is a payout's number, or its public id".to_owned())
    }
}

/// Does what `group` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(group: &Payouts, context: &Context) -> Result<Value, CommandError> {
    let room = Room::with(context, journal_use(&group.verb))?;
    let json = group.json;
    let act = |options: &ActOptions, deed: &Deed| act::act(&room, options, deed, json, context);
    match &group.verb {
        PayoutsVerb::List(options) => show::list(&room, options, json),
        PayoutsVerb::Show { payout } => show::show(&room, *payout, json),
        PayoutsVerb::Retry(options) => {
            act(&options.act, &Deed::Retry { payment: options.payment_approval.map(ApprovalId) })
        }
        PayoutsVerb::Hold(options) => act(options, &Deed::Hold),
        PayoutsVerb::Release(options) => act(options, &Deed::Release),
        PayoutsVerb::Cancel(options) => act(options, &Deed::Cancel),
        PayoutsVerb::Resolve(options) => resolve::resolve(&room, options, json, context),
        PayoutsVerb::Reconcile { wallet } => compare::reconcile(&room, wallet.as_deref(), json),
        PayoutsVerb::Match(options) => wallets::match_wallet(&room, options, json, context),
        PayoutsVerb::Assign(options) => wallets::assign(&room, options, json, context),
        PayoutsVerb::Fund(options) => wallets::fund(&room, options, json, context),
        PayoutsVerb::Wallets => wallets::list(&room, json),
        PayoutsVerb::Stop(options) => wallets::stop(&room, options, json, context),
    }
}

/// Records that were put back untold may lack what was paid: whoever decides on a payout asks the journal too. A matched
/// wallet knows its own again by it.
fn journal_use(verb: &PayoutsVerb) -> JournalUse {
    match verb {
        PayoutsVerb::Match(_) => JournalUse::Begun,
        PayoutsVerb::Retry(_)
        | PayoutsVerb::Hold(_)
        | PayoutsVerb::Release(_)
        | PayoutsVerb::Cancel(_)
        | PayoutsVerb::Resolve(_) => JournalUse::IfThere,
        PayoutsVerb::List(_)
        | PayoutsVerb::Show { .. }
        | PayoutsVerb::Reconcile { .. }
        | PayoutsVerb::Assign(_)
        | PayoutsVerb::Fund(_)
        | PayoutsVerb::Wallets
        | PayoutsVerb::Stop(_) => JournalUse::None,
    }
}

/// The name of a wallet, which is that of its key.
fn wallet_name(text: &str) -> Result<KeyId, CommandError> {
    KeyId::parse(text).map_err(|rejection| refused(rejection.code(), rejection.to_string()))
}

fn state(text: &str) -> Result<IntentState, String> {
    let names = IntentState::ALL.map(IntentState::name);
    IntentState::from_name(text).ok_or_else(|| format!("it is one of {}", names.join(", ")))
}

const _: () = assert!(PAGE_MAX == 200, "the help of --limit names it");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payout_is_named_by_its_number_or_its_public_id() {
        assert_eq!(PayoutName::parse("12"), Ok(PayoutName::Number(IntentId(12))));
        let id = "0190b5a1-0000-7000-8000-000000000001";
        assert_eq!(PayoutName::parse(id), Ok(PayoutName::Public(Uuid::parse_str(id).unwrap())));
        assert!(PayoutName::parse("x").is_err() && PayoutName::parse("").is_err());
    }
}
