//! Finding out what an act is without doing it, so that approval can be asked for exactly it.

use std::sync::{Mutex, PoisonError};

use bursar_store::{Store, StoreError, Tx};

use crate::Act;
use crate::rejection::Rejection;

/// Finds out what an act is, so that approval can be asked for exactly it: whoever brings one is refused, and the act
/// that would have been admitted stands in it.
#[derive(Debug, Default)]
pub struct Draft(Mutex<Option<Drafted>>);

/// An act that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drafted {
    /// What would have been done.
    pub act: Act,
    /// How many other people must approve it; 0 = none.
    pub approvals_needed: u32,
}

impl Draft {
    /// What was drafted; `None` = nothing came to be admitted.
    #[must_use]
    pub fn take(&self) -> Option<Drafted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn put(&self, drafted: Drafted) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(drafted);
    }
}

/// Runs `work` as [`Store::transact`] does. With a draft nothing of it is committed, whatever `work` did: what came to its
/// end without being put to admission is [`Rejection::ApprovalNotNeeded`].
///
/// # Errors
/// The store's; inside, the rejection.
pub fn transact_unless_drafting<T, E: From<Rejection>>(
    store: &Store,
    unit: &'static str,
    draft: Option<&Draft>,
    mut work: impl FnMut(&mut Tx<'_>) -> Result<Result<T, E>, StoreError>,
) -> Result<Result<T, E>, StoreError> {
    if draft.is_none() {
        return store.transact(unit, work);
    }
    let mut ended = None;
    let undone = store.transact(unit, |tx| {
        ended = Some(work(tx)?.map(|_| ()));
        Err::<(), _>(StoreError::Statement("what is only drafted is not committed".to_owned()))
    });
    match (ended, undone) {
        (Some(Err(rejection)), _) => Ok(Err(rejection)),
        (Some(Ok(())), _) => Ok(Err(Rejection::ApprovalNotNeeded.into())),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(StoreError::Decode("a draft that left nothing".to_owned())),
    }
}
