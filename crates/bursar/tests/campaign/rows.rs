//! Rows of a campaign's database.

use bursar_money::Amount;
use bursar_store::{Row, StoreError, Timestamp};

use super::money::Staked;

const SLOT_MS: i64 = 120_000;
const LENGTH_MS: i64 = 360_000;
/// The kinds of transfer that the rounds desk makes.
pub const JOIN: i64 = 100;
pub const PAYOUT: i64 = 101;
pub const REFUND: i64 = 102;
pub const FEE: i64 = 103;
pub const MERGE: i64 = 104;

pub struct Entry {
    pub staked: Staked,
    pub id: String,
    pub round_key: i64,
    pub wallet: i64,
    pub address: Vec<u8>,
}

pub struct Pool {
    pub round_key: i64,
    pub round_id: String,
    pub state: i64,
    pub counts: [i64; 2],
    pub sides: [i64; 2],
}

pub struct Settlement {
    pub mode: i64,
    pub winner: Option<i64>,
    pub total: u128,
    pub fee: u128,
    pub remainder_entry: Option<i64>,
    pub order: i64,
    pub settled_at_ms: i64,
    pub is_complete: bool,
}

/// Debit account, credit account, cents, kind, cause; of a join the number itself is the cause.
pub type Moved = (i64, i64, u128, i64, i64);

pub struct Transfer {
    pub id: i64,
    pub moved: Moved,
}

pub struct Account {
    pub path: String,
    pub debits: u128,
    pub credits: u128,
    pub postings: i64,
}

impl Pool {
    /// When the round ends.
    pub fn end_ms(&self) -> i64 {
        self.round_key / 16 * SLOT_MS + LENGTH_MS
    }
}

pub fn read_entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let bucks: i64 = row.get(5)?;
    Ok(Entry {
        staked: Staked {
            sequence: row.get(0)?,
            cents: u128::try_from(bucks * 100).unwrap(),
            is_up: row.get::<i64>(4)? == 0,
            joined_at_ms: row.get::<Timestamp>(6)?.ms(),
        },
        id: row.get(1)?,
        round_key: row.get(2)?,
        wallet: row.get(3)?,
        address: row.get(7)?,
    })
}

pub fn read_pool(row: &Row<'_>) -> Result<Pool, StoreError> {
    Ok(Pool {
        round_key: row.get(0)?,
        round_id: row.get(1)?,
        state: row.get(2)?,
        counts: [row.get(3)?, row.get(4)?],
        sides: [row.get(5)?, row.get(6)?],
    })
}

pub fn read_settlement(row: &Row<'_>) -> Result<(i64, Settlement), StoreError> {
    let is_complete = row.get::<Option<Timestamp>>(8)?.is_some() && row.get::<Option<i64>>(9)?.is_none();
    let settlement = Settlement {
        mode: row.get(1)?,
        winner: row.get(2)?,
        total: row.get::<Amount>(3)?.units(),
        fee: row.get::<Amount>(4)?.units(),
        remainder_entry: row.get(5)?,
        order: row.get(6)?,
        settled_at_ms: row.get::<Timestamp>(7)?.ms(),
        is_complete,
    };
    Ok((row.get(0)?, settlement))
}

pub fn read_transfer(row: &Row<'_>) -> Result<Transfer, StoreError> {
    let (id, kind): (i64, i64) = (row.get(0)?, row.get(4)?);
    let cause = if kind == JOIN { id } else { row.get(5)? };
    Ok(Transfer { id, moved: (row.get(1)?, row.get(2)?, row.get::<Amount>(3)?.units(), kind, cause) })
}

pub fn read_account(row: &Row<'_>) -> Result<(i64, Account), StoreError> {
    let account = Account {
        path: row.get(1)?,
        debits: row.get::<Amount>(2)?.units(),
        credits: row.get::<Amount>(3)?.units(),
        postings: row.get(4)?,
    };
    Ok((row.get(0)?, account))
}
