//! A payout as callers from outside see it: the same in answers and in webhooks. It holds no secret and no signed bytes.

use bursar_store::Timestamp;
use serde_json::{Value, json};

use crate::outside::split;
use crate::pages::{AttemptView, PayoutShown};

/// Amounts are texts of base units, times RFC 3339 in UTC.
pub(crate) fn document(shown: &PayoutShown) -> Value {
    let PayoutShown { payout, attempts } = shown;
    let (payer, key) =
        split(&payout.key).map_or((None, payout.key.as_str()), |(payer, key)| (Some(payer), key));
    let why = (!payout.why.is_empty()).then_some(payout.why.as_str());
    let reference = (!payout.reason.is_empty()).then_some(payout.reason.as_str());
    json!({
        "id": payout.public_id.to_string(),
        "state": payout.state.name(),
        "desk": payout.desk,
        "wallet": payout.wallet.as_str(),
        "asset": payout.asset.symbol(),
        "amount": payout.amount.to_string(),
        "to": payout.destination.as_str(),
        "reference": reference,
        "payer": payer,
        "key": key,
        "requestHash": payout.request_hash,
        "why": why,
        "stuck": payout.is_stuck,
        "transaction": transaction(attempts),
        "attempts": attempts.iter().map(attempt).collect::<Vec<_>>(),
        "createdAt": moment(payout.created_at),
        "changedAt": moment(payout.changed_at),
        "broadcastAt": payout.broadcast_at.map(moment),
        "endedAt": payout.ended_at.map(moment),
    })
}

/// The payment that is final, else the newest one that may become so.
fn transaction(attempts: &[AttemptView]) -> Option<&str> {
    let payments = || attempts.iter().rev().filter(|attempt| attempt.kind == "payment");
    let paid = payments().find(|attempt| attempt.state == "final");
    let open = || payments().find(|attempt| attempt.state != "dead");
    paid.or_else(open).map(|attempt| attempt.transaction.as_str())
}

fn attempt(attempt: &AttemptView) -> Value {
    json!({
        "transaction": attempt.transaction.as_str(),
        "kind": attempt.kind,
        "state": attempt.state,
        "signedAt": moment(attempt.signed_at),
    })
}

/// RFC 3339 to the millisecond.
pub(crate) fn moment(at: Timestamp) -> Value {
    let text = jiff::Timestamp::from_millisecond(at.ms()).map(|at| format!("{at:.3}"));
    text.map_or(Value::Null, Value::from)
}
