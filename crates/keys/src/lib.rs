//! Signing keys: sealed at rest, signing only what a policy has authorised, retired for good, and proven to open.
//!
//! Start with [`Keystore`]. A payment is signed like this; each line in one transaction or after it, as it says:
//!
//! ```text
//! in a transaction    authorize(orders)          limits decide and are charged; an Authorization for each that passes
//!   in the same one   signer(authorization)      local keys: sign, store the attempt, commit
//!   or after commit   signer_after_commit(..)    any key: sign, then authorize again beside storing the attempt
//! ```
//!
//! What makes it safe, and where:
//!
//! 1. **No authorisation, no signature.** Only the decision in [`policy`](Decision) makes an [`Authorization`]; a signer
//!    is had for one, once its record is found under the transaction that it names.
//! 2. **A stop binds.** Switches are read under a lock in the transaction that signs. Stopped, unreadable and unknown
//!    are one answer, no.
//! 3. **A row that was touched does not open.** Secrets are sealed to their row, key, desk, chain, purpose, public key
//!    and state ([`SealError`]).
//! 4. **Nothing shows.** Secrets are wiped when dropped, and no `Debug`, error, event or report holds one.
//!
//! Caps bound what is *authorised*: a signature that may exist is money that may leave, so what was charged stays
//! charged until its windows have passed, whatever became of the payment.

mod add;
mod authorize;
mod change;
mod commands;
mod ed25519;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod kek;
mod kek_command;
mod kek_source;
mod key;
mod keystore;
mod limits;
mod policy;
mod recovered;
mod rejection;
mod remote;
mod rotation;
mod scheme;
mod seal;
mod secret;
mod signer;
mod sql;
mod standing;
mod stops;
mod verify;

pub use add::{NewKey, Origin};
pub use authorize::{ApprovedDecision, PAYMENT_ACTION};
pub use change::{Change, Done};
pub use commands::{KeyCommands, KeyFault, KeyList, KeyShown, Rotated, RotationShown, Verified};
pub use ed25519::Ed25519;
pub use kek::{Kek, KekId, KeyRing};
pub use kek_source::{KekError, KekSource};
pub use key::{Holder, KekUse, KeyId, Noted, SigningKey};
pub use keystore::{KeyRecord, Keystore, Rings, keys_beyond};
pub use policy::{
    AUTHORIZATION_LIFETIME_MS, ApprovalRule, Authorization, Decision, Order, Policy, RollingCap, Work,
};
pub use rejection::{CODES, KeyError, Rejection};
pub use remote::{Credential, Endpoint, HMAC_HEADER, SigningRequest};
pub use rotation::{Rotation, RotationStep};
pub use scheme::{KeyScheme, PublicKey, Schemes};
pub use seal::SealError;
pub use secret::{KeySecret, SECRET_LENGTH_MAX};
pub use signer::AuthorizedSigner;
pub use stops::SigningStops;
pub use verify::{KeyCheck, KeyFinding};

use bursar_store::{Migration, StoreError};

/// The tables of this room.
pub const MIGRATIONS: [Migration; 1] =
    [Migration { name: "keys/0001_keys", epoch: 1, sql: include_str!("../migrations/0001_keys.sql") }];

/// What an operation ends in: the store's fault outside, everything else inside. One that was not done has written
/// nothing, so the transaction may be committed with a record of the refusal.
pub type Outcome<T> = Result<Result<T, KeyError>, StoreError>;

/// Takes the value of an accepted step, or returns its error from an [`Outcome`] function.
macro_rules! accepted {
    ($step:expr) => {
        match $step {
            Ok(value) => value,
            Err(error) => return Ok(Err(error.into())),
        }
    };
}
pub(crate) use accepted;
