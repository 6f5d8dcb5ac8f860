//! Reading the book: accounts, their history by posting chain, balances at a past time, and the trial balance.

use bursar_money::{Amount, Asset, Balance, Turnover};
use bursar_store::{Param, Row, StoreError, Timestamp, Tx};

use crate::account::AccountId;
use crate::transfer::{TransferId, TransferKind};

/// An account as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Its number.
    pub id: AccountId,
    /// Its name.
    pub path: String,
    /// What it holds.
    pub asset: Asset,
    /// Everything ever taken out.
    pub debits: Amount,
    /// Everything ever put in.
    pub credits: Amount,
    /// Set aside by holds.
    pub held: Amount,
    /// How many postings it has.
    pub postings: i64,
    /// Its newest transfer.
    pub last_transfer: Option<TransferId>,
}

impl AccountView {
    /// Credits minus debits.
    #[must_use]
    pub fn balance(&self) -> Balance {
        Balance::between(self.credits, self.debits)
    }
}

/// One line of an account's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The transfer.
    pub transfer: TransferId,
    /// Whether the account was debited (else credited).
    pub is_debit: bool,
    /// The account on the other side.
    pub counterpart: AccountId,
    /// How much.
    pub amount: Amount,
    /// Why, by code.
    pub kind: TransferKind,
    /// What caused it, as the kind says.
    pub cause: i64,
    /// When.
    pub at: Timestamp,
    /// The posting before this one.
    pub previous: Option<TransferId>,
}

/// All accounts of one asset added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialBalance {
    /// The asset.
    pub asset: Asset,
    /// How many accounts hold it.
    pub accounts: u64,
    /// Their debits.
    pub debits: Turnover,
    /// Their credits.
    pub credits: Turnover,
    /// What they hold in all: zero, or the book is broken.
    pub sum: Balance,
}

/// The account of this path and asset.
pub fn account_by_path(tx: &mut Tx<'_>, path: &str, asset: Asset) -> Result<Option<AccountView>, StoreError> {
    let sql = "SELECT id, path, asset, debits, credits, held, postings, last_transfer \
               FROM ledger_account WHERE path = $1 AND asset = $2";
    tx.query_first(sql, &[path.into(), asset.code().into()], read_view)
}

/// Up to `limit` accounts whose path starts with `prefix`, by path and asset, from the one after `after` on.
pub fn accounts_by_prefix(
    tx: &mut Tx<'_>,
    prefix: &str,
    after: Option<(&str, Asset)>,
    limit: i64,
) -> Result<Vec<AccountView>, StoreError> {
    let end = format!("{prefix}\u{10FFFF}");
    let sql = "SELECT id, path, asset, debits, credits, held, postings, last_transfer \
               FROM ledger_account WHERE path >= $1 AND path < $2 AND (path > $3 OR (path = $3 AND asset > $4)) \
               ORDER BY path, asset LIMIT $5";
    let (path, asset) = after.map_or(("", 0), |(path, asset)| (path, asset.code()));
    tx.query(sql, &[prefix.into(), (&end).into(), path.into(), asset.into(), limit.max(0).into()], read_view)
}

/// Up to `limit` postings of an account, newest first, from `from` backwards (`None` = from the newest). A transfer
/// that is none of this account's starts nothing.
pub fn history(
    tx: &mut Tx<'_>,
    account: AccountId,
    from: Option<TransferId>,
    limit: i64,
) -> Result<Vec<Posting>, StoreError> {
    let start = match from {
        Some(start) => Some(start.0),
        None => last_transfer(tx, account)?,
    };
    let Some(start) = start.filter(|_| limit > 0) else { return Ok(Vec::new()) };
    let sql = "WITH RECURSIVE chain AS ( \
                 SELECT t.*, 1 AS step FROM ledger_transfer t \
                 WHERE t.id = $2 AND (t.debit_account = $1 OR t.credit_account = $1) \
                 UNION ALL \
                 SELECT t.*, chain.step + 1 FROM chain JOIN ledger_transfer t ON t.id = \
                   CASE WHEN chain.debit_account = $1 THEN chain.debit_previous ELSE chain.credit_previous END \
                 WHERE chain.step < $3 ) \
               SELECT id, debit_account, credit_account, amount, debit_previous, credit_previous, kind, cause, at \
               FROM chain ORDER BY id DESC";
    tx.query(sql, &[account.0.into(), start.into(), limit.into()], |row| read_posting(row, account))
}

/// The balance of an account right after everything that happened up to and at `at`.
pub fn balance_at(tx: &mut Tx<'_>, account: AccountId, at: Timestamp) -> Result<Balance, StoreError> {
    let (mut debits, mut credits, mut next) = known_point_after(tx, account, at)?;
    while let Some(from) = next {
        let page = history(tx, account, Some(from), 256)?;
        for posting in &page {
            if posting.at <= at {
                return Ok(Balance::between(credits, debits));
            }
            let side = if posting.is_debit { &mut debits } else { &mut credits };
            *side = side.minus(posting.amount).map_err(|_| broken(account))?;
        }
        next = page.last().and_then(|posting| posting.previous);
    }
    Ok(Balance::between(credits, debits))
}

/// Adds up all accounts in Rust, a page at a time.
pub fn trial_balance(tx: &mut Tx<'_>) -> Result<Vec<TrialBalance>, StoreError> {
    const PAGE: i64 = 4_096;
    let empty = |asset| TrialBalance {
        asset,
        accounts: 0,
        debits: Turnover::ZERO,
        credits: Turnover::ZERO,
        sum: Balance::ZERO,
    };
    let mut totals: Vec<TrialBalance> = Asset::all().map(empty).collect();
    let mut after = 0;
    loop {
        let sql = "SELECT id, asset, debits, credits FROM ledger_account WHERE id > $1 ORDER BY id LIMIT $2";
        let page = tx.query(sql, &[Param::Int(after), Param::Int(PAGE)], |row| {
            Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<Amount>(2)?, row.get::<Amount>(3)?))
        })?;
        for (id, asset, debits, credits) in &page {
            after = *id;
            let total = totals.iter_mut().find(|total| total.asset.code() == *asset);
            let total = total.ok_or_else(|| StoreError::Decode(format!("asset {asset}")))?;
            let overflow = |_| broken(AccountId(*id));
            total.accounts += 1;
            total.debits = total.debits.plus(*debits).map_err(overflow)?;
            total.credits = total.credits.plus(*credits).map_err(overflow)?;
        }
        if page.is_empty() {
            break;
        }
    }
    for total in &mut totals {
        let sum = Turnover::balance(total.credits, total.debits);
        total.sum = sum.map_err(|_| {
            StoreError::Decode(format!(
                "{} is out of balance by more than an amount can be",
                total.asset.symbol()
            ))
        })?;
    }
    totals.retain(|total| total.accounts > 0);
    Ok(totals)
}

/// Totals and chain position at the first waypoint after `at`, or as they stand now.
fn known_point_after(
    tx: &mut Tx<'_>,
    account: AccountId,
    at: Timestamp,
) -> Result<(Amount, Amount, Option<TransferId>), StoreError> {
    let sql = "SELECT debits, credits, transfer FROM ledger_waypoint \
               WHERE account = $1 AND at > $2 ORDER BY posting LIMIT 1";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<Option<i64>>(2)?.map(TransferId)));
    if let Some(point) = tx.query_first(sql, &[account.0.into(), at.into()], read)? {
        return Ok(point);
    }
    let sql = "SELECT debits, credits, last_transfer FROM ledger_account WHERE id = $1";
    let now = tx.query_first(sql, &[account.0.into()], read)?;
    Ok(now.unwrap_or((Amount::ZERO, Amount::ZERO, None)))
}

fn last_transfer(tx: &mut Tx<'_>, account: AccountId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT last_transfer FROM ledger_account WHERE id = $1";
    Ok(tx.query_first(sql, &[account.0.into()], |row| row.get::<Option<i64>>(0))?.flatten())
}

fn read_view(row: &Row<'_>) -> Result<AccountView, StoreError> {
    Ok(AccountView {
        id: AccountId(row.get(0)?),
        path: row.get(1)?,
        asset: Asset::from_code(row.get(2)?).map_err(|error| StoreError::Decode(error.to_string()))?,
        debits: row.get(3)?,
        credits: row.get(4)?,
        held: row.get(5)?,
        postings: row.get(6)?,
        last_transfer: row.get::<Option<i64>>(7)?.map(TransferId),
    })
}

fn read_posting(row: &Row<'_>, account: AccountId) -> Result<Posting, StoreError> {
    let (debit, credit) = (AccountId(row.get(1)?), AccountId(row.get(2)?));
    let is_debit = debit == account;
    let previous = row.get::<Option<i64>>(if is_debit { 4 } else { 5 })?;
    Ok(Posting {
        transfer: TransferId(row.get(0)?),
        is_debit,
        counterpart: if is_debit { credit } else { debit },
        amount: row.get(3)?,
        kind: TransferKind(row.get(6)?),
        cause: row.get(7)?,
        at: row.get(8)?,
        previous: previous.map(TransferId),
    })
}

fn broken(account: AccountId) -> StoreError {
    StoreError::Decode(format!("the totals of account {} do not agree with its postings", account.0))
}
