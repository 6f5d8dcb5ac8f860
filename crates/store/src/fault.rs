//! Faults between any two steps of a transaction, for tests and the simulator: both engines pass through here.

/// A step that a fault can be put before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The transaction is about to begin.
    Begin,
    /// A statement is about to run.
    Statement,
    /// The commit guards have agreed and COMMIT is about to be sent.
    Commit,
    /// COMMIT succeeded and the caller is about to be told.
    Committed,
}

/// What happens instead of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injected {
    /// The engine refuses the statement.
    StatementFails,
    /// The connection is gone; the transaction never was.
    ConnectionLost,
    /// The commit conflicts with another transaction.
    Conflict,
    /// The disk is full.
    DiskFull,
    /// The step runs, but its answer is lost: the outcome of a commit is unknown.
    AnswerLost,
    /// The process dies here.
    Kill,
}

/// Decides about each step; asked from whatever thread runs the transaction.
pub trait Faults: Send + Sync {
    /// The fault to put before `step` of the unit of work called `unit`, if any.
    fn before(&self, unit: &'static str, step: Step) -> Option<Injected>;
}
