//! What a key may sign: limits that operators set, and the pure rule that decides by them.

mod authorization;
mod book;
mod decide;
mod order;

use bursar_money::{Amount, Asset};

pub use authorization::{AUTHORIZATION_LIFETIME_MS, Authorization};
pub(crate) use book::{Account, Book, Charge, Known, Sighting, Window, Written};
pub use decide::Decision;
pub(crate) use decide::decide;
pub use order::{Order, Work};

use crate::Rejection;

/// Most rolling caps of one key.
const CAPS_MAX: usize = 4;
/// Shortest window, in milliseconds.
const WINDOW_MS_MIN: i64 = 1_000;
/// Longest window, in milliseconds: 366 days.
const WINDOW_MS_MAX: i64 = 31_622_400_000;
/// Longest hold of a new destination, in milliseconds: 30 days.
const HOLD_MS_MAX: i64 = 2_592_000_000;

/// The most that may be paid in any window of a length: charges at `t` count until `t + window_ms`, that moment included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollingCap {
    /// Length of the window, 1 s to 366 days.
    pub window_ms: i64,
    /// The most, in base units.
    pub max: Amount,
}

/// Other people's approval of large payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApprovalRule {
    /// Payments above this take approval, in base units.
    pub above: Amount,
    /// How many people beside the one who asks, 1 to 8.
    pub needed: u32,
}

/// What one key may sign. A key without a policy signs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The asset that all amounts are in.
    pub asset: Asset,
    /// Most that one payment may be, in base units.
    pub payment_max: Amount,
    /// Whether only listed destinations are paid.
    pub is_listed_only: bool,
    /// How long a destination waits after it was first seen, 0 to 30 days.
    pub first_use_hold_ms: i64,
    /// Which payments take other people's approval.
    pub approval: Option<ApprovalRule>,
    /// Rolling caps, 4 at most, of different lengths.
    pub caps: Vec<RollingCap>,
}

impl Policy {
    /// The same with its caps in the order of their lengths, if it can be stored.
    ///
    /// # Errors
    /// [`Rejection::Invalid`].
    pub(crate) fn checked(&self) -> Result<Policy, Rejection> {
        let invalid = |field, rule| Err(Rejection::Invalid { field, rule });
        let mut policy = self.clone();
        policy.caps.sort_by_key(|cap| cap.window_ms);
        if !(0..=HOLD_MS_MAX).contains(&self.first_use_hold_ms) {
            return invalid("hold of new destinations", "it is 0 to 30 days");
        }
        let approvals_max = bursar_access::APPROVALS_NEEDED_MAX;
        if self.approval.is_some_and(|rule| !(1..=approvals_max).contains(&rule.needed)) {
            return invalid("number of approvals", "it is 1 to 8");
        }
        let fits = |cap: &RollingCap| (WINDOW_MS_MIN..=WINDOW_MS_MAX).contains(&cap.window_ms);
        let is_twice =
            policy.caps.windows(2).any(|pair| matches!(pair, [a, b] if a.window_ms == b.window_ms));
        if self.caps.len() > CAPS_MAX || is_twice || !self.caps.iter().all(fits) {
            return invalid("list of caps", "at most 4 windows of different lengths, 1 s to 366 days each");
        }
        Ok(policy)
    }

    /// Most that one payment can ever be: no cap lets more through, however long one waits.
    #[must_use]
    pub fn largest_payment(&self) -> Amount {
        self.caps.iter().map(|cap| cap.max).fold(self.payment_max, Amount::min)
    }

    /// How long an authorisation may be signed after it was charged: never longer than the shortest window, so that what
    /// leaves late was charged late.
    #[must_use]
    pub fn authorization_lifetime_ms(&self) -> i64 {
        let shortest = self.caps.iter().map(|cap| cap.window_ms).min();
        shortest.unwrap_or(AUTHORIZATION_LIFETIME_MS).min(AUTHORIZATION_LIFETIME_MS)
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
