//! Payouts as the desk shows them; each follows its intent in the payouts room.

use std::sync::LazyLock;

use bursar_store::Column::{Bool, Int, Text, Time};
use bursar_store::{Bulk, EngineKind, Lock, Lookup, Param, Row, StoreError, Timestamp, Tx};

use super::number::{ban, large, small, stored, word};
use crate::rules::ban::BanE8;
use crate::rules::caps::CountedPayout;
use crate::rules::payout_state::PayoutState;

/// A stored payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// Its id.
    pub id: i64,
    /// Whom it pays.
    pub user_id: i64,
    /// In which mode it was made; a dry-run payout moves no money and has no intent.
    pub dry_run: bool,
    /// Where to, as linked when it was made.
    pub address: String,
    /// The kills it pays.
    pub kills: u64,
    /// How much.
    pub amount: BanE8,
    /// Its transaction, once one is signed.
    pub tx_hash: Option<String>,
    /// How far it is.
    pub state: PayoutState,
    /// What holds it or ended it, for administrators.
    pub error_detail: Option<String>,
    /// Hash of the accruals it pays.
    pub idempotency_key: String,
    /// Its intent in the payouts room.
    pub intent: Option<i64>,
    /// Attempts so far, starting at 1.
    pub attempt_count: u32,
    /// When the first attempt began.
    pub first_attempt_at: Option<Timestamp>,
    /// When the newest attempt began.
    pub last_attempt_at: Option<Timestamp>,
    /// When it is tried again.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, user_id, dry_run, address, kills, amount_e8, tx_hash, status, error_detail, \
                       idempotency_key, intent, attempt_count, first_attempt_at, last_attempt_at, \
                       next_attempt_at, created_at";

static INSERT: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("user_id", Int),
        ("dry_run", Bool),
        ("address", Text),
        ("kills", Int),
        ("amount_e8", Int),
        ("tx_hash", Text),
        ("status", Text),
        ("error_detail", Text),
        ("idempotency_key", Text),
        ("intent", Int),
        ("attempt_count", Int),
        ("first_attempt_at", Time),
        ("last_attempt_at", Time),
        ("next_attempt_at", Time),
        ("created_at", Time),
        ("updated_at", Time),
    ];
    Bulk::insert("faucet_payout", &columns)
});
static UPDATE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("tx_hash", Text),
        ("status", Text),
        ("error_detail", Text),
        ("intent", Int),
        ("attempt_count", Int),
        ("first_attempt_at", Time),
        ("last_attempt_at", Time),
        ("next_attempt_at", Time),
        ("updated_at", Time),
    ];
    Bulk::update("faucet_payout", 1, &columns)
});
static BY_ID: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "faucet_payout", &[("id", Int)], Lock::Update));
static BY_ID_UNLOCKED: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "faucet_payout", &[("id", Int)], Lock::None));

impl Payout {
    /// The payouts of these ids, locked until the transaction ends.
    pub fn load(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<Payout>, StoreError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let keys: Vec<Param<'_>> = ids.iter().map(|id| Param::Int(*id)).collect();
        tx.lookup(&BY_ID, &keys, read)
    }

    /// The payouts of these ids as they were a moment ago.
    pub fn peek(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<Payout>, StoreError> {
        let keys: Vec<Param<'_>> = ids.iter().map(|id| Param::Int(*id)).collect();
        tx.lookup(&BY_ID_UNLOCKED, &keys, read)
    }

    /// Whether a payout has this transaction.
    pub fn is_recorded(tx: &mut Tx<'_>, transaction: &str) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM faucet_payout WHERE tx_hash = $1";
        Ok(tx.query_first(sql, &[transaction.into()], |row| row.get::<i64>(0))?.is_some())
    }

    /// Payouts made at `since` or later by these players, failed ones included.
    pub fn of_users_since(
        tx: &mut Tx<'_>,
        users: &[i64],
        dry_run: bool,
        since: Timestamp,
    ) -> Result<Vec<Payout>, StoreError> {
        let sql = match tx.engine() {
            EngineKind::Sqlite => {
                "SELECT p.id, p.user_id, p.dry_run, p.address, p.kills, p.amount_e8, p.tx_hash, p.status, \
                   p.error_detail, p.idempotency_key, p.intent, p.attempt_count, p.first_attempt_at, \
                   p.last_attempt_at, p.next_attempt_at, p.created_at \
                 FROM json_each($1) AS wanted CROSS JOIN faucet_payout p \
                 WHERE p.user_id = wanted.value AND p.created_at >= $2 AND p.dry_run = $3"
            }
            EngineKind::Postgres => {
                "SELECT p.id, p.user_id, p.dry_run, p.address, p.kills, p.amount_e8, p.tx_hash, p.status, \
                   p.error_detail, p.idempotency_key, p.intent, p.attempt_count, p.first_attempt_at, \
                   p.last_attempt_at, p.next_attempt_at, p.created_at \
                 FROM jsonb_array_elements_text($1) AS wanted(id) \
                 JOIN faucet_payout p ON p.user_id = CAST(wanted.id AS BIGINT) \
                 WHERE p.created_at >= $2 AND p.dry_run = $3"
            }
        };
        let ids = serde_json::to_string(users).map_err(|error| StoreError::Decode(error.to_string()))?;
        tx.query(sql, &[Param::Json(&ids), since.into(), dry_run.into()], read)
    }

    /// Up to `limit` live payouts of eligible players that are held for this reason, oldest first.
    pub fn held(tx: &mut Tx<'_>, why: &str, limit: i64) -> Result<Vec<Payout>, StoreError> {
        let sql = "SELECT p.id, p.user_id, p.dry_run, p.address, p.kills, p.amount_e8, p.tx_hash, p.status, \
                     p.error_detail, p.idempotency_key, p.intent, p.attempt_count, p.first_attempt_at, \
                     p.last_attempt_at, p.next_attempt_at, p.created_at \
                   FROM faucet_payout p JOIN faucet_user u ON u.id = p.user_id \
                   WHERE p.status = 'held' AND p.error_detail = $1 AND NOT p.dry_run AND u.eligibility = 'eligible' \
                   ORDER BY p.id LIMIT $2";
        tx.query(sql, &[why.into(), limit.into()], read)
    }

    /// Up to `limit` live payouts that wait to be signed and whose players may not be paid, oldest first.
    pub fn of_ineligible(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Payout>, StoreError> {
        let sql = "SELECT p.id, p.user_id, p.dry_run, p.address, p.kills, p.amount_e8, p.tx_hash, p.status, \
                     p.error_detail, p.idempotency_key, p.intent, p.attempt_count, p.first_attempt_at, \
                     p.last_attempt_at, p.next_attempt_at, p.created_at \
                   FROM faucet_payout p JOIN faucet_user u ON u.id = p.user_id \
                   WHERE p.status = 'created' AND NOT p.dry_run AND u.eligibility <> 'eligible' \
                   ORDER BY p.id LIMIT $1";
        tx.query(sql, &[limit.into()], read)
    }

    /// Up to `limit` live payouts of erased players of which nothing is signed, oldest first.
    pub fn of_erased(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Payout>, StoreError> {
        let sql = "SELECT p.id, p.user_id, p.dry_run, p.address, p.kills, p.amount_e8, p.tx_hash, p.status, \
                     p.error_detail, p.idempotency_key, p.intent, p.attempt_count, p.first_attempt_at, \
                     p.last_attempt_at, p.next_attempt_at, p.created_at \
                   FROM faucet_payout p JOIN faucet_user u ON u.id = p.user_id \
                   WHERE p.status IN ('created', 'held') AND NOT p.dry_run AND u.erased_at IS NOT NULL \
                   ORDER BY p.id LIMIT $1";
        tx.query(sql, &[limit.into()], read)
    }

    /// Live payouts of a player that have not ended.
    pub fn under_way(tx: &mut Tx<'_>, user: i64) -> Result<Vec<Payout>, StoreError> {
        let sql = "SELECT id, user_id, dry_run, address, kills, amount_e8, tx_hash, status, error_detail, \
                     idempotency_key, intent, attempt_count, first_attempt_at, last_attempt_at, next_attempt_at, \
                     created_at FROM faucet_payout \
                   WHERE user_id = $1 AND NOT dry_run AND status IN ('created', 'held', 'signed', 'published') \
                   ORDER BY id";
        tx.query(sql, &[user.into()], read)
    }

    /// What live payouts sent at `since` or later.
    pub fn sent_since(tx: &mut Tx<'_>, since: Timestamp) -> Result<BanE8, StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(amount_e8), 0) AS BIGINT) FROM faucet_payout \
                   WHERE status = $1 AND last_attempt_at >= $2 AND NOT dry_run";
        let params = [PayoutState::Confirmed.word().into(), since.into()];
        tx.query_first(sql, &params, |row| row.get::<i64>(0))?.map_or(Ok(BanE8::ZERO), ban)
    }

    /// What the caps see of it.
    #[must_use]
    pub fn counted(&self) -> CountedPayout {
        CountedPayout {
            created_at: self.created_at,
            kills: self.kills,
            state: self.state,
            dry_run: self.dry_run,
        }
    }

    /// Writes new payouts.
    pub fn insert(tx: &mut Tx<'_>, payouts: &[Payout], now: Timestamp) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(payouts.len() * 17);
        for payout in payouts {
            rows.extend_from_slice(&[payout.id.into(), payout.user_id.into(), payout.dry_run.into()]);
            rows.extend_from_slice(&[
                Param::Text(&payout.address),
                stored(payout.kills)?.into(),
                payout.amount.e8().into(),
            ]);
            rows.extend_from_slice(&[payout.tx_hash.as_deref().into(), payout.state.word().into()]);
            rows.extend_from_slice(&[
                payout.error_detail.as_deref().into(),
                Param::Text(&payout.idempotency_key),
            ]);
            payout.push_progress(&mut rows);
            rows.extend_from_slice(&[payout.created_at.into(), now.into()]);
        }
        tx.execute_many(&INSERT, &rows).map(|_| ())
    }

    /// Writes how far payouts are.
    pub fn update(tx: &mut Tx<'_>, payouts: &[Payout], now: Timestamp) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(payouts.len() * 10);
        for payout in payouts {
            rows.extend_from_slice(&[
                payout.id.into(),
                payout.tx_hash.as_deref().into(),
                payout.state.word().into(),
            ]);
            rows.push(payout.error_detail.as_deref().into());
            payout.push_progress(&mut rows);
            rows.push(now.into());
        }
        tx.execute_many(&UPDATE, &rows).map(|_| ())
    }

    fn push_progress(&self, rows: &mut Vec<Param<'_>>) {
        rows.extend_from_slice(&[self.intent.into(), i64::from(self.attempt_count).into()]);
        rows.extend([self.first_attempt_at, self.last_attempt_at, self.next_attempt_at].map(Param::from));
    }
}

fn read(row: &Row<'_>) -> Result<Payout, StoreError> {
    Ok(Payout {
        id: row.get(0)?,
        user_id: row.get(1)?,
        dry_run: row.get(2)?,
        address: row.get(3)?,
        kills: large(row.get(4)?)?,
        amount: ban(row.get(5)?)?,
        tx_hash: row.get(6)?,
        state: word(&row.get::<String>(7)?, PayoutState::from_word)?,
        error_detail: row.get(8)?,
        idempotency_key: row.get(9)?,
        intent: row.get(10)?,
        attempt_count: small(row.get(11)?)?,
        first_attempt_at: row.get(12)?,
        last_attempt_at: row.get(13)?,
        next_attempt_at: row.get(14)?,
        created_at: row.get(15)?,
    })
}
