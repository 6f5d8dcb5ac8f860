//! Payouts as the command line shows them.

use bursar_payouts::{AttemptView, IntentId, IntentState, PayoutFilter, PayoutShown, PayoutView};
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::room::{Room, rejected};
use super::{PayoutName, state, wallet_name};
use crate::commands::CommandError;
use crate::commands::table::{cell, table};

/// Which payouts are listed.
#[derive(Clone, Debug, clap::Args)]
pub struct PageOptions {
    /// Only those of this desk.
    #[arg(long, value_name = "DESK")]
    pub desk: Option<String>,
    /// Only those of this wallet.
    #[arg(long, value_name = "NAME")]
    pub wallet: Option<String>,
    /// Only those in this state.
    #[arg(long, value_parser = state)]
    pub state: Option<IntentState>,
    /// Only those with a lower number; `next` of one answer begins the next.
    #[arg(long, value_name = "NUMBER")]
    pub before: Option<i64>,
    /// How many at most, up to 200.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=200))]
    pub limit: i64,
}

pub(super) fn list(room: &Room, options: &PageOptions, json: bool) -> Result<Value, CommandError> {
    let wallet = options.wallet.as_deref().map(wallet_name).transpose()?;
    let filter = PayoutFilter { desk: options.desk.clone(), wallet, state: options.state };
    let before = options.before.map(IntentId);
    let page =
        room.store.read("command.payouts", |tx| room.payouts().list(tx, &filter, before, options.limit))?;
    let is_full = i64::try_from(page.len()).is_ok_and(|length| length == options.limit);
    let next = page.last().filter(|_| is_full).map(|last| last.id.0);
    if json {
        let payouts: Vec<Value> = page.iter().map(document).collect();
        return Ok(json!({"ok": true, "payouts": payouts, "next": next}));
    }
    let mut text = table(
        ["PAYOUT", "STATE", "DESK", "WALLET", "AMOUNT", "ASSET", "DESTINATION", "WHY"],
        page.iter().map(|one| {
            [
                one.id.to_string(),
                word(one),
                one.desk.clone(),
                one.wallet.to_string(),
                one.amount.to_string(),
                one.asset.symbol().to_owned(),
                one.destination.to_string(),
                cell(&one.why),
            ]
        }),
    );
    if let Some(next) = next {
        text.push_str(&format!("\nmore with --before {next}"));
    }
    Ok(text.into())
}

pub(super) fn show(room: &Room, name: PayoutName, json: bool) -> Result<Value, CommandError> {
    let found = room.store.read("command.payout", |tx| find(room, tx, name))?;
    found.map(|shown| answer(&shown, json)).ok_or_else(|| rejected(&bursar_payouts::Rejection::Unknown))
}

/// The payout of this name.
pub(super) fn find(
    room: &Room,
    tx: &mut Tx<'_>,
    name: PayoutName,
) -> Result<Option<PayoutShown>, StoreError> {
    match name {
        PayoutName::Number(id) => room.payouts().payout(tx, id),
        PayoutName::Public(id) => room.payouts().show(tx, id),
    }
}

/// One payout as the answer of a command.
pub(super) fn answer(shown: &PayoutShown, json: bool) -> Value {
    let PayoutShown { payout, attempts } = shown;
    if json {
        let transactions: Vec<Value> = attempts.iter().map(transaction).collect();
        return json!({"ok": true, "payout": document(payout), "transactions": transactions});
    }
    let or_dash = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), instant);
    let lines = [
        ("payout", format!("{} ({})", payout.id, payout.public_id)),
        ("state", word(payout)),
        ("why", cell(&payout.why)),
        ("owed by", format!("{}, its row {}", payout.desk, payout.reference)),
        ("owed for", cell(&payout.reason)),
        ("pays", format!("{} {} from {}", payout.amount, payout.asset.symbol(), payout.wallet)),
        ("to", payout.destination.to_string()),
        ("accepted", instant(payout.created_at)),
        ("changed", instant(payout.changed_at)),
        ("next try", or_dash(payout.next_at)),
        ("left", or_dash(payout.broadcast_at)),
        ("ended", or_dash(payout.ended_at)),
    ];
    let mut text: Vec<String> = lines.into_iter().map(|(name, value)| format!("{name:<9} {value}")).collect();
    if !attempts.is_empty() {
        let rows = attempts.iter().map(|one| {
            let proof = if one.has_death_proof { "kept" } else { "-" };
            [
                one.transaction.to_string(),
                one.kind.to_owned(),
                one.state.to_owned(),
                cell(&one.standing),
                proof.to_owned(),
            ]
        });
        text.push(table(["TRANSACTION", "KIND", "STATE", "THE CHAIN SAYS", "PROOF OF DEATH"], rows));
    }
    text.join("\n").into()
}

fn word(payout: &PayoutView) -> String {
    let stuck = if payout.is_stuck { ", stuck" } else { "" };
    format!("{}{stuck}", payout.state)
}

/// Times are Unix milliseconds.
fn document(payout: &PayoutView) -> Value {
    let ms = |at: Option<Timestamp>| at.map(Timestamp::ms);
    json!({
        "id": payout.id.0, "publicId": payout.public_id.to_string(), "desk": payout.desk, "wallet": payout.wallet,
        "destination": payout.destination.as_str(), "amount": payout.amount.to_string(),
        "asset": payout.asset.symbol(), "reference": payout.reference, "reason": payout.reason,
        "idempotencyKey": payout.key, "requestHash": payout.request_hash, "state": payout.state.name(),
        "why": payout.why, "stuck": payout.is_stuck, "moneyHeld": payout.was_held, "attempts": payout.attempts,
        "createdAtMs": payout.created_at.ms(), "nextAtMs": ms(payout.next_at),
        "broadcastAtMs": ms(payout.broadcast_at), "changedAtMs": payout.changed_at.ms(),
        "endedAtMs": ms(payout.ended_at),
    })
}

fn transaction(attempt: &AttemptView) -> Value {
    json!({
        "transaction": attempt.transaction.as_str(), "kind": attempt.kind, "state": attempt.state,
        "slot": attempt.slot, "signedAtMs": attempt.signed_at.ms(), "broadcasts": attempt.broadcasts,
        "standing": attempt.standing, "deathProof": attempt.has_death_proof, "imported": attempt.is_imported,
        "nextAtMs": attempt.next_at.map(Timestamp::ms),
    })
}

/// A time as people read it, in UTC.
fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.ms()).map_or_else(|_| format!("{} ms", at.ms()), |at| at.to_string())
}
