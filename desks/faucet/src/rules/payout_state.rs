//! The desk's view of a payout: its states, what they do to its accruals, what people see of them, and when an
//! administrator may retry (docs/spec/faucet.md 2.3).
//!
//! The platform's payouts room drives a payout and proves what it claims; the desk's row follows its intent.

use bursar_payouts::IntentState;

use super::holdings::AccrualState;

/// How far a payout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutState {
    /// Its accruals are reserved; no block of it lives.
    Created,
    /// Waits with no block alive: a switch is on, the balance is low, or the node is down.
    Held,
    /// A block is signed and stored, and may be on its way. Only this block may be published.
    Signed,
    /// The block is on a node's ledger.
    Published,
    /// The block is final. The accruals are paid.
    Confirmed,
    /// Given up, with no block of it that could ever count. The accruals are open again.
    Failed,
}

/// A move that cannot be: a defect or a foreign write, never the caller's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payout cannot go from {from:?} to {to:?}")]
pub struct ImpossibleMove {
    /// Where it stands.
    pub from: PayoutState,
    /// Where it cannot go.
    pub to: PayoutState,
}

/// What people see of a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicStatus {
    /// Under way.
    Pending,
    /// On the chain.
    Sent,
    /// Not paid; the accruals wait for another payout.
    Failed,
}

impl PayoutState {
    /// All states.
    pub const ALL: [PayoutState; 6] = [
        PayoutState::Created,
        PayoutState::Held,
        PayoutState::Signed,
        PayoutState::Published,
        PayoutState::Confirmed,
        PayoutState::Failed,
    ];

    /// The word in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            PayoutState::Created => "created",
            PayoutState::Held => "held",
            PayoutState::Signed => "signed",
            PayoutState::Published => "published",
            PayoutState::Confirmed => "confirmed",
            PayoutState::Failed => "failed",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<PayoutState> {
        PayoutState::ALL.into_iter().find(|state| state.word() == word)
    }

    /// The state that says of a payout what the platform says of its intent.
    ///
    /// A broadcast is counted before its bytes leave, so by itself it does not mean that a node has them: only with
    /// `is_on_ledger`, when a node has shown the block, is the payout published.
    #[must_use]
    pub const fn of_intent(intent: IntentState, is_on_ledger: bool) -> PayoutState {
        match intent {
            IntentState::Accepted => PayoutState::Created,
            IntentState::Held => PayoutState::Held,
            IntentState::Broadcast if is_on_ledger => PayoutState::Published,
            IntentState::Signed | IntentState::Broadcast => PayoutState::Signed,
            IntentState::Final => PayoutState::Confirmed,
            IntentState::Failed | IntentState::Cancelled => PayoutState::Failed,
        }
    }

    /// Moves to `next`, or refuses. Staying is no move and always possible: a change may be told twice.
    pub const fn follow(self, next: PayoutState) -> Result<PayoutState, ImpossibleMove> {
        use PayoutState::{Confirmed, Created, Failed, Held, Published, Signed};
        let is_possible = match self {
            Created => matches!(next, Created | Held | Signed | Failed),
            // A block that was missing here may be found in the journal of what was signed.
            Held => matches!(next, Held | Created | Signed | Failed),
            // Back to the start, or given up, only with the proof that another block stands in its place; held, where that block
            // may have paid it.
            Signed => matches!(next, Signed | Published | Confirmed | Created | Held | Failed),
            Published => matches!(next, Published | Confirmed | Created | Held | Failed),
            Confirmed => matches!(next, Confirmed),
            Failed => matches!(next, Failed),
        };
        if is_possible { Ok(next) } else { Err(ImpossibleMove { from: self, to: next }) }
    }

    /// Where the accruals of a payout in this state stand.
    #[must_use]
    pub const fn accruals(self) -> AccrualState {
        match self {
            PayoutState::Created | PayoutState::Held | PayoutState::Signed | PayoutState::Published => {
                AccrualState::Reserved
            }
            PayoutState::Confirmed => AccrualState::Settled,
            PayoutState::Failed => AccrualState::Open,
        }
    }

    /// What people see.
    #[must_use]
    pub const fn public(self) -> PublicStatus {
        match self {
            PayoutState::Created | PayoutState::Held | PayoutState::Signed => PublicStatus::Pending,
            PayoutState::Published | PayoutState::Confirmed => PublicStatus::Sent,
            PayoutState::Failed => PublicStatus::Failed,
        }
    }

    /// Whether nothing can happen to it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            PayoutState::Confirmed | PayoutState::Failed => true,
            PayoutState::Created | PayoutState::Held | PayoutState::Signed | PayoutState::Published => false,
        }
    }
}

impl PublicStatus {
    /// The word in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            PublicStatus::Pending => "pending",
            PublicStatus::Sent => "sent",
            PublicStatus::Failed => "failed",
        }
    }

    /// The status of a word in a query.
    #[must_use]
    pub fn from_word(word: &str) -> Option<PublicStatus> {
        let all = [PublicStatus::Pending, PublicStatus::Sent, PublicStatus::Failed];
        all.into_iter().find(|status| status.word() == word)
    }
}

/// What becomes of an administrator's wish to send a payout again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManualRetry {
    /// It is on the chain: `already_sent`.
    AlreadySent,
    /// It goes on at once, through the same publishing steps; what is signed stays the same block.
    Proceed,
    /// Its accruals are no longer its own: 409 `superseded`. A newer payout pays them, or has.
    Superseded,
}

/// Whether a payout may be tried again by hand; `owns_accruals` tells whether the rows it reserved are still its own.
#[must_use]
pub const fn manual_retry(state: PayoutState, owns_accruals: bool) -> ManualRetry {
    match state.public() {
        PublicStatus::Sent => ManualRetry::AlreadySent,
        PublicStatus::Pending if owns_accruals => ManualRetry::Proceed,
        PublicStatus::Pending | PublicStatus::Failed => ManualRetry::Superseded,
    }
}

/// The transaction hash that a dry-run payout is recorded with: different for each, and none that a chain could give.
#[must_use]
pub fn dry_run_hash(payout_id: i64) -> String {
    format!("dryrun-{payout_id}")
}

#[cfg(test)]
mod tests {
    use super::PayoutState::{Confirmed, Created, Failed, Held, Published, Signed};
    use super::*;

    #[test]
    fn every_state_goes_where_it_may_and_nowhere_else() {
        let table: [(PayoutState, &[PayoutState]); 6] = [
            (Created, &[Created, Held, Signed, Failed]),
            (Held, &[Created, Held, Signed, Failed]),
            (Signed, &[Created, Held, Signed, Published, Confirmed, Failed]),
            (Published, &[Created, Held, Published, Confirmed, Failed]),
            (Confirmed, &[Confirmed]),
            (Failed, &[Failed]),
        ];
        assert_eq!(table.map(|(from, _)| from), PayoutState::ALL);
        for (from, allowed) in table {
            for to in PayoutState::ALL {
                let expected = allowed.contains(&to).then_some(to).ok_or(ImpossibleMove { from, to });
                assert_eq!(from.follow(to), expected);
            }
            assert_eq!(from.is_final(), allowed == [from], "{from:?}");
        }
    }

    #[test]
    fn words_accruals_and_public_statuses() {
        use AccrualState::{Open, Reserved, Settled};
        for (state, word, public, accruals) in [
            (Created, "created", "pending", Reserved),
            (Held, "held", "pending", Reserved),
            (Signed, "signed", "pending", Reserved),
            (Published, "published", "sent", Reserved),
            (Confirmed, "confirmed", "sent", Settled),
            (Failed, "failed", "failed", Open),
        ] {
            assert_eq!((state.word(), state.public().word(), state.accruals()), (word, public, accruals));
            assert_eq!(PayoutState::from_word(word), Some(state));
            assert_eq!(PublicStatus::from_word(public), Some(state.public()));
        }
        assert_eq!(PayoutState::from_word("sent"), None);
        assert_eq!(PublicStatus::from_word("created"), None);
    }

    #[test]
    fn the_desks_row_follows_the_platforms_intent() {
        let followed = IntentState::ALL.map(|intent| PayoutState::of_intent(intent, false));
        assert_eq!(followed, [Created, Held, Signed, Signed, Confirmed, Failed, Failed]);
        let on_ledger = IntentState::ALL.map(|intent| PayoutState::of_intent(intent, true));
        assert_eq!(on_ledger, [Created, Held, Signed, Published, Confirmed, Failed, Failed]);
    }

    #[test]
    fn a_retry_by_hand_needs_the_accruals_still_to_be_the_payouts_own() {
        for (state, owned, not_owned) in [
            (Created, ManualRetry::Proceed, ManualRetry::Superseded),
            (Held, ManualRetry::Proceed, ManualRetry::Superseded),
            (Signed, ManualRetry::Proceed, ManualRetry::Superseded),
            (Published, ManualRetry::AlreadySent, ManualRetry::AlreadySent),
            (Confirmed, ManualRetry::AlreadySent, ManualRetry::AlreadySent),
            (Failed, ManualRetry::Superseded, ManualRetry::Superseded),
        ] {
            assert_eq!(manual_retry(state, true), owned, "{state:?}");
            assert_eq!(manual_retry(state, false), not_owned, "{state:?}");
        }
    }

    #[test]
    fn example_e17_dry_run_payouts_have_hashes_of_their_own() {
        assert_eq!([dry_run_hash(1), dry_run_hash(2)], ["dryrun-1", "dryrun-2"]);
    }
}
