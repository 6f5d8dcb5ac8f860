//! Money that came to the operator's wallet: a donation, or the operator's own (docs/spec/faucet.md 3.10). What came before
//! the wallet was watched is added from the account's history.

use bursar_ledger::Book;
use bursar_money::Amount;
use bursar_payouts::Received;
use bursar_store::{Store, StoreError, Timestamp, Tx};

use crate::money::{Accounts, DONATED, TOPPED_UP};
use crate::policy::damaged;
use crate::record::{DONATIONS, Donation, Totals};
use crate::rules::ban::BanE8;
use crate::rules::donation::{Donation as Given, is_donation};

/// What is noted beside money that was simply there, such as what an imported seed's account held already.
const APPEARED: &str = "no block tells who sent it; it counts as the operator's own";

/// Books what came in, in the transaction that makes it final: one row a block, and out of suspense. `operators_own` are
/// the addresses whose money is no donation; what no sender is known of is none either. Real money is real in either mode.
/// A block that a rebuild has given a row, before it was final, leaves suspense as that row says, and counts no second time.
pub fn receive(
    tx: &mut Tx<'_>,
    book: &mut Book,
    received: &Received,
    operators_own: &[String],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(suspense) = book.slot(received.suspense) else {
        return Err(StoreError::Decode(format!("receipt {}: no suspense account", received.receipt)));
    };
    // Before the row is looked for and before the sums, as a rebuild does: they take turns.
    let id = tx.allocate(DONATIONS, 1)?;
    let known = Donation::of_block(tx, &received.source)?;
    if known.as_ref().is_some_and(|known| known.source != REBUILD) {
        // Booked before by another way; an operator decides what it is.
        return Ok(false);
    }
    let sender = received.sender.as_ref().map(|sender| sender.as_str().to_owned());
    let (amount, _) = BanE8::from_raw_floor(received.amount).map_err(damaged)?;
    let is_donation = match &known {
        Some(known) => known.is_donation,
        None => is_donation(&Given { sender: sender.as_deref(), amount }, operators_own),
    };
    let accounts = Accounts::load(tx, book)?;
    let (credit, kind) =
        if is_donation { (accounts.donations, DONATED) } else { (accounts.top_ups, TOPPED_UP) };
    book.transfer(suspense, credit, received.amount, kind, received.receipt)
        .map_err(|refusal| StoreError::Decode(format!("receipt {}: {refusal}", received.receipt)))?;
    if known.is_some() {
        return Ok(true);
    }
    let row = Donation {
        id,
        amount,
        raw: received.amount,
        source: "receive",
        note: sender.is_none().then(|| APPEARED.to_owned()),
        sender,
        block_hash: Some(received.source.clone()),
        is_donation,
        created_at: now,
    };
    row.insert(tx)?;
    if is_donation {
        let mut totals = Totals::locked(tx, false)?;
        totals.donated = totals.donated.plus(amount).map_err(damaged)?;
        totals.save(tx, false)?;
    }
    Ok(true)
}

/// What stands as the way in rows that a rebuild wrote.
const REBUILD: &str = "rebuild";
/// Blocks that are booked in one transaction.
const CHUNK: usize = 500;

/// Something that the operator's account received, by the chain's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The sender's block.
    pub source: String,
    /// Who sent it, when the chain says.
    pub sender: Option<String>,
    /// How much, in raw.
    pub amount: Amount,
    /// Its place in the account's chain.
    pub height: u64,
}

/// Whether a rebuild has written rows before.
pub fn was_rebuilt(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM faucet_donation_ledger WHERE source = 'rebuild' LIMIT 1";
    Ok(tx.query_first(sql, &[], |row| row.get::<i64>(0))?.is_some())
}

/// Books the blocks that have no row yet, and says how many; with `dry_run` only says how many. A block has one row whoever
/// books it, so no donation counts twice. The book is not touched: what came before the wallet was watched stands in it as
/// what the wallet held, and what is being accepted comes to it once it is final.
pub fn rebuild(
    store: &Store,
    past: &[Past],
    operators_own: &[String],
    dry_run: bool,
) -> Result<u64, StoreError> {
    let mut inserted = 0;
    for chunk in past.chunks(CHUNK) {
        inserted += if dry_run {
            store.read("faucet.rebuild", |tx| Ok(unknown(tx, chunk)?.len()))?
        } else {
            store.transact("faucet.rebuild", |tx| {
                let now = tx.reading()?;
                // Ids first: whoever accepts a donation has one already when it comes to the sums.
                let first = tx.allocate(DONATIONS, i64::try_from(chunk.len()).unwrap_or(i64::MAX))?;
                let unknown = unknown(tx, chunk)?;
                let mut totals = Totals::locked(tx, false)?;
                for (id, past) in (first..).zip(&unknown) {
                    let given = add(tx, id, past, operators_own, now)?;
                    totals.donated = totals.donated.plus(given).map_err(damaged)?;
                }
                totals.save(tx, false)?;
                Ok(unknown.len())
            })?
        };
    }
    Ok(u64::try_from(inserted).unwrap_or(u64::MAX))
}

/// Those that have no row, each block once.
fn unknown<'p>(tx: &mut Tx<'_>, past: &'p [Past]) -> Result<Vec<&'p Past>, StoreError> {
    let mut unknown: Vec<&Past> = Vec::new();
    for past in past {
        let is_new = unknown.iter().all(|other| other.source != past.source);
        if is_new && Donation::of_block(tx, &past.source)?.is_none() {
            unknown.push(past);
        }
    }
    Ok(unknown)
}

/// What of it counts as given.
fn add(
    tx: &mut Tx<'_>,
    id: i64,
    past: &Past,
    operators_own: &[String],
    now: Timestamp,
) -> Result<BanE8, StoreError> {
    let (amount, _) = BanE8::from_raw_floor(past.amount).map_err(damaged)?;
    let is_donation = is_donation(&Given { sender: past.sender.as_deref(), amount }, operators_own);
    let prefix: String = past.source.chars().take(12).collect();
    let row = Donation {
        id,
        amount,
        raw: past.amount,
        source: REBUILD,
        note: Some(format!("{prefix} at height {}", past.height)),
        sender: past.sender.clone(),
        block_hash: Some(past.source.clone()),
        is_donation,
        created_at: now,
    };
    row.insert(tx)?;
    Ok(if is_donation { amount } else { BanE8::ZERO })
}
