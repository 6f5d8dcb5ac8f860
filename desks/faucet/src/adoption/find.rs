//! Which payments the records lack: sends of the operator's account since the newest block that they know from before the
//! restore, and payouts that the journal brought back without the desk's rows.

use bursar_chain::{History, Past};
use bursar_money::Amount;
use bursar_payouts::{IntentId, KnownTransaction, PayoutShown};
use bursar_store::{StoreError, Timestamp, Tx};

use super::{Adoption, BLIND, Outcome, Refusal, UNKNOWN};
use crate::DESK;
use crate::record::{Hole, Payout};
use crate::rules::payout_state::PayoutState;

/// Transactions of the account that are asked for at a time.
const PAGE: usize = 100;
/// Transactions of the account that are read at most.
const READ_MAX: usize = 10_000;

/// A payment of the operator's wallet that the records lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The transaction; empty where none is known.
    pub transaction: String,
    /// Where to.
    pub to: String,
    /// How much, in raw.
    pub raw: Amount,
    /// Its intent, where the journal brought that back.
    pub intent: Option<IntentId>,
    /// How far it is. What is not confirmed may still fail.
    pub state: PayoutState,
    /// The player whom the lost order named; another may have the number by now.
    pub named: Option<i64>,
    /// From when on it counts.
    pub paid_at: Timestamp,
}

/// What is known of a hole in the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    /// Since when it is known, and up to where the records reached then.
    pub hole: Hole,
    /// Whether no journal tells what it holds, so that the chain has to.
    pub is_blind: bool,
}

/// The hole in the records; `None` = there is none.
pub(super) fn lost(tx: &mut Tx<'_>) -> Result<Option<Lost>, StoreError> {
    let (blind, unknown) = (Hole::load(tx, BLIND)?, Hole::load(tx, UNKNOWN)?);
    let is_blind = blind.is_some();
    let hole = blind.into_iter().chain(unknown).reduce(Hole::with);
    Ok(hole.map(|hole| Lost { hole, is_blind }))
}

/// What the records lack, oldest first: what the journal brought back, then what the chain alone shows.
pub(super) fn payments(adoption: &Adoption<'_>, history: &dyn History, lost: &Lost) -> Outcome<Vec<Payment>> {
    let read = |tx: &mut Tx<'_>| brought_back(tx, adoption, lost);
    let mut found = adoption.store.read("faucet.brought_back", read)?;
    if lost.is_blind {
        match sends(adoption, history, lost)? {
            Ok(sends) => found.extend(sends),
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    Ok(Ok(found))
}

fn brought_back(tx: &mut Tx<'_>, adoption: &Adoption<'_>, lost: &Lost) -> Result<Vec<Payment>, StoreError> {
    let (mut found, mut after) = (Vec::new(), lost.hole.intent);
    loop {
        let page = adoption.payouts.brought_back(tx, adoption.operator, after)?;
        for shown in page.payouts {
            found.extend(unrecorded(tx, &shown)?);
        }
        match page.next {
            Some(next) => after = next,
            None => return Ok(found),
        }
    }
}

/// What a payout that the journal brought back has paid or may yet pay, if the desk has no row of it.
fn unrecorded(tx: &mut Tx<'_>, shown: &PayoutShown) -> Result<Option<Payment>, StoreError> {
    if shown.payout.desk != DESK {
        return Ok(None);
    }
    let payout = Payout::peek(tx, &[shown.payout.reference])?.pop();
    if payout.is_some_and(|payout| payout.intent == Some(shown.payout.id.0)) {
        return Ok(None);
    }
    let Some(payment) = payment(shown) else { return Ok(None) };
    let is_recorded = !payment.transaction.is_empty() && Payout::is_recorded(tx, &payment.transaction)?;
    Ok((!is_recorded).then_some(payment))
}

/// The same payment as it is now, its wallet locked; `None` = it has failed, or has a payout.
pub(super) fn anew(
    tx: &mut Tx<'_>,
    adoption: &Adoption<'_>,
    payment: &Payment,
) -> Result<Option<Payment>, StoreError> {
    let Some(intent) = payment.intent else {
        return Ok((!Payout::is_recorded(tx, &payment.transaction)?).then(|| payment.clone()));
    };
    match adoption.payouts.payout(tx, intent)? {
        Some(shown) => unrecorded(tx, &shown),
        None => Ok(None),
    }
}

/// What the journal's payout has paid or may yet pay; `None` = it has failed.
fn payment(shown: &PayoutShown) -> Option<Payment> {
    let payout = &shown.payout;
    let state = PayoutState::of_intent(payout.state, false);
    if state == PayoutState::Failed {
        return None;
    }
    Some(Payment {
        transaction: shown.paying().map(|attempt| attempt.transaction.to_string()).unwrap_or_default(),
        to: payout.destination.to_string(),
        raw: payout.amount,
        intent: Some(payout.id),
        state,
        named: payout.key.split('/').nth(1).and_then(|player| player.parse().ok()),
        paid_at: payout.created_at,
    })
}

/// Sends that neither the payouts room nor the desk knows, down to the newest transaction that was known before the restore.
fn sends(adoption: &Adoption<'_>, history: &dyn History, lost: &Lost) -> Outcome<Vec<Payment>> {
    let wallet = adoption.store.read("faucet.wallet", |tx| adoption.payouts.wallet(tx, adoption.operator))?;
    let Some(wallet) = wallet else { return Ok(Err(Refusal::NoWallet)) };
    let (mut found, mut read, mut next) = (Vec::new(), 0, None);
    loop {
        let page = match history.past(&wallet.address, next.as_ref(), PAGE) {
            Ok(page) => page,
            Err(error) => return Ok(Err(Refusal::Chain(error))),
        };
        let looked = adoption.store.read("faucet.sends", |tx| look(tx, adoption, lost, &page))?;
        found.extend(looked.unknown);
        if looked.is_end {
            found.reverse();
            return Ok(Ok(found));
        }
        read += page.len();
        next = page.into_iter().next_back().and_then(|last| last.previous);
        if next.is_none() {
            break;
        }
        if read >= READ_MAX {
            return Ok(Err(Refusal::TooFar(READ_MAX)));
        }
    }
    found.reverse();
    let is_empty = found.is_empty();
    Ok(if adoption.is_whole_history || is_empty { Ok(found) } else { Err(Refusal::NoKnownBlock) })
}

/// A page of the account's transactions beside the records.
struct Looked {
    unknown: Vec<Payment>,
    is_end: bool,
}

fn look(tx: &mut Tx<'_>, adoption: &Adoption<'_>, lost: &Lost, page: &[Past]) -> Result<Looked, StoreError> {
    let mut looked = Looked { unknown: Vec::new(), is_end: false };
    let is_end = |known: &KnownTransaction| {
        !adoption.is_whole_history && !known.is_imported && known.number <= lost.hole.transaction
    };
    for past in page {
        match adoption.payouts.transaction(tx, &past.id)? {
            // What was signed since the restore may lie above what is missing.
            Some(known) if is_end(&known) => {
                looked.is_end = true;
                return Ok(looked);
            }
            Some(_) => continue,
            None => {}
        }
        let Some((to, amount)) = &past.sent else { continue };
        if !Payout::is_recorded(tx, past.id.as_str())? {
            looked.unknown.push(Payment {
                transaction: past.id.to_string(),
                to: to.to_string(),
                raw: *amount,
                intent: None,
                state: PayoutState::Confirmed,
                named: None,
                paid_at: lost.hole.since,
            });
        }
    }
    Ok(looked)
}

impl Adoption<'_> {
    /// Whether every payout that the journal brought back has its row.
    pub(super) fn is_all_adopted(&self, tx: &mut Tx<'_>, lost: &Lost) -> Result<bool, StoreError> {
        Ok(brought_back(tx, self, lost)?.is_empty())
    }
}
