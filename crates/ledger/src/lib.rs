//! The double-entry book: accounts, immutable transfers in posting chains, and holds in two phases.
//!
//! Entry points: [`Book`] is one batch's working copy (load, decide purely, number, write); [`history`], [`balance_at`]
//! and [`trial_balance`] read. For every asset the sum over all accounts is zero, always (invariant LEDGER-ZERO).

mod account;
mod book;
mod hold;
mod reading;
mod transfer;
mod writing;

pub use account::{Account, AccountId, AccountSlot, Overdraft, PathError, check_path};
pub use book::{Book, LedgerRefusal};
pub use hold::{Hold, HoldId, HoldSlot, HoldState};
pub use reading::{
    AccountView, Posting, TrialBalance, account_by_path, accounts_by_prefix, balance_at, history,
    trial_balance,
};
pub use transfer::{TransferId, TransferKind, TransferSlot};

use bursar_store::Migration;

/// The ledger's tables.
pub const MIGRATIONS: [Migration; 1] =
    [Migration { name: "ledger/0001_book", epoch: 1, sql: include_str!("../migrations/0001_book.sql") }];
