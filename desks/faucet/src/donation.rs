//! Money that came to the operator's wallet: a donation, or the operator's own (docs/spec/faucet.md 3.10).

use bursar_ledger::Book;
use bursar_payouts::Received;
use bursar_store::{StoreError, Timestamp, Tx};

use crate::money::{Accounts, DONATED, TOPPED_UP};
use crate::policy::damaged;
use crate::record::{DONATIONS, Donation, Totals};
use crate::rules::ban::BanE8;
use crate::rules::donation::{Donation as Given, is_donation};

/// Books what came in, in the transaction that makes it final: one row a block, and out of suspense. `operators_own` are
/// the addresses whose money is no donation. Real money is real in either mode.
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
    if Donation::is_known(tx, &received.source)? {
        // Booked before by another way; an operator decides what it is.
        return Ok(false);
    }
    let sender = received.sender.as_ref().map(|sender| sender.as_str().to_owned());
    let (amount, _) = BanE8::from_raw_floor(received.amount).map_err(damaged)?;
    let is_donation = is_donation(&Given { sender: sender.as_deref(), amount }, operators_own);
    let accounts = Accounts::load(tx, book)?;
    let (credit, kind) =
        if is_donation { (accounts.donations, DONATED) } else { (accounts.top_ups, TOPPED_UP) };
    book.transfer(suspense, credit, received.amount, kind, received.receipt)
        .map_err(|refusal| StoreError::Decode(format!("receipt {}: {refusal}", received.receipt)))?;
    let row = Donation {
        id: tx.allocate(DONATIONS, 1)?,
        amount,
        raw: received.amount,
        source: "receive",
        note: None,
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
