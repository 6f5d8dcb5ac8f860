//! Planted bugs: the platform as it would be with a rule forgotten, to see that the simulator finds each.

use crate::invariant::Invariant;
use crate::scenario::Room;

/// A rule of the platform that is left out. What each does instead stands with its room; nothing of it is compiled into
/// a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// A join is answered once it is decided, before its batch is committed.
    AnswersBeforeCommit,
    /// Whoever got no answer asks again with a new id.
    RetriesWithNewId,
    /// A commit whose answer was lost is run again without a look at what became of it.
    RetriesBlindly,
    /// A settler pays the rounds it found due, without looking whether another has settled them meanwhile.
    PaysFromStaleList,
    /// The joins switch is read now and then, and not in the transaction that it should bind.
    CachesSwitch,
    /// The joins switch is read when a request comes in, and not when it is carried out.
    ChecksSwitchAtDoor,
    /// A limit is looked at, but a call that passes is not counted.
    LimitsWithoutTaking,
    /// What rounding leaves goes to the treasury.
    KeepsRemainder,
    /// What rounding leaves goes to nobody.
    LosesRemainder,
    /// A wallet's total grows without a transfer.
    CreditsWithoutTransfer,
    /// A settler that meets a round of one market leaves it for later, and all after it, for ever.
    LeavesRounds,
    /// What was told of a join is told otherwise later.
    RewritesAuditLog,
    /// A join that is refused has opened its account.
    RefusalOpensAccount,
    /// A batch takes the node's time as it is, without the mark below which the desk's time never falls.
    TrustsOwnClock,
    /// Whether a round is open is judged by the node's clock, and its seal is not looked at.
    JoinsSealedRound,
    /// Signing and sending a payment are one step, before it is recorded.
    SendsBeforeRecord,
    /// A payment that no node shows, or that cannot be asked for, is taken for dead.
    UnknownIsDead,
    /// A payment that one node has heard of is taken for final.
    TakesWordForFinal,
    /// A payout that is final is taken off its wallet once more.
    DebitsTwice,
    /// Whoever signs does not look at the stop.
    SignsPastStop,
    /// An idempotency key is forgotten after a while.
    KeyForgotten,
    /// A wallet goes on paying after a restore by what its chain holds, without a look at what was signed since.
    RepaysAfterRestore,
    /// Whoever accepts orders does not look at the stop.
    AcceptsPastStop,
    /// An order that is refused for a stop is kept, and carried out a minute later.
    TakesUpRefused,
    /// Whoever owes takes a stop for a refusal for good, and asks no more.
    TakesStopForRefusal,
    /// What is signed anew counts as brought back by the journal.
    SignsAsImported,
    /// A transaction that is final is forgotten.
    ForgetsAttempts,
    /// What waits is taken back, and nobody asked for that.
    CancelsUnasked,
    /// Two accounts say that something was moved between them, and no transfer does.
    MovesWithoutTransfer,
    /// A process stops itself as if the disk had failed, and it has not.
    BlamesDisk,
    /// What a payout reserves is open for the next settlement all the same.
    ReservesTwice,
    /// The kill cursor moves on, and the row of the kills is not written.
    MovesCursorAlone,
    /// The window of the caps begins hours too late.
    MisplacesCapWindow,
    /// What dry-run invented is paid once dry-run ends.
    PaysDryRunRows,
    /// Pruning takes a row that is not settled yet.
    PrunesOpenRows,
    /// The desk does not halt when its wallet goes on after a restore without its journal.
    DeafToBlindness,
    /// A player's first wallet is paid for ever, whichever was linked since.
    PaysOldWallet,
    /// As long as nobody can tell a player's kills they are taken for none.
    SilenceIsZero,
    /// An account that comes back earns once more from where it first earned.
    BeginsAccountAnew,
    /// One player is left out of every settlement.
    LeavesPlayerOut,
    /// Payouts that failed are pruned at once.
    ForgetsFailedPayouts,
    /// What was signed is told otherwise later.
    RewritesAttempts,
    /// Whoever adopts payments after a restore overlooks the newest one.
    OverlooksPayment,
}

impl Bug {
    /// Every planted bug with its name on the command line and the rule that it shows as a breach of.
    pub const ALL: [(&'static str, Bug, Invariant); 43] = [
        ("answers-before-commit", Bug::AnswersBeforeCommit, Invariant::Durable),
        ("retries-with-new-id", Bug::RetriesWithNewId, Invariant::Once),
        ("retries-blindly", Bug::RetriesBlindly, Invariant::Once),
        ("pays-from-stale-list", Bug::PaysFromStaleList, Invariant::Once),
        ("caches-switch", Bug::CachesSwitch, Invariant::StopBinds),
        ("checks-switch-at-door", Bug::ChecksSwitchAtDoor, Invariant::StopBinds),
        ("limits-without-taking", Bug::LimitsWithoutTaking, Invariant::Limits),
        ("keeps-remainder", Bug::KeepsRemainder, Invariant::RoundExact),
        // The desk's own invariant stops it before the witness can see it.
        ("loses-remainder", Bug::LosesRemainder, Invariant::NoFailStop),
        ("credits-without-transfer", Bug::CreditsWithoutTransfer, Invariant::LedgerZero),
        ("leaves-rounds", Bug::LeavesRounds, Invariant::Settles),
        ("rewrites-audit-log", Bug::RewritesAuditLog, Invariant::AuditChain),
        ("refusal-opens-account", Bug::RefusalOpensAccount, Invariant::RefusedNoTrace),
        ("trusts-own-clock", Bug::TrustsOwnClock, Invariant::TimeMonotone),
        ("joins-sealed-round", Bug::JoinsSealedRound, Invariant::InWindow),
        ("sends-before-record", Bug::SendsBeforeRecord, Invariant::BytesFirst),
        ("unknown-is-dead", Bug::UnknownIsDead, Invariant::PaidOnce),
        ("takes-word-for-final", Bug::TakesWordForFinal, Invariant::ChainIsBook),
        ("debits-twice", Bug::DebitsTwice, Invariant::ChainIsBook),
        ("signs-past-stop", Bug::SignsPastStop, Invariant::NoSignAfterStop),
        ("key-forgotten", Bug::KeyForgotten, Invariant::Once),
        ("repays-after-restore", Bug::RepaysAfterRestore, Invariant::RestoreNeverRepays),
        ("accepts-past-stop", Bug::AcceptsPastStop, Invariant::StopBinds),
        ("takes-up-refused", Bug::TakesUpRefused, Invariant::RefusedNoTrace),
        ("takes-stop-for-refusal", Bug::TakesStopForRefusal, Invariant::PaidOnce),
        ("signs-as-imported", Bug::SignsAsImported, Invariant::RestoreNeverRepays),
        ("forgets-attempts", Bug::ForgetsAttempts, Invariant::Durable),
        ("cancels-unasked", Bug::CancelsUnasked, Invariant::PaidOnce),
        ("moves-without-transfer", Bug::MovesWithoutTransfer, Invariant::LedgerZero),
        ("blames-disk", Bug::BlamesDisk, Invariant::NoFailStop),
        ("reserves-twice", Bug::ReservesTwice, Invariant::PaidOnce),
        ("moves-cursor-alone", Bug::MovesCursorAlone, Invariant::KillsOnce),
        ("misplaces-cap-window", Bug::MisplacesCapWindow, Invariant::Caps),
        ("pays-dry-run-rows", Bug::PaysDryRunRows, Invariant::DryRunApart),
        ("prunes-open-rows", Bug::PrunesOpenRows, Invariant::Accrued),
        ("deaf-to-blindness", Bug::DeafToBlindness, Invariant::RestoreNeverRepays),
        ("pays-old-wallet", Bug::PaysOldWallet, Invariant::PaidOnce),
        ("silence-is-zero", Bug::SilenceIsZero, Invariant::KillsOnce),
        ("begins-account-anew", Bug::BeginsAccountAnew, Invariant::KillsOnce),
        ("leaves-player-out", Bug::LeavesPlayerOut, Invariant::PaidOnce),
        ("forgets-failed-payouts", Bug::ForgetsFailedPayouts, Invariant::Durable),
        ("rewrites-attempts", Bug::RewritesAttempts, Invariant::Durable),
        ("overlooks-payment", Bug::OverlooksPayment, Invariant::RestoreNeverRepays),
    ];

    /// The room that it is in.
    #[must_use]
    pub fn room(self) -> Room {
        match self {
            Bug::AnswersBeforeCommit
            | Bug::RetriesWithNewId
            | Bug::RetriesBlindly
            | Bug::PaysFromStaleList
            | Bug::CachesSwitch
            | Bug::ChecksSwitchAtDoor
            | Bug::LimitsWithoutTaking
            | Bug::KeepsRemainder
            | Bug::LosesRemainder
            | Bug::CreditsWithoutTransfer
            | Bug::LeavesRounds
            | Bug::RewritesAuditLog
            | Bug::RefusalOpensAccount
            | Bug::TrustsOwnClock
            | Bug::JoinsSealedRound => Room::Rounds,
            Bug::SendsBeforeRecord
            | Bug::UnknownIsDead
            | Bug::TakesWordForFinal
            | Bug::DebitsTwice
            | Bug::SignsPastStop
            | Bug::KeyForgotten
            | Bug::RepaysAfterRestore
            | Bug::AcceptsPastStop
            | Bug::TakesUpRefused
            | Bug::TakesStopForRefusal
            | Bug::SignsAsImported
            | Bug::ForgetsAttempts
            | Bug::CancelsUnasked
            | Bug::MovesWithoutTransfer
            | Bug::BlamesDisk => Room::Payouts,
            Bug::ReservesTwice
            | Bug::MovesCursorAlone
            | Bug::MisplacesCapWindow
            | Bug::PaysDryRunRows
            | Bug::PrunesOpenRows
            | Bug::DeafToBlindness
            | Bug::PaysOldWallet
            | Bug::SilenceIsZero
            | Bug::BeginsAccountAnew
            | Bug::LeavesPlayerOut
            | Bug::ForgetsFailedPayouts
            | Bug::RewritesAttempts
            | Bug::OverlooksPayment => Room::Faucet,
        }
    }

    /// The rule that it shows as a breach of.
    #[must_use]
    pub fn breaks(self) -> Invariant {
        let found = Bug::ALL.iter().find(|(_, bug, _)| *bug == self);
        found.map_or(Invariant::NoFailStop, |(_, _, invariant)| *invariant)
    }

    /// The bug of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Bug> {
        Bug::ALL.iter().find(|(known, _, _)| *known == name).map(|(_, bug, _)| *bug)
    }
}
