//! Transfers: immutable, balanced, numbered in commit order, each naming what caused it.

use bursar_money::Amount;

use crate::AccountSlot;

/// The number of a transfer, ascending in commit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub i64);

/// A transfer's place in one [`crate::Book`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransferSlot(pub(crate) usize);

/// Why money moved: a code of the table `ledger_kind`, which each room seeds in its migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferKind(pub i64);

/// The previous posting of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// None: this is the first.
    None,
    /// A transfer of an earlier batch.
    Stored(TransferId),
    /// A transfer of this batch, not numbered yet.
    InBatch(TransferSlot),
}

/// A transfer decided in this batch.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    pub debit: AccountSlot,
    pub credit: AccountSlot,
    pub amount: Amount,
    pub debit_previous: Link,
    pub credit_previous: Link,
    pub kind: TransferKind,
    pub cause: i64,
}

/// A known point of an account's chain, noted every [`WAYPOINT_EVERY`] postings.
#[derive(Clone, Debug)]
pub(crate) struct Waypoint {
    pub account: AccountSlot,
    pub posting: i64,
    pub transfer: TransferSlot,
    pub debits: Amount,
    pub credits: Amount,
}

/// Postings between two waypoints of one account.
pub(crate) const WAYPOINT_EVERY: i64 = 1_000;
