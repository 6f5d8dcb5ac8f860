//! Holds: money set aside in its account until it is posted or voided.

use bursar_money::Amount;
use bursar_store::StoreError;

use crate::{AccountSlot, TransferKind, TransferSlot};

/// The number of a hold, ascending in commit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub i64);

/// A hold's place in one [`crate::Book`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HoldSlot(pub(crate) usize);

/// Where a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// Set aside.
    Held,
    /// Became a transfer; final.
    Posted,
    /// Given back; final.
    Voided,
}

impl HoldState {
    pub(crate) fn code(self) -> i64 {
        match self {
            HoldState::Held => 0,
            HoldState::Posted => 1,
            HoldState::Voided => 2,
        }
    }

    pub(crate) fn from_code(code: i64) -> Result<HoldState, StoreError> {
        match code {
            0 => Ok(HoldState::Held),
            1 => Ok(HoldState::Posted),
            2 => Ok(HoldState::Voided),
            other => Err(StoreError::Decode(format!("hold state {other}"))),
        }
    }
}

/// A hold as a batch sees it.
#[derive(Clone, Debug)]
pub struct Hold {
    /// Its number, once it has one.
    pub id: Option<HoldId>,
    /// Where the money is set aside.
    pub debit: AccountSlot,
    /// Where it goes when posted.
    pub credit: AccountSlot,
    /// How much.
    pub amount: Amount,
    /// Where it stands.
    pub state: HoldState,
    /// The kind of the transfer it becomes.
    pub kind: TransferKind,
    /// What caused it, as the kind says.
    pub cause: i64,
    pub(crate) transfer: Option<TransferSlot>,
    pub(crate) is_new: bool,
    pub(crate) is_changed: bool,
}
