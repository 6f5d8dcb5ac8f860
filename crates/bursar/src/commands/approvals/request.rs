//! Asking for approval: of a payment, or of an act that is written as the command that does it.

use std::ffi::OsString;
use std::sync::Arc;

use bursar_access::{Actor, Draft, Drafted, Rejection, request_approval};
use clap::Parser;
use serde_json::Value;

use super::{ApprovalsVerb, Asking, Room, decide, show};
use crate::commands::faucet::FaucetVerb;
use crate::commands::keys::KeysVerb;
use crate::commands::operators::OperatorsVerb;
use crate::commands::payouts::room::{Room as PaymentsRoom, rejected};
use crate::commands::payouts::{PayoutName, PayoutsVerb};
use crate::commands::{CommandError, Context, Verb, run};

/// A command as it is typed.
#[derive(Parser)]
#[command(name = "bursar", no_binary_name = true)]
struct Line {
    #[command(subcommand)]
    verb: Verb,
}

pub(super) fn payout(
    room: &Room,
    name: PayoutName,
    asking: &Asking,
    context: &Context,
) -> Result<Value, CommandError> {
    let actor = room.token.proven(&room.store, context)?;
    let payments = PaymentsRoom::open(context)?;
    let found = payments.store.read("command.payout", |tx| {
        let id = match name {
            PayoutName::Number(id) => Some(id),
            PayoutName::Public(id) => payments.payouts().show(tx, id)?.map(|shown| shown.payout.id),
        };
        match id {
            Some(id) => payments.payouts().payment_act(tx, id),
            None => Ok(Err(bursar_payouts::Rejection::Unknown)),
        }
    })?;
    let drafted = found.map_err(|rejection| rejected(&rejection))?;
    file(room, &actor, &drafted, asking, context)
}

pub(super) fn act(
    room: &Room,
    words: &[OsString],
    asking: &Asking,
    context: &Context,
) -> Result<Value, CommandError> {
    let actor = room.token.proven(&room.store, context)?;
    let line = Line::try_parse_from(words).map_err(|usage| CommandError::Usage(usage.to_string()))?;
    if !can_be_asked_for(&line.verb) {
        return Err(CommandError::Usage(
            "This command takes nobody's approval; `bursar approvals policy` lists those that can."
                .to_owned(),
        ));
    }
    let draft = Arc::new(Draft::default());
    let done = run(&line.verb, &context.drafting(&draft, room.token.token_file.as_deref()));
    match (draft.take(), done) {
        (Some(drafted), _) => file(room, &actor, &drafted, asking, context),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Err(CommandError::Usage("This command asked for no leave.".to_owned())),
    }
}

/// The commands that do nothing before they are admitted.
const fn can_be_asked_for(verb: &Verb) -> bool {
    match verb {
        Verb::Keys(group) => match group.verb {
            KeysVerb::Add(_)
            | KeysVerb::Rotate(_)
            | KeysVerb::Retire(_)
            | KeysVerb::Resume(_)
            | KeysVerb::Policy(_)
            | KeysVerb::Destination(_) => true,
            KeysVerb::List | KeysVerb::Verify | KeysVerb::Stop(_) => false,
        },
        Verb::Payouts(group) => match group.verb {
            PayoutsVerb::Retry(_)
            | PayoutsVerb::Hold(_)
            | PayoutsVerb::Release(_)
            | PayoutsVerb::Cancel(_)
            | PayoutsVerb::Resolve(_)
            | PayoutsVerb::Match(_)
            | PayoutsVerb::Assign(_)
            | PayoutsVerb::Fund(_) => true,
            PayoutsVerb::List(_)
            | PayoutsVerb::Show { .. }
            | PayoutsVerb::Reconcile { .. }
            | PayoutsVerb::Wallets
            | PayoutsVerb::Stop(_) => false,
        },
        Verb::Operators(group) => match group.verb {
            OperatorsVerb::Add { .. } | OperatorsVerb::Token { .. } | OperatorsVerb::Disable { .. } => true,
            OperatorsVerb::List | OperatorsVerb::Bootstrap { .. } => false,
        },
        Verb::Approvals(group) => match &group.verb {
            ApprovalsVerb::Policy(options) => options.action.is_some(),
            ApprovalsVerb::List
            | ApprovalsVerb::Show { .. }
            | ApprovalsVerb::Request(_)
            | ApprovalsVerb::Approve { .. }
            | ApprovalsVerb::Decline(_)
            | ApprovalsVerb::Withdraw(_) => false,
        },
        Verb::Faucet(group) => {
            matches!(&group.verb, FaucetVerb::AdoptPayments(options) if !options.dry_run)
        }
        Verb::Migrate(_)
        | Verb::Config(_)
        | Verb::Ops(_)
        | Verb::Settings(_)
        | Verb::Secrets(_)
        | Verb::Ledger(_)
        | Verb::Audit(_)
        | Verb::Backup(_)
        | Verb::Jobs(_)
        | Verb::Runbook(_)
        | Verb::Rollback(_)
        | Verb::Load(_)
        | Verb::Replay(_) => false,
    }
}

fn file(
    room: &Room,
    actor: &Actor,
    drafted: &Drafted,
    asking: &Asking,
    context: &Context,
) -> Result<Value, CommandError> {
    let reason = decide::reason(&asking.reason, context)?;
    let Drafted { act, approvals_needed } = drafted;
    if *approvals_needed == 0 {
        return Err(Rejection::ApprovalNotNeeded.into());
    }
    let make = |tx: &mut bursar_store::Tx<'_>, by: &bursar_access::By<'_>| {
        request_approval(tx, by, act, asking.for_ms)
    };
    let filed =
        room.change(actor, Some(&reason), make, |filed| &filed.done).map_err(|error| match error {
            CommandError::Refused(Rejection::Invalid { field: "lifetime", .. }) => {
                CommandError::Usage("--for takes 7d at most".to_owned())
            }
            error => error,
        })?;
    context.say(&format!(
        "Filed as request {id}. It takes {approvals_needed} other operators: `bursar approvals approve {id}`. Then do it \
         with the number {id}.",
        id = filed.id
    ));
    show::show(room, filed.id)
}
