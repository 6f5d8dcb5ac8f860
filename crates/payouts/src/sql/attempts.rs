//! Rows of attempts.

use std::sync::LazyLock;

use bursar_chain::{Attempt, Slot, TransactionId};
use bursar_keys::KeyId;
use bursar_store::Column::Int;
use bursar_store::{Lock, Lookup, Param, Row, Sequence, StoreError, Timestamp, Tx};

use super::key_of;
use crate::IntentId;
use crate::life::{AttemptKind, AttemptState};

/// Numbers of attempts.
pub(crate) const ATTEMPTS: Sequence = Sequence("payout_attempt");

macro_rules! columns {
    () => {
        "id, intent, wallet, number, kind, transaction_id, slot, bytes, fee_max, state, imported, signed_at, \
         first_broadcast_at, broadcasts, next_at, standing, evidence, death_proof, changed_at"
    };
}

static BY_INTENT: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(columns!(), "payout_attempt", &[("intent", Int)], Lock::None));

/// An attempt as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttemptRow {
    /// 0 until it is stored.
    pub id: i64,
    pub intent: Option<IntentId>,
    pub wallet: KeyId,
    pub number: i64,
    pub kind: AttemptKind,
    pub transaction: Attempt,
    pub state: AttemptState,
    pub is_imported: bool,
    pub signed_at: Timestamp,
    pub first_broadcast_at: Option<Timestamp>,
    pub broadcasts: i64,
    pub next_at: Option<Timestamp>,
    pub standing: String,
    pub evidence: Option<Vec<u8>>,
    pub death_proof: Option<Vec<u8>>,
    pub changed_at: Timestamp,
}

/// The attempts of an intent, in the order of their making.
pub(crate) fn of_intent(tx: &mut Tx<'_>, intent: IntentId) -> Result<Vec<AttemptRow>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " FROM payout_attempt WHERE intent = $1 ORDER BY number");
    tx.query(sql, &[intent.0.into()], read)
}

/// The attempts of these intents, each intent's in the order of their making.
pub(crate) fn of_intents(tx: &mut Tx<'_>, intents: &[IntentId]) -> Result<Vec<AttemptRow>, StoreError> {
    let keys: Vec<Param<'_>> = intents.iter().map(|intent| Param::Int(intent.0)).collect();
    let mut found = tx.lookup(&BY_INTENT, &keys, read)?;
    found.sort_by_key(|row| row.number);
    Ok(found)
}

/// The attempts of a wallet that are not over, oldest first.
pub(crate) fn open(tx: &mut Tx<'_>, wallet: &KeyId) -> Result<Vec<AttemptRow>, StoreError> {
    let sql =
        concat!("SELECT ", columns!(), " FROM payout_attempt WHERE wallet = $1 AND state < 2 ORDER BY id");
    tx.query(sql, &[wallet.as_str().into()], read)
}

/// One attempt.
pub(crate) fn by_id(tx: &mut Tx<'_>, id: i64) -> Result<Option<AttemptRow>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " FROM payout_attempt WHERE id = $1");
    tx.query_first(sql, &[id.into()], read)
}

/// The attempt that is this transaction.
pub(crate) fn by_transaction(tx: &mut Tx<'_>, id: &TransactionId) -> Result<Option<AttemptRow>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " FROM payout_attempt WHERE transaction_id = $1");
    tx.query_first(sql, &[id.as_str().into()], read)
}

/// Whether anything was ever signed for a wallet that the records know.
pub(crate) fn was_any_signed(tx: &mut Tx<'_>, wallet: &KeyId) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM payout_attempt WHERE wallet = $1 LIMIT 1";
    Ok(tx.query_first(sql, &[wallet.as_str().into()], |row| row.get::<i64>(0))?.is_some())
}

/// The transaction that a slot was signed for, if it ever was.
pub(crate) fn of_slot(tx: &mut Tx<'_>, wallet: &KeyId, slot: &Slot) -> Result<Option<String>, StoreError> {
    let sql = "SELECT transaction_id FROM payout_attempt WHERE wallet = $1 AND slot = $2 AND kind <> 1 AND imported = 0";
    let found = tx.query_first(sql, &[wallet.as_str().into(), slot.as_str().into()], |row| row.get(0))?;
    if found.is_some() {
        return Ok(found);
    }
    // What came from the journal, and what freed a slot, took it as well.
    let sql = "SELECT transaction_id FROM payout_attempt WHERE wallet = $1 AND slot = $2";
    tx.query_first(sql, &[wallet.as_str().into(), slot.as_str().into()], |row| row.get(0))
}

/// Adds an attempt and gives it its number.
pub(crate) fn insert(tx: &mut Tx<'_>, attempt: &mut AttemptRow) -> Result<(), StoreError> {
    attempt.id = tx.allocate(ATTEMPTS, 1)?;
    let sql = "INSERT INTO payout_attempt (id, intent, wallet, number, kind, transaction_id, slot, bytes, fee_max, \
               state, imported, signed_at, first_broadcast_at, broadcasts, next_at, standing, evidence, death_proof, \
               changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    let params = [
        Param::Int(attempt.id),
        attempt.intent.map_or(Param::Null, |intent| Param::Int(intent.0)),
        Param::Text(attempt.wallet.as_str()),
        Param::Int(attempt.number),
        Param::Int(kind_code(attempt.kind)),
        Param::Text(attempt.transaction.id.as_str()),
        Param::Text(attempt.transaction.slot.as_str()),
        Param::Bytes(&attempt.transaction.bytes),
        Param::Amount(attempt.transaction.fee_max),
        Param::Int(state_code(attempt.state)),
        Param::Int(i64::from(attempt.is_imported)),
        Param::Time(attempt.signed_at),
        attempt.first_broadcast_at.into(),
        Param::Int(attempt.broadcasts),
        attempt.next_at.into(),
        Param::Text(&attempt.standing),
        attempt.evidence.as_deref().into(),
        attempt.death_proof.as_deref().into(),
        Param::Time(attempt.changed_at),
    ];
    tx.execute(sql, &params).map(|_| ())
}

/// Stores what changes in an attempt's life; id, slot and bytes never do.
pub(crate) fn update(tx: &mut Tx<'_>, attempt: &AttemptRow) -> Result<(), StoreError> {
    let sql = "UPDATE payout_attempt SET state = $2, first_broadcast_at = $3, broadcasts = $4, next_at = $5, \
               standing = $6, evidence = $7, death_proof = $8, changed_at = $9 WHERE id = $1";
    let params = [
        Param::Int(attempt.id),
        Param::Int(state_code(attempt.state)),
        attempt.first_broadcast_at.into(),
        Param::Int(attempt.broadcasts),
        attempt.next_at.into(),
        Param::Text(&attempt.standing),
        attempt.evidence.as_deref().into(),
        attempt.death_proof.as_deref().into(),
        Param::Time(attempt.changed_at),
    ];
    tx.execute(sql, &params).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<AttemptRow, StoreError> {
    Ok(AttemptRow {
        id: row.get(0)?,
        intent: row.get::<Option<i64>>(1)?.map(IntentId),
        wallet: key_of(&row.get::<String>(2)?)?,
        number: row.get(3)?,
        kind: kind_of(row.get(4)?)?,
        transaction: Attempt {
            id: TransactionId::from_canonical(row.get(5)?),
            slot: Slot::from_canonical(row.get(6)?),
            bytes: row.get(7)?,
            fee_max: row.get(8)?,
        },
        state: state_of(row.get(9)?)?,
        is_imported: row.get::<i64>(10)? != 0,
        signed_at: row.get(11)?,
        first_broadcast_at: row.get(12)?,
        broadcasts: row.get(13)?,
        next_at: row.get(14)?,
        standing: row.get(15)?,
        evidence: row.get(16)?,
        death_proof: row.get(17)?,
        changed_at: row.get(18)?,
    })
}

const fn kind_code(kind: AttemptKind) -> i64 {
    match kind {
        AttemptKind::Payment => 0,
        AttemptKind::Freeing => 1,
        AttemptKind::Receipt => 2,
    }
}

fn kind_of(code: i64) -> Result<AttemptKind, StoreError> {
    match code {
        0 => Ok(AttemptKind::Payment),
        1 => Ok(AttemptKind::Freeing),
        2 => Ok(AttemptKind::Receipt),
        other => Err(StoreError::Decode(format!("attempt kind {other}"))),
    }
}

const fn state_code(state: AttemptState) -> i64 {
    match state {
        AttemptState::Signed => 0,
        AttemptState::Broadcast => 1,
        AttemptState::Final => 2,
        AttemptState::Dead => 3,
    }
}

fn state_of(code: i64) -> Result<AttemptState, StoreError> {
    match code {
        0 => Ok(AttemptState::Signed),
        1 => Ok(AttemptState::Broadcast),
        2 => Ok(AttemptState::Final),
        3 => Ok(AttemptState::Dead),
        other => Err(StoreError::Decode(format!("attempt state {other}"))),
    }
}
