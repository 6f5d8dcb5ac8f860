//! Why the store could not do what was asked: our faults, never the caller's.

/// A failure of the store. The text is for logs; what a client sees is made above.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another transaction was in the way (serialization failure, deadlock): run the whole unit again.
    #[error("conflict with another transaction, to be run again: {0}")]
    Conflict(String),
    /// A row with this key is there already: another transaction was faster, and the unit sees its row when it runs
    /// again, or the unit itself is at fault.
    #[error("a row with this key is there already: {0}")]
    Duplicate(String),
    /// The engine is out of reach or timed out; nothing of this transaction was committed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// No space is left where the database lives.
    #[error("the disk holding the database is full: {0}")]
    DiskFull(String),
    /// COMMIT was sent and no answer came; the batch id tells what became of it.
    #[error("the outcome of a commit is unknown: {0}")]
    UnknownCommit(String),
    /// A statement was refused by the engine: a constraint, a type, or a bug of ours.
    #[error("a statement failed: {0}")]
    Statement(String),
    /// A stored value does not read as what its column promises.
    #[error("a stored value does not decode: {0}")]
    Decode(String),
    /// The schema is not the one this binary works on.
    #[error("the schema does not fit this binary: {0}")]
    Schema(String),
    /// A guard refused the commit, such as a stop that arrived meanwhile: the unit is run again and sees it.
    #[error("the commit was held back by a guard: {0}")]
    Guarded(String),
    /// The lease is no longer ours: a newer holder has a higher fencing token.
    #[error("the lease {0} is held by somebody else")]
    LeaseLost(String),
}

impl StoreError {
    /// Whether running the same unit again at once may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.runs_max() > 1
    }

    /// Times that a unit of work which ends like this is run before it is given up.
    pub(crate) fn runs_max(&self) -> u32 {
        match self {
            StoreError::Conflict(_) | StoreError::Guarded(_) | StoreError::UnknownCommit(_) => 24,
            StoreError::Duplicate(_) => 4,
            StoreError::Unavailable(_)
            | StoreError::DiskFull(_)
            | StoreError::Statement(_)
            | StoreError::Decode(_)
            | StoreError::Schema(_)
            | StoreError::LeaseLost(_) => 1,
        }
    }

    /// Whether one command of a batch may be the cause, so that halving the batch can isolate it.
    #[must_use]
    pub fn may_be_poison(&self) -> bool {
        matches!(self, StoreError::Statement(_) | StoreError::Duplicate(_) | StoreError::Decode(_))
    }
}

/// Why another user or password of the database is not taken. The former one stays in use.
#[derive(Debug, thiserror::Error)]
pub enum SignInRefusal {
    /// It is not the same database.
    #[error("names another server, database or option than the one in use")]
    OtherPlace,
    /// Nobody can sign in with it, or what its user may do cannot be told.
    #[error("does not work: {0}")]
    Store(#[source] StoreError),
    /// The user may do less than the former one.
    #[error("names a user who may not do what the former could: {}", .0.join(", "))]
    Rights(Vec<String>),
}
