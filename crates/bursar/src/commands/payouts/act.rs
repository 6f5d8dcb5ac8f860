//! What people do to one payout: each act in one transaction with its audit event and the desk's own rows.

use bursar_access::ApprovalId;
use bursar_audit::{Event, Level, Target};
use bursar_payouts::{IntentState, PayoutShown, Rejection, Resolution};
use bursar_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::room::{Room, Signed, refused, rejected};
use super::{ActOptions, show};
use crate::commands::{CommandError, Context};

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Retry {
        /// Other people's approval of the payment itself.
        payment: Option<ApprovalId>,
    },
    Hold,
    Release,
    Cancel,
    Resolve(Resolution),
}

/// Why it was not done.
enum Refusal {
    Room(Rejection),
    /// The desk's rows would not follow.
    Desk(String),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Refusal {
        Refusal::Room(rejection)
    }
}

pub(super) fn act(
    room: &Room,
    options: &ActOptions,
    deed: &Deed,
    json: bool,
    context: &Context,
) -> Result<Value, CommandError> {
    let who = options.who.signed(room, context)?;
    let done = room.store.transact("command.payout", |tx| {
        let Some(before) = show::find(room, tx, options.payout)? else {
            return Ok(Err(Rejection::Unknown.into()));
        };
        in_transaction(room, tx, &before, deed, &who)
    })?;
    match done {
        Ok(shown) => Ok(show::answer(&shown, json)),
        Err(Refusal::Room(rejection)) => Err(rejected(&rejection)),
        Err(Refusal::Desk(desk)) => Err(refused(
            "desk_not_followed",
            format!(
                "This payout is owed by {desk}, whose own records this program does not keep, so that they would part \
                 from it. Use the program that runs {desk}."
            ),
        )),
    }
}

fn in_transaction(
    room: &Room,
    tx: &mut Tx<'_>,
    before: &PayoutShown,
    deed: &Deed,
    who: &Signed,
) -> Result<Result<PayoutShown, Refusal>, StoreError> {
    let (id, desk) = (before.payout.id, &before.payout.desk);
    if !Room::follows(desk) {
        return Ok(Err(Refusal::Desk(desk.clone())));
    }
    let (payouts, recorder, why) = (room.payouts(), &room.recorder, who.reason.as_str());
    let by = who.by(tx)?;
    let done = match deed {
        Deed::Retry { payment } => payouts.retry_approved(tx, &by, *payment, id, why, recorder)?,
        Deed::Hold => payouts.hold(tx, &by, id, why, recorder)?,
        Deed::Release => payouts.release(tx, &by, id, why, recorder)?,
        Deed::Cancel => payouts.cancel_by(tx, &by, id, why, recorder)?,
        Deed::Resolve(resolution) => payouts.resolve(tx, &by, id, resolution, recorder)?,
    };
    let state = match done {
        Ok(state) => state,
        Err(rejection) => return Ok(Err(rejection.into())),
    };
    // Of a decision the room tells the evidence alone.
    if matches!(deed, Deed::Resolve(_)) {
        recorder.record(tx, &[asked(before, state, who)], by.now)?;
    }
    let after = payouts.payout(tx, id)?;
    Ok(after.ok_or_else(|| Rejection::Unknown.into()))
}

/// Why a person decided.
fn asked(before: &PayoutShown, state: IntentState, who: &Signed) -> Event {
    let payload = json!({
        "payout": before.payout.public_id.to_string(), "act": "resolve", "reason": who.reason, "state": state.name(),
        "approval": who.approval,
    });
    Event {
        level: Level::Warn,
        desk: bursar_faucet::DESK,
        name: "payout.act_asked",
        actor: who.audited(),
        target: Target { kind: "payout", id: before.payout.id.to_string() },
        request_id: None,
        correlation_id: None,
        payload: payload.to_string(),
    }
}
