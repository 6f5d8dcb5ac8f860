//! A round's pool: what is staked on each side and where the money stands in the ledger.

use std::sync::LazyLock;

use bursar_ledger::AccountId;
use bursar_store::Column::{Int, Text};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, StoreError, Timestamp, Tx};

use crate::canary::CanaryPool;
use crate::stake::{Side, StakeCounts};
use crate::timing::Round;

/// How far the settlement of a round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolState {
    /// Not settled; whether joins are accepted is a matter of time.
    Unsealed,
    /// The plan is frozen and is being paid out.
    Settling,
    /// Everything is paid out.
    Settled,
}

impl PoolState {
    /// The number in storage.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            PoolState::Unsealed => 0,
            PoolState::Settling => 1,
            PoolState::Settled => 2,
        }
    }

    fn from_code(code: i64) -> Result<PoolState, StoreError> {
        match code {
            0 => Ok(PoolState::Unsealed),
            1 => Ok(PoolState::Settling),
            2 => Ok(PoolState::Settled),
            other => Err(StoreError::Decode(format!("pool state {other}"))),
        }
    }
}

/// The stored pool of a round.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Which round.
    pub round: Round,
    /// How far it is.
    pub state: PoolState,
    /// Stakes on each side.
    pub stakes: StakeCounts,
    /// Distinct wallets.
    pub players: i64,
    /// Entries.
    pub entries: i64,
    /// The ledger account of each side: up, down.
    pub accounts: [AccountId; 2],
    /// The newest entry of each side: up, down.
    pub last_entries: [Option<i64>; 2],
}

/// What the pool route answers (docs/spec/rounds.md 4.2).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolStats {
    /// The id that was asked for.
    pub round_id: String,
    /// Market key; empty for a round without entries.
    pub market: String,
    /// Both sides, whole bucks.
    pub total_bucks: i64,
    /// UP, whole bucks.
    pub up_bucks: i64,
    /// DOWN, whole bucks.
    pub down_bucks: i64,
    /// Distinct wallets.
    pub players: i64,
    /// Entries.
    pub entries: i64,
    /// The part of all these that canaries made.
    pub canary: CanaryPool,
}

/// The figures of a round by its public id; zeros when nobody has joined it.
pub fn stats(tx: &mut Tx<'_>, round_id: &str) -> Result<PoolStats, StoreError> {
    let pool = match Round::from_id(round_id) {
        Some(round) => Pool::find(tx, round)?,
        None => None,
    };
    let canary = match &pool {
        Some(pool) => CanaryPool::of(tx, pool.round)?,
        None => CanaryPool::default(),
    };
    let bucks = |side| pool.as_ref().map_or(0, |pool| pool.stakes.bucks(side));
    let (up_bucks, down_bucks) = (bucks(Side::Up), bucks(Side::Down));
    Ok(PoolStats {
        round_id: round_id.to_owned(),
        market: pool.as_ref().map_or_else(String::new, |pool| pool.round.market().key().to_owned()),
        total_bucks: up_bucks + down_bucks,
        up_bucks,
        down_bucks,
        players: pool.as_ref().map_or(0, |pool| pool.players),
        entries: pool.as_ref().map_or(0, |pool| pool.entries),
        canary,
    })
}

const COLUMNS: &str = "round_key, state, stakes, players, entries, up_account, down_account, up_last_entry, \
                       down_last_entry";

static BY_KEY: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "rounds_pool", &[("round_key", Int)], Lock::Update));
static SAVE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("round_key", Int),
        ("round_id", Text),
        ("state", Int),
        ("stakes", Text),
        ("players", Int),
        ("entries", Int),
        ("up_account", Int),
        ("down_account", Int),
        ("up_last_entry", Int),
        ("down_last_entry", Int),
    ];
    Bulk::upsert("rounds_pool", &columns, "round_key")
});

impl Pool {
    /// The ledger account of one side.
    #[must_use]
    pub fn account(&self, side: Side) -> AccountId {
        match side {
            Side::Up => self.accounts[0],
            Side::Down => self.accounts[1],
        }
    }

    /// The newest entry of one side.
    #[must_use]
    pub fn last_entry(&self, side: Side) -> Option<i64> {
        match side {
            Side::Up => self.last_entries[0],
            Side::Down => self.last_entries[1],
        }
    }

    /// The path of a side's ledger account.
    #[must_use]
    pub fn account_path(round: Round, side: Side) -> String {
        let side = match side {
            Side::Up => "up",
            Side::Down => "down",
        };
        format!("rounds/pool/{}/{side}", round.id())
    }

    /// Loads and locks pools; those without entries are absent.
    pub fn load(tx: &mut Tx<'_>, keys: &[i64]) -> Result<Vec<Pool>, StoreError> {
        let keys: Vec<Param<'_>> = keys.iter().map(|key| Param::Int(*key)).collect();
        tx.lookup(&BY_KEY, &keys, read_pool)
    }

    /// Writes pools as they are now.
    pub fn save(tx: &mut Tx<'_>, pools: &[&Pool]) -> Result<(), StoreError> {
        let texts = pools
            .iter()
            .map(|pool| Ok((pool.round.id(), pool.stakes.to_text()?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let mut rows = Vec::with_capacity(pools.len() * 10);
        for (pool, (id, stakes)) in pools.iter().zip(&texts) {
            rows.extend([Param::Int(pool.round.key()), Param::Text(id), Param::Int(pool.state.code())]);
            rows.extend([Param::Text(stakes), Param::Int(pool.players), Param::Int(pool.entries)]);
            rows.extend(pool.accounts.map(|account| Param::Int(account.0)));
            rows.extend(pool.last_entries.map(Param::from));
        }
        tx.execute_many(&SAVE, &rows).map(|_| ())
    }

    /// Up to `limit` rounds that have ended and are not settled, oldest first; those that wait for a price are left out.
    pub fn due(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<Vec<Pool>, StoreError> {
        let sql = "SELECT p.round_key, p.state, p.stakes, p.players, p.entries, p.up_account, p.down_account, \
                   p.up_last_entry, p.down_last_entry FROM rounds_pool p \
                   LEFT JOIN rounds_price_retry r ON r.round_key = p.round_key \
                   WHERE p.state < 2 AND p.round_key <= $1 AND (r.next_at IS NULL OR r.next_at <= $2) \
                   ORDER BY p.round_key LIMIT $3";
        tx.query(sql, &[Round::last_due_key(now).into(), now.into(), limit.into()], read_pool)
    }

    /// The pools of rounds that start at `start_ms` or later, without a lock, in the order of their keys.
    pub fn starting_from(tx: &mut Tx<'_>, start_ms: i64) -> Result<Vec<Pool>, StoreError> {
        let sql = "SELECT round_key, state, stakes, players, entries, up_account, down_account, up_last_entry, \
                   down_last_entry FROM rounds_pool WHERE round_key >= $1 ORDER BY round_key";
        tx.query(sql, &[Round::first_key_at(start_ms).into()], read_pool)
    }

    /// One pool without a lock, for reads.
    pub fn find(tx: &mut Tx<'_>, round: Round) -> Result<Option<Pool>, StoreError> {
        let sql = "SELECT round_key, state, stakes, players, entries, up_account, down_account, up_last_entry, \
                   down_last_entry FROM rounds_pool WHERE round_key = $1";
        tx.query_first(sql, &[round.key().into()], read_pool)
    }
}

fn read_pool(row: &Row<'_>) -> Result<Pool, StoreError> {
    let key: i64 = row.get(0)?;
    Ok(Pool {
        round: Round::from_key(key).ok_or_else(|| StoreError::Decode(format!("round key {key}")))?,
        state: PoolState::from_code(row.get(1)?)?,
        stakes: StakeCounts::from_text(&row.get::<String>(2)?)?,
        players: row.get(3)?,
        entries: row.get(4)?,
        accounts: [AccountId(row.get(5)?), AccountId(row.get(6)?)],
        last_entries: [row.get(7)?, row.get(8)?],
    })
}
