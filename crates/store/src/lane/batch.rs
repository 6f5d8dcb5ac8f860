//! One batch of a lane: one transaction, and halving to find the one command that makes it fail.

use super::Work;
use crate::{Store, StoreError, invariant};

/// Why a command has no reply. Nothing of it was committed, but for `UnknownOutcome`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneFault {
    /// The store cannot take writes now; asking again later is safe.
    #[error("the store cannot take writes now: {0}")]
    Unavailable(String),
    /// This command alone makes the engine refuse; it is a bug of ours and is logged.
    #[error("the command was refused by the store: {0}")]
    Poison(String),
    /// The commit was sent and what became of it cannot be found out; asking again with the same id tells.
    #[error("the outcome is unknown: {0}")]
    UnknownOutcome(String),
    /// The lane is shutting down.
    #[error("the server is shutting down")]
    Closed,
}

/// Runs `commands` as one transaction. If the engine refuses a statement, the batch is halved until the command at
/// fault stands alone; a failing disk or connection is not tried command by command.
pub fn run_batch<W: Work>(
    store: &Store,
    work: &mut W,
    commands: &[W::Command],
) -> Vec<Result<W::Reply, LaneFault>> {
    if commands.is_empty() {
        return Vec::new();
    }
    let unit = work.unit();
    let result = store.transact(unit, |tx| work.run(tx, commands));
    match result {
        Ok(replies) => {
            invariant!(replies.len() == commands.len(), "{unit}: {} replies", replies.len());
            replies.into_iter().map(Ok).collect()
        }
        Err(error) if error.may_be_poison() && commands.len() > 1 => {
            tracing::warn!(unit, %error, size = commands.len(), "a batch failed; halving it to find the cause");
            let (front, back) = commands.split_at(commands.len() / 2);
            let mut replies = run_batch(store, work, front);
            replies.extend(run_batch(store, work, back));
            replies
        }
        Err(error) => {
            tracing::error!(unit, %error, size = commands.len(), "a batch failed");
            let fault = fault_of(&error);
            commands.iter().map(|_| Err(fault.clone())).collect()
        }
    }
}

fn fault_of(error: &StoreError) -> LaneFault {
    match error {
        StoreError::UnknownCommit(text) => LaneFault::UnknownOutcome(text.clone()),
        StoreError::Statement(text) | StoreError::Duplicate(text) | StoreError::Decode(text) => {
            LaneFault::Poison(text.clone())
        }
        StoreError::Conflict(_)
        | StoreError::Unavailable(_)
        | StoreError::DiskFull(_)
        | StoreError::Schema(_)
        | StoreError::Guarded(_)
        | StoreError::LeaseLost(_) => LaneFault::Unavailable(error.to_string()),
    }
}
