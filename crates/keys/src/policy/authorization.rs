//! Leave to sign: made by the policy's decision and by nothing else.

use bursar_store::Timestamp;
use uuid::Uuid;

use super::order::Work;
use crate::KeyId;

/// Longest time between the charge of an authorisation and its signature, in milliseconds: an hour.
pub const AUTHORIZATION_LIFETIME_MS: i64 = 3_600_000;

/// Leave to sign one intent once. It cannot be made, copied or stored outside the decision ([`super::decide`]), and is
/// worth nothing without its record: a signer is had only in the transaction that wrote it, or once that has committed.
///
/// ```compile_fail,E0451
/// # use bursar_keys::{Authorization, KeyId, Work};
/// # fn forge(key: KeyId, expires_at: bursar_store::Timestamp, batch: uuid::Uuid) -> Authorization {
/// Authorization { intent: "p1".to_owned(), key, work: Work::Upkeep, expires_at, batch }
/// # }
/// ```
/// ```compile_fail,E0599
/// # use bursar_keys::Authorization;
/// # fn twice(authorization: Authorization) -> [Authorization; 2] {
/// [authorization.clone(), authorization]
/// # }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an authorisation that is not signed was still charged"]
pub struct Authorization {
    intent: String,
    key: KeyId,
    work: Work,
    expires_at: Timestamp,
    batch: Uuid,
}

impl Authorization {
    /// Seen by the decision alone.
    pub(super) fn grant(
        intent: String,
        key: KeyId,
        work: Work,
        expires_at: Timestamp,
        batch: Uuid,
    ) -> Authorization {
        Authorization { intent, key, work, expires_at, batch }
    }

    /// The intent.
    #[must_use]
    pub fn intent(&self) -> &str {
        &self.intent
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &KeyId {
        &self.key
    }

    /// What may be signed: build the transaction from this and nothing else.
    #[must_use]
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// From when on it is no longer signed.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The transaction that recorded it.
    pub(crate) fn batch(&self) -> Uuid {
        self.batch
    }
}
