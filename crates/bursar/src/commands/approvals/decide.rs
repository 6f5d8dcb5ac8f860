//! Approving, declining and withdrawing a request, as an operator whose token is given.

use bursar_access::{ApprovalId, approval, approve as approve_request, decline_approval, withdraw_approval};
use serde_json::Value;

use super::{EndOptions, Room, show};
use crate::commands::accountable::Accountable;
use crate::commands::{CommandError, Context};

pub(super) fn approve(room: &Room, id: ApprovalId, context: &Context) -> Result<Value, CommandError> {
    let actor = room.token.proven(&room.store, context)?;
    room.change(&actor, None, |tx, by| approve_request(tx, by, id), |done| done)?;
    let request = room.store.read("command.approval", |tx| approval(tx, id))?;
    if let Some(request) = request {
        context.say(&format!(
            "{} of those whose approval counts agree by now. {} carries it out.",
            request.approvals(),
            request.requester_name
        ));
    }
    show::show(room, id)
}

pub(super) fn decline(room: &Room, options: &EndOptions, context: &Context) -> Result<Value, CommandError> {
    let id = ApprovalId(options.request);
    let (actor, reason) = (room.token.proven(&room.store, context)?, reason(&options.reason, context)?);
    room.change(&actor, Some(&reason), |tx, by| decline_approval(tx, by, id), |done| done)?;
    show::show(room, id)
}

pub(super) fn withdraw(room: &Room, options: &EndOptions, context: &Context) -> Result<Value, CommandError> {
    let id = ApprovalId(options.request);
    let (actor, reason) = (room.token.proven(&room.store, context)?, reason(&options.reason, context)?);
    room.change(&actor, Some(&reason), |tx, by| withdraw_approval(tx, by, id), |done| done)?;
    show::show(room, id)
}

/// A reason that the audit log can keep.
pub(super) fn reason(text: &str, context: &Context) -> Result<String, CommandError> {
    Accountable::new(None, context.user(), Some(text)).map(|who| who.reason)
}
