//! Settling rounds that are due: a frozen plan first, then payouts in chunks that take turns with joins.

mod asking;
mod decide;
mod events;
mod freeze;
mod plan;
mod post;
mod retry;
mod settler;
mod storage;
mod turns;

pub use decide::{RefundReason, Verdict, decide, share};
pub use plan::Plan;
pub use retry::next_due;
pub use settler::{SettleError, SettleReport, SettledRound, Settler, SettlerParts, TreasuryGuard};
pub use storage::Settlement;

use bursar_ledger::TransferKind;
use bursar_money::Bps;

/// Winnings move from the pool to the wallet.
pub const PAYOUT: TransferKind = TransferKind(101);
/// A stake moves back from the pool to the wallet.
pub const REFUND: TransferKind = TransferKind(102);
/// The fee moves from the pool to the treasury.
pub const FEE: TransferKind = TransferKind(103);
/// The losing side's pool moves into the winning side's.
pub const MERGE: TransferKind = TransferKind(104);

/// The fee on the whole pool of a won round: 6 %.
pub const FEE_RATE: Bps = Bps::of_points::<600>();

/// The account that the fee goes to.
pub const TREASURY_PATH: &str = "rounds/treasury";
