//! Payouts: what is owed is accepted once, signed before it leaves, sent until it is final, and never sent twice.
//!
//! Start with [`Payouts`]. An order goes through it like this; each line says in which transaction it happens:
//!
//! ```text
//! caller's transaction   prepare(orders) -> save      the intent is stored with its key, the money is held
//! Sender, one            sign                         the attempt's bytes are stored: before anything leaves
//!   (journal, network)   broadcast, look up           the stored bytes and no others, as often as it takes
//! Sender, one            conclude                     final: the hold is posted; proven dead: the next attempt
//! ```
//!
//! What makes it safe, and where:
//!
//! 1. **Unknown is not dead.** An intent gets another attempt, or fails, only with the stored proof that every earlier
//!    attempt can never become final (`life`).
//! 2. **Bytes before network.** What is broadcast was read back from the store (`send`).
//! 3. **One key, one intent, for ever.** A unique index says so, and a hash of the order tells a repetition from a mistake.
//! 4. **A stop binds.** Switches are read under a lock in the transaction that accepts, signs or counts a broadcast.

mod accept;
mod alerts;
mod backoff;
mod case;
mod comparison;
mod desk_rules;
mod document;
mod events;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod http;
mod ids;
mod jobs;
mod journal;
mod known;
mod life;
mod metrics;
mod operate;
mod outside;
mod pages;
mod payouts;
mod receipts;
mod rejection;
mod send;
mod sql;
mod stops;
mod unclear;
mod wallet;
mod webhook;

pub use accept::{Accepted, Debit, LaneOrder, PayoutLane, PayoutOrder, Prepared};
pub use alerts::alerts;
pub use desk_rules::{Change, DeskRules, Ear, Margin, MarginVerdict, MarginView, Received};
pub use ids::{IdempotencyKey, IntentId, IntentState, REASON_CHARACTERS_MAX};
pub use jobs::{awaited_job, jobs};
pub use journal::Journal;
pub use known::{BroughtBack, KnownTransaction, Reach};
pub use metrics::PayoutMetrics;
pub use operate::{Afterwards, Resolution, TransactionSight, WalletSight};
pub use outside::{
    Funding, OutsideFilter, OutsideKey, OutsideLane, OutsideOrder, OutsideRules, OutsideWork, Request,
};
pub use pages::{AttemptView, PAGE_MAX, PayoutFilter, PayoutShown, PayoutView};
pub use payouts::{ChainRules, Generation, Payouts, PayoutsParts, Recorders, SendSettings};
pub use receipts::{Receipt, ReceiptState};
pub use rejection::{CODES, Rejection};
pub use send::{Sender, Turn};
pub use wallet::{Standing as WalletStanding, Wallet};
pub use webhook::{Notice, drop_notices, due_notices, next_notice, notice_delivered, notice_failed};

use bursar_ledger::TransferKind;
use bursar_store::{Migration, StoreError};

/// The tables of this room; after those of the ledger.
pub const MIGRATIONS: [Migration; 7] = [
    Migration { name: "payouts/0001_payouts", epoch: 1, sql: include_str!("../migrations/0001_payouts.sql") },
    Migration { name: "payouts/0002_outside", epoch: 1, sql: include_str!("../migrations/0002_outside.sql") },
    Migration {
        name: "payouts/0003_journals",
        epoch: 1,
        sql: include_str!("../migrations/0003_journals.sql"),
    },
    Migration { name: "payouts/0004_unheld", epoch: 1, sql: include_str!("../migrations/0004_unheld.sql") },
    Migration {
        name: "payouts/0005_payers_by_name",
        epoch: 1,
        sql: include_str!("../migrations/0005_payers_by_name.sql"),
    },
    Migration { name: "payouts/0006_heads", epoch: 1, sql: include_str!("../migrations/0006_heads.sql") },
    Migration { name: "payouts/0007_doubt", epoch: 1, sql: include_str!("../migrations/0007_doubt.sql") },
];

/// A payout, and the hold it begins as; caused by the intent.
pub const PAYOUT: TransferKind = TransferKind(20);

/// What an operation ends in: the store's fault outside, the caller's doing inside. A rejection has written nothing, so
/// the transaction may be committed with a record of the refusal.
pub type Outcome<T> = Result<Result<T, Rejection>, StoreError>;
