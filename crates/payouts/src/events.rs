//! Audit events of payouts and wallets, recorded in the transaction of the change that they tell of.

use bursar_audit::{Actor, Event, Level, Target};
use bursar_store::Timestamp;
use serde_json::{Map, Value, json};

use crate::accept::NewIntent;
use crate::case::{Case, Unheld};
use crate::desk_rules::Change;
use crate::operate::RESOLVED;
use crate::wallet::Wallet;
use crate::{IntentState, Notice, Payouts};

/// The desk of events of a desk that is not registered here.
const PLATFORM: &str = "platform";

/// The desk as the audit log names it.
pub(crate) fn desk_of(payouts: &Payouts, desk: &str) -> &'static str {
    payouts.desk(desk).map_or(PLATFORM, |rules| rules.desk)
}

/// The machine itself.
fn machine() -> Actor {
    Actor::system("payouts")
}

/// An intent was accepted.
pub(crate) fn accepted(new: &NewIntent) -> Event {
    let payload = json!({
        "payout": new.public_id.to_string(), "wallet": new.wallet.as_str(), "destination": new.destination.as_str(),
        "amount": new.amount.to_string(), "asset": new.asset.symbol(), "reference": new.reference,
        "reason": new.reason, "idempotencyKey": new.key.as_str(),
    });
    let Some(author) = &new.author else {
        return of_intent(Level::Info, new.desk, "payout.accepted", machine(), new.id.0, &payload);
    };
    let event = of_intent(Level::Info, new.desk, "payout.accepted", author.actor.clone(), new.id.0, &payload);
    Event { request_id: author.request_id.clone(), correlation_id: author.correlation_id.clone(), ..event }
}

/// An intent changed.
pub(crate) fn changed(
    payouts: &Payouts,
    case: &Case,
    change: &Change,
    detail: Map<String, Value>,
    actor: &Actor,
) -> Vec<Event> {
    let intent = &case.intent;
    let desk = desk_of(payouts, &intent.desk);
    let mut payload = Map::from_iter([
        ("payout".to_owned(), intent.public_id.to_string().into()),
        ("wallet".to_owned(), intent.wallet.as_str().into()),
        ("amount".to_owned(), intent.amount.to_string().into()),
        ("from".to_owned(), change.from.name().into()),
        ("attempts".to_owned(), intent.attempts.into()),
        ("reference".to_owned(), intent.reference.into()),
    ]);
    if let Some(transaction) = &change.transaction {
        payload.insert("transaction".to_owned(), transaction.as_str().into());
    }
    if let Some(why) = &change.why {
        payload.insert("why".to_owned(), why.as_str().into());
    }
    payload.extend(detail);
    let (level, name) = named(change);
    vec![of_intent(level, desk, name, actor.clone(), intent.id.0, &Value::Object(payload))]
}

/// A payment is final that nothing was held for, and somebody may have to book where it belongs.
pub(crate) fn paid_unheld(payouts: &Payouts, case: &Case, unheld: &Unheld, actor: &Actor) -> Event {
    let payload = json!({
        "payout": case.intent.public_id.to_string(), "wallet": case.intent.wallet.as_str(),
        "amount": case.intent.amount.to_string(), "fromFunds": unheld.from_funds.to_string(),
        "fromSuspense": unheld.from_suspense.to_string(),
    });
    let desk = desk_of(payouts, &case.intent.desk);
    of_intent(Level::Warn, desk, "payout.paid_unheld", actor.clone(), case.intent.id.0, &payload)
}

/// A change was never delivered to whoever asked for the payout.
pub(crate) fn notice_given_up(notice: &Notice, since: Timestamp) -> Event {
    let payload = json!({
        "notice": notice.id.to_string(), "attempts": notice.attempts.saturating_add(1), "sinceMs": since.ms(),
    });
    of_intent(Level::Warn, PLATFORM, "payout.notice_given_up", machine(), notice.intent.0, &payload)
}

/// A person decided what the chain does not say.
pub(crate) fn resolved(payouts: &Payouts, case: &Case, actor: &Actor, payload: &Value) -> Event {
    let desk = desk_of(payouts, &case.intent.desk);
    of_intent(RESOLVED, desk, "payout.resolved", actor.clone(), case.intent.id.0, payload)
}

/// An intent takes too long.
pub(crate) fn stuck(payouts: &Payouts, case: &Case) -> Event {
    let intent = &case.intent;
    let transactions: Vec<&str> =
        case.attempts.iter().map(|attempt| attempt.transaction.id.as_str()).collect();
    let standing = case.attempts.last().map_or("", |attempt| attempt.standing.as_str());
    let payload = json!({
        "payout": intent.public_id.to_string(), "wallet": intent.wallet.as_str(), "amount": intent.amount.to_string(),
        "transactions": transactions, "standing": standing,
    });
    let desk = desk_of(payouts, &intent.desk);
    of_intent(Level::Error, desk, "payout.stuck", machine(), intent.id.0, &payload)
}

/// A wallet was stopped by the machine itself.
pub(crate) fn wallet_stopped(payouts: &Payouts, wallet: &Wallet, detail: &Value) -> Event {
    let payload = json!({
        "why": wallet.why, "address": wallet.address.as_str(), "expected": wallet.expected.to_string(),
        "standing": wallet.standing.name(), "seen": detail,
    });
    of_wallet(Level::Error, payouts, "payout.wallet_stopped", machine(), wallet, &payload)
}

/// A wallet runs again: journal and chain are what the records say.
pub(crate) fn wallet_matched(payouts: &Payouts, wallet: &Wallet) -> Event {
    let payload =
        json!({ "was": wallet.standing.name(), "why": wallet.why, "holds": wallet.expected.to_string() });
    of_wallet(Level::Warn, payouts, "payout.wallet_matched", machine(), wallet, &payload)
}

/// Money came to a wallet unasked.
pub(crate) fn received(payouts: &Payouts, wallet: &Wallet, payload: &Value) -> Event {
    of_wallet(Level::Info, payouts, "payout.received", machine(), wallet, payload)
}

/// Level and name of a change.
pub(crate) fn named(change: &Change) -> (Level, &'static str) {
    match (change.to, change.from) {
        (IntentState::Accepted, IntentState::Held) => (Level::Info, "payout.released"),
        (IntentState::Accepted, _) => (Level::Warn, "payout.attempt_dead"),
        (IntentState::Held, _) => (Level::Warn, "payout.held"),
        (IntentState::Signed, _) => (Level::Info, "payout.signed"),
        (IntentState::Broadcast, _) => (Level::Info, "payout.broadcast"),
        (IntentState::Final, _) => (Level::Info, "payout.final"),
        (IntentState::Failed, _) => (Level::Warn, "payout.failed"),
        (IntentState::Cancelled, _) => (Level::Info, "payout.cancelled"),
    }
}

/// An event of an intent.
pub(crate) fn of_intent(
    level: Level,
    desk: &'static str,
    name: &'static str,
    actor: Actor,
    intent: i64,
    payload: &Value,
) -> Event {
    event(level, desk, name, actor, Target { kind: "payout", id: intent.to_string() }, payload)
}

/// An event of a wallet.
pub(crate) fn of_wallet(
    level: Level,
    payouts: &Payouts,
    name: &'static str,
    actor: Actor,
    wallet: &Wallet,
    payload: &Value,
) -> Event {
    let target = Target { kind: "wallet", id: wallet.name.to_string() };
    event(level, desk_of(payouts, &wallet.desk), name, actor, target, payload)
}

/// A wallet was opened.
pub(crate) fn wallet_opened(payouts: &Payouts, wallet: &Wallet) -> Event {
    let payload = json!({ "chain": wallet.chain, "address": wallet.address.as_str(), "desk": wallet.desk });
    of_wallet(Level::Info, payouts, "payout.wallet_opened", machine(), wallet, &payload)
}

fn event(
    level: Level,
    desk: &'static str,
    name: &'static str,
    actor: Actor,
    target: Target,
    payload: &Value,
) -> Event {
    Event {
        level,
        desk,
        name,
        actor,
        target,
        request_id: None,
        correlation_id: None,
        payload: payload.to_string(),
    }
}
