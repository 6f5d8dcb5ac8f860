//! What decisions work on: the keys of a batch with their limits and charges, and intents that are known.

use std::collections::BTreeMap;

use bursar_money::{Amount, U256};
use bursar_store::Timestamp;
use uuid::Uuid;

use super::order::Work;
use super::{Policy, RollingCap};
use crate::{KeyId, Rejection};

/// Whether a row is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is, as it is here.
    Stored,
    /// It is, and differs.
    Changed,
    /// It is not.
    New,
}

/// What an intent was authorised for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub key: KeyId,
    pub work: Work,
    /// When it was last charged.
    pub at: Timestamp,
    pub approvals: u32,
    pub written: Written,
}

/// Since when a destination is known to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub is_listed: bool,
    pub first_seen_at: Timestamp,
    pub is_new: bool,
}

/// A cap, with all charges from before its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub cap: RollingCap,
    pub charged_before: U256,
}

/// A charge against the caps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub number: i64,
    pub at: Timestamp,
    pub intent: String,
    pub amount: Amount,
    pub charged: U256,
}

/// One key as decisions see it, its row locked.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Why it signs nothing: a switch, or its own state.
    pub halted: Option<Rejection>,
    pub policy: Option<Policy>,
    /// The batch's time, or the time of the key's last charge when that is later.
    pub now: Timestamp,
    pub charges: i64,
    pub charged: U256,
    /// One a cap of the policy, read for `now`.
    pub windows: Vec<Window>,
    pub destinations: BTreeMap<String, Sighting>,
    /// Charges that this batch adds.
    pub added: Vec<Charge>,
}

/// All that one batch of decisions touches.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    pub accounts: BTreeMap<KeyId, Account>,
    pub known: BTreeMap<String, Known>,
    /// The transaction.
    pub batch: Uuid,
}
