//! Rows of intents.

use std::sync::LazyLock;

use bursar_chain::Address;
use bursar_keys::KeyId;
use bursar_ledger::HoldId;
use bursar_money::{Amount, Asset};
use bursar_store::Column::{Amount as AmountColumn, Bytes, Int, Text, Time, Uuid as UuidColumn};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, Sequence, StoreError, Timestamp, Tx};
use uuid::Uuid;

use super::{asset_of, key_of};
use crate::life::Wish;
use crate::{IntentId, IntentState, OutsideFilter, PayoutFilter};

/// Numbers of intents.
pub(crate) const INTENTS: Sequence = Sequence("payout_intent");

macro_rules! columns {
    () => {
        "id, public_id, desk, wallet, destination, amount, asset, reference, reason, idempotency_key, request_hash, \
         state, why, wish, hold, attempts, created_at, next_at, broadcast_at, stuck_at, \
         changed_at, ended_at"
    };
}

static BY_KEY: LazyLock<Lookup> = LazyLock::new(|| {
    Lookup::new(columns!(), "payout_intent", &[("desk", Text), ("idempotency_key", Text)], Lock::None)
});
static BY_ID_LOCKED: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(columns!(), "payout_intent", &[("id", Int)], Lock::Update));
static BY_ID: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(columns!(), "payout_intent", &[("id", Int)], Lock::None));
static INSERT: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("public_id", UuidColumn),
        ("desk", Text),
        ("wallet", Text),
        ("destination", Text),
        ("amount", AmountColumn),
        ("asset", Int),
        ("reference", Int),
        ("reason", Text),
        ("idempotency_key", Text),
        ("request_hash", Bytes),
        ("state", Int),
        ("why", Text),
        ("wish", Int),
        ("hold", Int),
        ("attempts", Int),
        ("created_at", Time),
        ("next_at", Time),
        ("broadcast_at", Time),
        ("stuck_at", Time),
        ("changed_at", Time),
        ("ended_at", Time),
    ];
    Bulk::insert("payout_intent", &columns)
});

/// An intent as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IntentRow {
    pub id: IntentId,
    pub public_id: Uuid,
    pub desk: String,
    pub wallet: KeyId,
    pub destination: Address,
    pub amount: Amount,
    pub asset: Asset,
    pub reference: i64,
    pub reason: String,
    pub key: String,
    pub request_hash: Vec<u8>,
    pub state: IntentState,
    pub why: String,
    pub wish: Wish,
    pub hold: Option<HoldId>,
    pub attempts: i64,
    pub created_at: Timestamp,
    pub next_at: Option<Timestamp>,
    pub broadcast_at: Option<Timestamp>,
    pub stuck_at: Option<Timestamp>,
    pub changed_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// Intents by desk and key.
pub(crate) fn by_key(tx: &mut Tx<'_>, keys: &[(&str, &str)]) -> Result<Vec<IntentRow>, StoreError> {
    let keys: Vec<Param<'_>> =
        keys.iter().flat_map(|(desk, key)| [Param::Text(desk), Param::Text(key)]).collect();
    tx.lookup(&BY_KEY, &keys, read)
}

/// One intent, locked until the transaction ends.
pub(crate) fn locked(tx: &mut Tx<'_>, id: IntentId) -> Result<Option<IntentRow>, StoreError> {
    Ok(tx.lookup(&BY_ID_LOCKED, &[Param::Int(id.0)], read)?.into_iter().next())
}

/// One intent as it stands.
pub(crate) fn by_id(tx: &mut Tx<'_>, id: IntentId) -> Result<Option<IntentRow>, StoreError> {
    Ok(tx.lookup(&BY_ID, &[Param::Int(id.0)], read)?.into_iter().next())
}

/// One intent by the id that the public sees, as it stands.
pub(crate) fn by_public_id(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<IntentRow>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " FROM payout_intent WHERE public_id = $1");
    tx.query_first(sql, &[id.into()], read)
}

/// The oldest accepted intent of a wallet that is due.
pub(crate) fn next_due(
    tx: &mut Tx<'_>,
    wallet: &KeyId,
    now: Timestamp,
) -> Result<Option<IntentRow>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM payout_intent WHERE state < 4 AND state = 0 AND wallet = $1 AND next_at <= $2 ORDER BY id LIMIT 1"
    );
    tx.query_first(sql, &[wallet.as_str().into(), now.into()], read)
}

/// When the next accepted intent of a wallet falls due.
pub(crate) fn next_at(tx: &mut Tx<'_>, wallet: &KeyId) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT next_at FROM payout_intent WHERE state < 4 AND state = 0 AND wallet = $1 AND next_at IS NOT NULL \
               ORDER BY next_at LIMIT 1";
    tx.query_first(sql, &[wallet.as_str().into()], |row| row.get(0))
}

/// How many intents are in a state that is not over, by desk.
pub(crate) fn count_by_desk(tx: &mut Tx<'_>, state: IntentState) -> Result<Vec<(String, i64)>, StoreError> {
    let sql =
        "SELECT desk, COUNT(*) FROM payout_intent WHERE state < 4 AND state = $1 GROUP BY desk ORDER BY desk";
    tx.query(sql, &[state.code().into()], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// How many intents under way take too long.
pub(crate) fn count_stuck(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM payout_intent WHERE state < 4 AND state >= 2 AND stuck_at IS NOT NULL";
    Ok(tx.query_first(sql, &[], |row| row.get(0))?.unwrap_or(0))
}

/// Intents that pass the filter, newest first, before one of them. Those that are not over have an index of their own.
pub(crate) fn page(
    tx: &mut Tx<'_>,
    filter: &PayoutFilter,
    before: IntentId,
    limit: i64,
) -> Result<Vec<IntentRow>, StoreError> {
    let (desk, wallet) =
        (filter.desk.as_deref().unwrap_or(""), filter.wallet.as_ref().map_or("", KeyId::as_str));
    let state = filter.state.map_or(-1, IntentState::code);
    let params =
        [before.0.into(), Param::Text(desk), Param::Text(wallet), Param::Int(state), Param::Int(limit)];
    let sql = match filter.state {
        Some(state) if !state.is_ended() => concat!(
            "SELECT ",
            columns!(),
            " FROM payout_intent WHERE state < 4 AND state = $4 AND id < $1 AND ($2 = '' OR desk = $2) \
             AND ($3 = '' OR wallet = $3) ORDER BY id DESC LIMIT $5"
        ),
        Some(_) | None => concat!(
            "SELECT ",
            columns!(),
            " FROM payout_intent WHERE id < $1 AND ($2 = '' OR desk = $2) AND ($3 = '' OR wallet = $3) \
             AND ($4 < 0 OR state = $4) ORDER BY id DESC LIMIT $5"
        ),
    };
    tx.query(sql, &params, read)
}

/// Intents of a wallet for which nothing was ever held, oldest first, after one of them.
pub(crate) fn without_hold(
    tx: &mut Tx<'_>,
    wallet: &KeyId,
    after: IntentId,
    limit: i64,
) -> Result<Vec<IntentRow>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM payout_intent WHERE hold IS NULL AND wallet = $1 AND id > $2 ORDER BY id LIMIT $3"
    );
    tx.query(sql, &[wallet.as_str().into(), after.0.into(), limit.into()], read)
}

/// The oldest intents of a wallet that were asked for from outside and wait.
pub(crate) fn outside_waiting(
    tx: &mut Tx<'_>,
    wallet: &KeyId,
    limit: i64,
) -> Result<Vec<IntentId>, StoreError> {
    let sql = "SELECT id FROM payout_intent WHERE state < 4 AND state = 0 AND wallet = $1 \
               AND idempotency_key >= 'api/' AND idempotency_key < 'api0' ORDER BY id LIMIT $2";
    tx.query(sql, &[wallet.as_str().into(), limit.into()], |row| Ok(IntentId(row.get(0)?)))
}

/// The oldest intents of a wallet that were asked for from outside and are held for anything but `reason`, and that does not
/// begin with `beginning`, in which no sign stands for others.
pub(crate) fn outside_held(
    tx: &mut Tx<'_>,
    wallet: &KeyId,
    reason: &str,
    beginning: &str,
    limit: i64,
) -> Result<Vec<IntentId>, StoreError> {
    let sql = "SELECT id FROM payout_intent WHERE state < 4 AND state = 1 AND wallet = $1 AND why <> $2 \
               AND why NOT LIKE $3 || '%' AND idempotency_key >= 'api/' AND idempotency_key < 'api0' ORDER BY id LIMIT $4";
    let params = [wallet.as_str().into(), Param::Text(reason), Param::Text(beginning), limit.into()];
    tx.query(sql, &params, |row| Ok(IntentId(row.get(0)?)))
}

/// Intents of a wallet for which something is held and a payment was signed, and that wait or are held, oldest first, after one.
pub(crate) fn signed_waiting(
    tx: &mut Tx<'_>,
    wallet: &KeyId,
    after: IntentId,
    limit: i64,
) -> Result<Vec<IntentRow>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM payout_intent WHERE state < 4 AND state IN (0, 1) AND wallet = $1 AND id > $2 AND attempts > 0 \
         AND hold IS NOT NULL ORDER BY id LIMIT $3"
    );
    tx.query(sql, &[wallet.as_str().into(), after.0.into(), limit.into()], read)
}

/// Whether an intent of the wallet is held.
pub(crate) fn is_any_held(tx: &mut Tx<'_>, wallet: &KeyId) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM payout_intent WHERE state < 4 AND state = 1 AND wallet = $1 LIMIT 1";
    Ok(tx.query_first(sql, &[wallet.as_str().into()], |row| row.get::<i64>(0))?.is_some())
}

/// Intents of one desk that were asked for from outside, newest first, before one of them. The literal bounds are those
/// of their index.
pub(crate) fn outside_page(
    tx: &mut Tx<'_>,
    filter: &OutsideFilter,
    before: IntentId,
    limit: i64,
) -> Result<Vec<IntentRow>, StoreError> {
    let wallet = filter.wallet.as_ref().map_or("", KeyId::as_str);
    let state = filter.state.map_or(-1, IntentState::code);
    let key = filter.key.as_ref().map_or("", |key| key.stored().as_str());
    let params = [
        before.0.into(),
        Param::Text(filter.desk),
        Param::Text(wallet),
        Param::Int(state),
        Param::Text(key),
        Param::Int(limit),
    ];
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM payout_intent WHERE idempotency_key >= 'api/' AND idempotency_key < 'api0' AND desk = $2 AND id < $1 \
         AND ($3 = '' OR wallet = $3) AND ($4 < 0 OR state = $4) AND ($5 = '' OR idempotency_key = $5) \
         ORDER BY id DESC LIMIT $6"
    );
    tx.query(sql, &params, read)
}

/// Adds intents.
pub(crate) fn insert(tx: &mut Tx<'_>, intents: &[IntentRow]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(intents.len() * 22);
    for intent in intents {
        rows.extend([Param::Int(intent.id.0), Param::Uuid(intent.public_id), Param::Text(&intent.desk)]);
        rows.extend([Param::Text(intent.wallet.as_str()), Param::Text(intent.destination.as_str())]);
        rows.extend([Param::Amount(intent.amount), Param::Int(intent.asset.code())]);
        rows.extend([Param::Int(intent.reference), Param::Text(&intent.reason), Param::Text(&intent.key)]);
        rows.extend([
            Param::Bytes(&intent.request_hash),
            Param::Int(intent.state.code()),
            Param::Text(&intent.why),
        ]);
        rows.extend([
            Param::Int(intent.wish.code()),
            intent.hold.map_or(Param::Null, |hold| Param::Int(hold.0)),
        ]);
        rows.extend([Param::Int(intent.attempts), Param::Time(intent.created_at), intent.next_at.into()]);
        rows.extend([
            intent.broadcast_at.into(),
            intent.stuck_at.into(),
            Param::Time(intent.changed_at),
            intent.ended_at.into(),
        ]);
    }
    tx.execute_many(&INSERT, &rows).map(|_| ())
}

/// Stores what changes in an intent's life.
pub(crate) fn update(tx: &mut Tx<'_>, intent: &IntentRow) -> Result<(), StoreError> {
    let sql = "UPDATE payout_intent SET state = $2, why = $3, wish = $4, attempts = $5, next_at = $6, \
               broadcast_at = $7, stuck_at = $8, changed_at = $9, ended_at = $10 WHERE id = $1";
    let params = [
        Param::Int(intent.id.0),
        Param::Int(intent.state.code()),
        Param::Text(&intent.why),
        Param::Int(intent.wish.code()),
        Param::Int(intent.attempts),
        intent.next_at.into(),
        intent.broadcast_at.into(),
        intent.stuck_at.into(),
        Param::Time(intent.changed_at),
        intent.ended_at.into(),
    ];
    tx.execute(sql, &params).map(|_| ())
}

/// Stores which row of its desk's an intent without a hold is for.
pub(crate) fn refer(tx: &mut Tx<'_>, intent: IntentId, reference: i64) -> Result<(), StoreError> {
    let sql = "UPDATE payout_intent SET reference = $2 WHERE id = $1 AND hold IS NULL";
    tx.execute(sql, &[intent.0.into(), reference.into()]).map(|_| ())
}

pub(crate) fn read(row: &Row<'_>) -> Result<IntentRow, StoreError> {
    Ok(IntentRow {
        id: IntentId(row.get(0)?),
        public_id: row.get(1)?,
        desk: row.get(2)?,
        wallet: key_of(&row.get::<String>(3)?)?,
        destination: Address::from_canonical(row.get(4)?),
        amount: row.get(5)?,
        asset: asset_of(row.get(6)?)?,
        reference: row.get(7)?,
        reason: row.get(8)?,
        key: row.get(9)?,
        request_hash: row.get(10)?,
        state: IntentState::from_code(row.get(11)?)?,
        why: row.get(12)?,
        wish: Wish::from_code(row.get(13)?)?,
        hold: row.get::<Option<i64>>(14)?.map(HoldId),
        attempts: row.get(15)?,
        created_at: row.get(16)?,
        next_at: row.get(17)?,
        broadcast_at: row.get(18)?,
        stuck_at: row.get(19)?,
        changed_at: row.get(20)?,
        ended_at: row.get(21)?,
    })
}
