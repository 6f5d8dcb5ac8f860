//! What a batch of joins knows: everything the rules look at, loaded before they run and saved after.

use std::collections::HashMap;

use bursar_control::{RateWindows, SwitchState};
use bursar_ledger::{AccountSlot, Book, TransferSlot};
use bursar_store::Timestamp;

use crate::pool::PoolState;
use crate::settings::Values;
use crate::stake::{Side, Stake, StakeCounts};
use crate::timing::Round;
use crate::wallet::Address;

/// An entry that was stored before, or made earlier in this batch.
#[derive(Clone, Debug)]
pub struct KnownEntry {
    /// The round.
    pub round: Round,
    /// The wallet.
    pub wallet: Address,
    /// The side.
    pub side: Side,
    /// The stake.
    pub stake: Stake,
}

/// A pool of this batch.
#[derive(Clone, Debug)]
pub struct BatchPool {
    /// How far its settlement is.
    pub state: PoolState,
    /// Stakes on each side.
    pub stakes: StakeCounts,
    /// Distinct wallets.
    pub players: i64,
    /// Entries.
    pub entries: i64,
    /// Ledger accounts: up, down.
    pub accounts: [AccountSlot; 2],
    /// Newest entry of an earlier batch: up, down.
    pub last_stored: [Option<i64>; 2],
    /// Newest entry of this batch: up, down.
    pub last_new: [Option<TransferSlot>; 2],
}

impl BatchPool {
    /// Whether this batch made the round's first entry.
    #[must_use]
    pub fn is_opened_here(&self) -> bool {
        self.last_stored.iter().all(Option::is_none) && self.last_new.iter().any(Option::is_some)
    }
}

/// A wallet of this batch.
#[derive(Clone, Debug)]
pub struct BatchWallet {
    /// Its ledger account.
    pub account: AccountSlot,
    /// Whether it was stored before.
    pub is_new: bool,
    /// Entries so far.
    pub entries: i64,
    /// Its newest entry.
    pub last: LastEntry,
    /// Start of the slot it joined last.
    pub slot_start_ms: i64,
    /// A bit for each market joined in that slot.
    pub slot_markets: i64,
}

/// A wallet's newest entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastEntry {
    /// It has none.
    None,
    /// One of an earlier batch.
    Stored(i64),
    /// One of this batch.
    New(TransferSlot),
}

/// An entry that this batch accepted.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Its transfer, whose number becomes its own.
    pub transfer: TransferSlot,
    /// The client's id.
    pub id: String,
    /// The round.
    pub round: Round,
    /// The wallet.
    pub wallet: Address,
    /// The side.
    pub side: Side,
    /// The stake.
    pub stake: Stake,
    /// The entry of the same wallet before it.
    pub previous: LastEntry,
    /// Which of the wallet's entries it is, 1 for the oldest.
    pub number: i64,
    /// Whether an operator's canary made it.
    pub is_canary: bool,
    /// Whether the wallet had no entry in the round before.
    pub is_first_of_wallet: bool,
}

/// Everything that the rules of joining look at.
#[derive(Debug)]
pub struct JoinState {
    /// Whether joins are stopped.
    pub joins: SwitchState,
    /// Live settings.
    pub settings: Values,
    /// Rate counters.
    pub windows: RateWindows,
    /// Known entries by id.
    pub known: HashMap<String, KnownEntry>,
    /// Pools by round key.
    pub pools: HashMap<i64, BatchPool>,
    /// Wallets by address.
    pub wallets: HashMap<Address, BatchWallet>,
    /// The ledger's accounts and what this batch moves.
    pub book: Book,
    /// What this batch accepted, in order.
    pub accepted: Vec<NewEntry>,
    /// The batch's time.
    pub now: Timestamp,
}
