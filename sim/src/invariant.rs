//! What must hold whatever happens, by name.

use std::fmt;

/// A rule that the witness checks. README.md says the same for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// For each asset the balances of all accounts sum to zero, and each account's totals are those of its transfers.
    LedgerZero,
    /// Payouts and fee of a won round are its pool exactly, each by the formula; refunds are the stakes exactly; the
    /// pool's accounts are empty afterwards. What a wallet reads about it is the same.
    RoundExact,
    /// Each id is one entry, each wish of a client at most one, acknowledged as created at most once; each entry is
    /// paid at most once; each round has at most one settlement.
    Once,
    /// What was acknowledged or seen committed is there, unchanged, at once and after every crash.
    Durable,
    /// No join is accepted in a batch that commits after a stop has; the same for settlements and their stop, and for
    /// a lowered stake limit. Once a resume is acknowledged nothing is refused as paused.
    StopBinds,
    /// Once faults have ended each due round is settled, with prices published for its own instants, and is refunded
    /// for want of prices only after the void deadline.
    Settles,
    /// The audit log verifies, also against anchors from before each crash, and tells of each entry once.
    AuditChain,
    /// A join that was refused, or answered as failed, leaves no entry, wallet, pool, account or transfer.
    RefusedNoTrace,
    /// The desk's batches never go back in time, whatever the nodes' clocks do.
    TimeMonotone,
    /// Calls that pass in one window of a limit are never more than the limit, on however many nodes.
    Limits,
    /// Each entry was accepted while its round was open by the desk's time and before it was sealed.
    InWindow,
    /// Each obligation is paid at most once on the chain, to the unit, and once when the world recovers; nothing that was
    /// called dead ever lands.
    PaidOnce,
    /// No bytes leave for the network before they are committed.
    BytesFirst,
    /// Nothing is signed in a batch that commits after a stop has.
    NoSignAfterStop,
    /// An older state that was restored pays nothing that was paid before.
    RestoreNeverRepays,
    /// What the book says of a wallet is what the chain says.
    ChainIsBook,
    /// A player's cursor is the baseline and the kills of the rows since; each kill is in exactly one row.
    KillsOnce,
    /// For each player, in kills and in e8: accrued is settled, reserved, open and written off; and so for everybody.
    Accrued,
    /// No payout takes a player above the caps in force when it is made.
    Caps,
    /// What is earned and paid in dry-run stays there: it earns nothing real and reaches no chain.
    DryRunApart,
    /// The platform stops itself only for a disk that fails in a commit, and never panics.
    NoFailStop,
}

impl Invariant {
    /// Every rule.
    pub const ALL: [Invariant; Invariant::NoFailStop as usize + 1] = [
        Invariant::LedgerZero,
        Invariant::RoundExact,
        Invariant::Once,
        Invariant::Durable,
        Invariant::StopBinds,
        Invariant::Settles,
        Invariant::AuditChain,
        Invariant::RefusedNoTrace,
        Invariant::TimeMonotone,
        Invariant::Limits,
        Invariant::InWindow,
        Invariant::PaidOnce,
        Invariant::BytesFirst,
        Invariant::NoSignAfterStop,
        Invariant::RestoreNeverRepays,
        Invariant::ChainIsBook,
        Invariant::KillsOnce,
        Invariant::Accrued,
        Invariant::Caps,
        Invariant::DryRunApart,
        Invariant::NoFailStop,
    ];

    /// The name in code, reports and README.md.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Invariant::LedgerZero => "LEDGER-ZERO",
            Invariant::RoundExact => "ROUND-EXACT",
            Invariant::Once => "ONCE",
            Invariant::Durable => "DURABLE",
            Invariant::StopBinds => "STOP-BINDS",
            Invariant::Settles => "SETTLES",
            Invariant::AuditChain => "AUDIT-CHAIN",
            Invariant::RefusedNoTrace => "REFUSED-NO-TRACE",
            Invariant::TimeMonotone => "TIME-MONOTONE",
            Invariant::Limits => "LIMITS",
            Invariant::InWindow => "IN-WINDOW",
            Invariant::PaidOnce => "PAID-ONCE",
            Invariant::BytesFirst => "BYTES-FIRST",
            Invariant::NoSignAfterStop => "NO-SIGN-AFTER-STOP",
            Invariant::RestoreNeverRepays => "RESTORE-NEVER-REPAYS",
            Invariant::ChainIsBook => "CHAIN-IS-BOOK",
            Invariant::KillsOnce => "KILLS-ONCE",
            Invariant::Accrued => "ACCRUED",
            Invariant::Caps => "CAPS",
            Invariant::DryRunApart => "DRY-RUN-APART",
            Invariant::NoFailStop => "NO-FAIL-STOP",
        }
    }
}

/// A broken rule: which, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The rule.
    pub invariant: Invariant,
    /// What was seen instead.
    pub detail: String,
}

/// A broken rule with its place in the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub invariant: Invariant,
    /// Simulated milliseconds since the run began.
    pub at_ms: i64,
    /// What was seen instead.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { invariant, at_ms, detail } = self;
        write!(f, "{} broken after {}.{:03} s: {detail}", invariant.id(), at_ms / 1_000, at_ms % 1_000)
    }
}

/// Returns a [`Breach`] of the rule unless the condition holds.
macro_rules! require {
    ($invariant:ident, $holds:expr, $($detail:tt)+) => {
        if !$holds {
            return Err($crate::invariant::Breach {
                invariant: $crate::invariant::Invariant::$invariant,
                detail: format!($($detail)+),
            });
        }
    };
}
pub(crate) use require;
