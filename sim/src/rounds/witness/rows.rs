//! Rows as the witness reads them, by SQL of its own over a connection of its own.

use rusqlite::{Connection, Row};

use crate::rounds::upstream::Quote;

/// A row of `rounds_entry`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    pub sequence: i64,
    pub id: String,
    pub round: i64,
    pub wallet: i64,
    pub side: i64,
    pub bucks: i64,
    pub joined_at: i64,
    pub wallet_previous: Option<i64>,
}

/// A row of `ledger_transfer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRow {
    pub id: i64,
    pub debit: i64,
    pub credit: i64,
    pub amount: u128,
    pub kind: i64,
    pub cause: i64,
    pub at: i64,
    pub debit_previous: Option<i64>,
    pub credit_previous: Option<i64>,
}

/// A price with the second that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub asked_s: i64,
    pub quote: Quote,
}

/// A row of `rounds_settlement`, without what moves while it is paid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementRow {
    pub round: i64,
    pub order: i64,
    pub is_refund: bool,
    pub winner: Option<i64>,
    pub reason: Option<String>,
    pub total: u128,
    pub winning: u128,
    pub fee: u128,
    pub remainder: u128,
    pub remainder_entry: Option<i64>,
    pub start: Option<Evidence>,
    pub end: Option<Evidence>,
    pub settled_at: i64,
}

/// A row of `rounds_pool`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolRow {
    pub round: i64,
    pub state: i64,
    pub stakes: String,
    pub players: usize,
    pub entries: usize,
    pub accounts: [i64; 2],
    pub last_entries: [Option<i64>; 2],
}

/// A row of `rounds_wallet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletRow {
    pub account: i64,
    pub address: Vec<u8>,
    pub entries: usize,
    pub last_entry: i64,
}

/// A row of `ledger_account`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    pub id: i64,
    pub path: String,
    pub debits: u128,
    pub credits: u128,
    pub held: u128,
}

/// Everything that a query gives.
pub fn all<T>(
    connection: &Connection,
    sql: &str,
    after: i64,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map([after], read)?.collect()
}

pub const ENTRIES: &str = "SELECT sequence, id, round_key, wallet, side, stake_bucks, joined_at, wallet_previous \
    FROM rounds_entry WHERE sequence > ?1 ORDER BY sequence";

pub fn entry(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    Ok(EntryRow {
        sequence: row.get(0)?,
        id: row.get(1)?,
        round: row.get(2)?,
        wallet: row.get(3)?,
        side: row.get(4)?,
        bucks: row.get(5)?,
        joined_at: row.get(6)?,
        wallet_previous: row.get(7)?,
    })
}

pub const TRANSFERS: &str = "SELECT id, debit_account, credit_account, amount, kind, cause, at, debit_previous, \
    credit_previous FROM ledger_transfer WHERE id > ?1 AND kind BETWEEN 100 AND 199 ORDER BY id";

pub fn transfer(row: &Row<'_>) -> rusqlite::Result<TransferRow> {
    Ok(TransferRow {
        id: row.get(0)?,
        debit: row.get(1)?,
        credit: row.get(2)?,
        amount: amount(row, 3)?,
        kind: row.get(4)?,
        cause: row.get(5)?,
        at: row.get(6)?,
        debit_previous: row.get(7)?,
        credit_previous: row.get(8)?,
    })
}

pub const SETTLEMENTS: &str = "SELECT round_key, settled_order, mode, winner, reason, total_cents, winning_cents, \
    fee_cents, remainder_cents, remainder_entry, settled_at, \
    start_requested_s, start_published_s, start_mantissa, start_exponent, start_confidence, \
    end_requested_s, end_published_s, end_mantissa, end_exponent, end_confidence \
    FROM rounds_settlement WHERE settled_order > ?1 ORDER BY settled_order";

pub fn settlement(row: &Row<'_>) -> rusqlite::Result<SettlementRow> {
    Ok(SettlementRow {
        round: row.get(0)?,
        order: row.get(1)?,
        is_refund: row.get::<_, i64>(2)? == 1,
        winner: row.get(3)?,
        reason: row.get(4)?,
        total: amount(row, 5)?,
        winning: amount(row, 6)?,
        fee: amount(row, 7)?,
        remainder: amount(row, 8)?,
        remainder_entry: row.get(9)?,
        settled_at: row.get(10)?,
        start: evidence(row, 11)?,
        end: evidence(row, 16)?,
    })
}

/// Rounds whose payouts are said to be complete.
pub const COMPLETED: &str = "SELECT round_key FROM rounds_settlement \
    WHERE round_key > ?1 AND completed_at IS NOT NULL AND cursor IS NULL ORDER BY round_key";

pub const POOLS: &str = "SELECT round_key, state, stakes, players, entries, up_account, down_account, \
    up_last_entry, down_last_entry FROM rounds_pool WHERE round_key > ?1 ORDER BY round_key";

pub fn pool(row: &Row<'_>) -> rusqlite::Result<PoolRow> {
    Ok(PoolRow {
        round: row.get(0)?,
        state: row.get(1)?,
        stakes: row.get(2)?,
        players: count(row, 3)?,
        entries: count(row, 4)?,
        accounts: [row.get(5)?, row.get(6)?],
        last_entries: [row.get(7)?, row.get(8)?],
    })
}

pub const WALLETS: &str =
    "SELECT account, address, entries, last_entry FROM rounds_wallet WHERE account > ?1 ORDER BY account";

pub fn wallet(row: &Row<'_>) -> rusqlite::Result<WalletRow> {
    Ok(WalletRow {
        account: row.get(0)?,
        address: row.get(1)?,
        entries: count(row, 2)?,
        last_entry: row.get(3)?,
    })
}

pub const ACCOUNTS: &str = "SELECT id, path, debits, credits, held \
    FROM ledger_account WHERE id > ?1 AND path LIKE 'rounds/%' ORDER BY id";

pub fn account(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        id: row.get(0)?,
        path: row.get(1)?,
        debits: amount(row, 2)?,
        credits: amount(row, 3)?,
        held: amount(row, 4)?,
    })
}

/// The address behind a wallet's account.
pub fn address(connection: &Connection, account: i64) -> rusqlite::Result<Vec<u8>> {
    let sql = "SELECT address FROM rounds_wallet WHERE account = ?1";
    connection.prepare_cached(sql)?.query_row([account], |row| row.get(0))
}

fn amount(row: &Row<'_>, at: usize) -> rusqlite::Result<u128> {
    row.get(at).map(u128::from_be_bytes)
}

fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<usize> {
    row.get::<_, i64>(at).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
}

fn evidence(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Evidence>> {
    let Some(asked_s) = row.get::<_, Option<i64>>(at)? else { return Ok(None) };
    let quote = Quote {
        published_s: row.get(at + 1)?,
        mantissa: row.get(at + 2)?,
        exponent: row.get(at + 3)?,
        confidence: row.get::<_, i64>(at + 4)?.unsigned_abs(),
    };
    Ok(Some(Evidence { asked_s, quote }))
}
