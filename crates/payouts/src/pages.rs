//! Showing payouts: one with its transactions, and pages of many.

use bursar_chain::{Address, TransactionId};
use bursar_keys::KeyId;
use bursar_money::{Amount, Asset};
use bursar_store::{StoreError, Timestamp, Tx};
use uuid::Uuid;

use crate::life::AttemptState;
use crate::sql::attempts::{self, AttemptRow};
use crate::sql::intents::{self, IntentRow};
use crate::{IdempotencyKey, IntentId, IntentState, Payouts};

/// Most payouts on one page.
pub const PAGE_MAX: i64 = 200;

/// A payout as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutView {
    /// Its number, by which pages go on.
    pub id: IntentId,
    /// The id that the public sees.
    pub public_id: Uuid,
    /// Who owes it.
    pub desk: String,
    /// The wallet that pays it.
    pub wallet: KeyId,
    /// Whom.
    pub destination: Address,
    /// How much, in base units.
    pub amount: Amount,
    /// Of what.
    pub asset: Asset,
    /// The desk's own row; 0 = none.
    pub reference: i64,
    /// Why it is paid.
    pub reason: String,
    /// The caller's name for it.
    pub key: String,
    /// Hash of the order, in hexadecimal digits.
    pub request_hash: String,
    /// Where it stands.
    pub state: IntentState,
    /// Why it waits, is held, failed or cancelled; empty = no reason.
    pub why: String,
    /// Whether it takes too long.
    pub is_stuck: bool,
    /// Whether its money is or was held; not so for one that came back from the journal alone.
    pub was_held: bool,
    /// Payments signed so far.
    pub attempts: i64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it is tried next, of one that waits.
    pub next_at: Option<Timestamp>,
    /// When its latest payment left.
    pub broadcast_at: Option<Timestamp>,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A transaction of a payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptView {
    /// Its id on the chain.
    pub transaction: TransactionId,
    /// `payment`, `freeing` or `receipt`.
    pub kind: &'static str,
    /// `signed`, `broadcast`, `final` or `dead`.
    pub state: &'static str,
    /// The slot it takes.
    pub slot: String,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// How often its bytes were handed to nodes.
    pub broadcasts: i64,
    /// The last word of the chain.
    pub standing: String,
    /// Whether a proof of its death is kept, or an operator's word for it.
    pub has_death_proof: bool,
    /// Whether it came from the journal.
    pub is_imported: bool,
    /// When it is looked at next.
    pub next_at: Option<Timestamp>,
}

/// A payout with its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutShown {
    /// The payout.
    pub payout: PayoutView,
    /// Its transactions, in the order of their making.
    pub attempts: Vec<AttemptView>,
}

impl PayoutShown {
    /// The transaction that has paid it, or that may; `None` = none is alive.
    #[must_use]
    pub fn paying(&self) -> Option<&AttemptView> {
        let payments = || self.attempts.iter().filter(|attempt| attempt.kind == "payment");
        let alive = || payments().rfind(|attempt| attempt.state != "dead");
        payments().find(|attempt| attempt.state == "final").or_else(alive)
    }
}

/// Which payouts a page shows; nothing given = all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayoutFilter {
    /// Of this desk.
    pub desk: Option<String>,
    /// Of this wallet.
    pub wallet: Option<KeyId>,
    /// In this state.
    pub state: Option<IntentState>,
}

impl Payouts {
    /// One payout by the id that the public sees.
    pub fn show(&self, tx: &mut Tx<'_>, id: Uuid) -> Result<Option<PayoutShown>, StoreError> {
        let row = intents::by_public_id(tx, id)?;
        row.map(|row| shown(tx, row)).transpose()
    }

    /// One payout by its desk and the caller's name for it.
    pub fn find(
        &self,
        tx: &mut Tx<'_>,
        desk: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<PayoutShown>, StoreError> {
        let row = intents::by_key(tx, &[(desk, key.as_str())])?.into_iter().next();
        row.map(|row| shown(tx, row)).transpose()
    }

    /// One payout by its number.
    pub fn payout(&self, tx: &mut Tx<'_>, id: IntentId) -> Result<Option<PayoutShown>, StoreError> {
        let row = intents::by_id(tx, id)?;
        row.map(|row| shown(tx, row)).transpose()
    }

    /// Up to `limit` (at most 200) payouts, newest first, before the one numbered `before`.
    pub fn list(
        &self,
        tx: &mut Tx<'_>,
        filter: &PayoutFilter,
        before: Option<IntentId>,
        limit: i64,
    ) -> Result<Vec<PayoutView>, StoreError> {
        let before = before.unwrap_or(IntentId(i64::MAX));
        let rows = intents::page(tx, filter, before, limit.clamp(1, PAGE_MAX))?;
        Ok(rows.into_iter().map(view).collect())
    }
}

pub(crate) fn shown(tx: &mut Tx<'_>, row: IntentRow) -> Result<PayoutShown, StoreError> {
    let attempts = attempts::of_intent(tx, row.id)?;
    Ok(as_stored(row, attempts))
}

/// An intent with all its attempts.
pub(crate) fn as_stored(row: IntentRow, attempts: Vec<AttemptRow>) -> PayoutShown {
    PayoutShown { payout: view(row), attempts: attempts.into_iter().map(attempt).collect() }
}

/// An intent for which nothing was signed yet.
pub(crate) fn just_accepted(row: IntentRow) -> PayoutShown {
    as_stored(row, Vec::new())
}

fn view(row: IntentRow) -> PayoutView {
    PayoutView {
        id: row.id,
        public_id: row.public_id,
        desk: row.desk,
        wallet: row.wallet,
        destination: row.destination,
        amount: row.amount,
        asset: row.asset,
        reference: row.reference,
        reason: row.reason,
        key: row.key,
        request_hash: hex::encode(row.request_hash),
        state: row.state,
        why: row.why,
        is_stuck: row.stuck_at.is_some(),
        was_held: row.hold.is_some(),
        attempts: row.attempts,
        created_at: row.created_at,
        next_at: row.next_at,
        broadcast_at: row.broadcast_at,
        changed_at: row.changed_at,
        ended_at: row.ended_at,
    }
}

fn attempt(row: AttemptRow) -> AttemptView {
    let state = match row.state {
        AttemptState::Signed => "signed",
        AttemptState::Broadcast => "broadcast",
        AttemptState::Final => "final",
        AttemptState::Dead => "dead",
    };
    AttemptView {
        transaction: row.transaction.id,
        kind: row.kind.name(),
        state,
        slot: row.transaction.slot.to_string(),
        signed_at: row.signed_at,
        broadcasts: row.broadcasts,
        standing: row.standing,
        has_death_proof: row.death_proof.is_some(),
        is_imported: row.is_imported,
        next_at: row.next_at,
    }
}
