//! What an account has done so far, for chains that can tell it.

use bursar_money::Amount;

use crate::{Address, ChainError, TransactionId};

/// A final transaction of an account's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its id.
    pub id: TransactionId,
    /// The account's transaction before it; `None` = it is the first.
    pub previous: Option<TransactionId>,
    /// Whom it paid how much, in base units; `None` = it pays nobody.
    pub sent: Option<(Address, Amount)>,
}

/// A chain that tells an account's own past, so that what left the account can be found without knowing of it. It does network
/// I/O, blocks within the time limits that the chain was configured with, and is never called inside a database transaction.
pub trait History: Send + Sync {
    /// *Asks.* Up to `most` (at most 100) of the account's final transactions, newest first, beginning with `from`, or with its
    /// newest when that is `None`; fewer only where the account begins, and none when it has none. Each is the one that the one
    /// before it in the answer names as its `previous`, by the word of as many nodes as must agree. Fails while the newest
    /// transaction of the account is not final, and for a `from` that is not the account's.
    fn past(
        &self,
        account: &Address,
        from: Option<&TransactionId>,
        most: usize,
    ) -> Result<Vec<Past>, ChainError>;
}
