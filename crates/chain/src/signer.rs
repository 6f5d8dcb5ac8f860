//! Whoever holds a key.

use crate::{Address, SignError};

/// Signs for one account, here or far away. It returns signatures and never sends: an interface that signs and sends in
/// one call is of no use, because its bytes cannot be recorded first.
///
/// A signer refuses while a stop is on, or while it cannot tell.
pub trait Signer: Send + Sync {
    /// The account that it signs for.
    fn address(&self) -> &Address;

    /// The signature over `message` in the chain's own scheme. The same message gives the same signature or a refusal.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}
