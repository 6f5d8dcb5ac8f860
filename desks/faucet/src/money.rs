//! The faucet's accounts in the ledger, in raw (docs/spec/faucet.md 2.1, docs/spec/platform.md U1).
//!
//! What players earned is owed to them: expense to owed. A payout holds what it pays in `owed` and posts it to the
//! wallet once it is final. What comes in is either a donation or the operator's own.

use bursar_ledger::{AccountId, AccountSlot, Book, Overdraft, TransferKind};
use bursar_money::Asset;
use bursar_payouts::OutsideRules;
use bursar_store::{StoreError, Timestamp, Tx};

use crate::DESK;

/// Kills earned something.
pub const EARNED: TransferKind = TransferKind(110);
/// What was earned is given up.
pub const WRITTEN_OFF: TransferKind = TransferKind(111);
/// A donation came in.
pub const DONATED: TransferKind = TransferKind(112);
/// The operator's own money came in.
pub const TOPPED_UP: TransferKind = TransferKind(113);
/// A payment that the records lacked was found to pay what was owed.
pub const ADOPTED: TransferKind = TransferKind(114);
/// An accrual is worth what was paid for it, and not what it was counted at.
pub const REVALUED: TransferKind = TransferKind(115);

const EXPENSE: &str = "faucet/expense";
const OWED: &str = "faucet/owed";
const DONATIONS: &str = "faucet/donations";
const TOP_UPS: &str = "faucet/top-ups";

/// How callers from outside may have the operator's wallet pay: from what the operator put in, as far as players are not
/// owed it. In dry-run nothing is accepted, because nothing would be sent for it.
#[must_use]
pub fn outside_rules(dry_run: bool) -> OutsideRules {
    let closed = dry_run.then_some("the faucet runs in dry-run");
    OutsideRules { desk: DESK, treasury: TOP_UPS, owed: &[OWED], closed }
}

/// The accounts in one batch's book.
#[derive(Clone, Copy, Debug)]
pub struct Accounts {
    /// What earning costs; below zero by all that was ever earned.
    pub expense: AccountSlot,
    /// What players are owed.
    pub owed: AccountSlot,
    /// What was donated.
    pub donations: AccountSlot,
    /// What the operator put in.
    pub top_ups: AccountSlot,
}

impl Accounts {
    /// Opens the accounts that are not there yet: when the desk starts, before anybody can want them at the same time.
    pub fn ensure(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let mut book = Book::default();
        Accounts::load(tx, &mut book)?;
        book.number(tx)?;
        book.write(tx, now)
    }

    /// Loads the accounts into `book`, opening those that are not there yet.
    pub fn load(tx: &mut Tx<'_>, book: &mut Book) -> Result<Accounts, StoreError> {
        Accounts::load_with(tx, book, &[])
    }

    /// The same, with others: all of them are locked in the order of their numbers.
    pub fn load_with(tx: &mut Tx<'_>, book: &mut Book, others: &[AccountId]) -> Result<Accounts, StoreError> {
        book.load_together(tx, &[EXPENSE, OWED, DONATIONS, TOP_UPS], others)?;
        let mut slot = |path, overdraft| {
            let known = book.slot_of_path(path, Asset::Banano);
            known.unwrap_or_else(|| book.open(path, Asset::Banano, overdraft))
        };
        Ok(Accounts {
            expense: slot(EXPENSE, Overdraft::Allowed),
            owed: slot(OWED, Overdraft::Forbidden),
            donations: slot(DONATIONS, Overdraft::Forbidden),
            top_ups: slot(TOP_UPS, Overdraft::Forbidden),
        })
    }
}
