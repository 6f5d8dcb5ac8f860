//! The key store of a process: what it needs to open secrets, to know schemes, and to hear of stops.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bursar_access::Entropy;
use bursar_store::{StoreError, Tx};

use crate::key::{KekUse, KeyId, SigningKey};
use crate::scheme::{KeyScheme, Schemes};
use crate::sql::{self, SecretRow};
use crate::{KeyRing, KeySecret, Outcome, Policy, Rejection, SealError, SigningStops, accepted, seal};

/// How long a remote signer may take.
const REMOTE_TIME: Duration = Duration::from_secs(10);

/// Where the ring comes from, asked at each use: what seals secrets may be replaced while the process runs.
pub type Rings = Arc<dyn Fn() -> Arc<KeyRing> + Send + Sync>;

/// The key store of a process. It holds key-encryption keys and no secret of any signing key: those are opened for each
/// signature and wiped after it.
pub struct Keystore {
    rings: Rings,
    pub(crate) schemes: Schemes,
    pub(crate) stops: SigningStops,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) remote_time: Duration,
}

/// Keys that may sign and whose secrets are sealed with a key-encryption key that `ring` lacks, in the order of names. A
/// process whose ring this were could not pay from them.
pub fn keys_beyond(tx: &mut Tx<'_>, ring: &KeyRing) -> Result<Vec<KeyId>, StoreError> {
    let sealed = sql::rotation::sealed_keys(tx)?;
    Ok(sealed.into_iter().filter(|(_, kek)| ring.get(kek).is_none()).map(|(key, _)| key).collect())
}

/// A key with its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key.
    pub key: SigningKey,
    /// What it may sign; `None` = nothing.
    pub policy: Option<Policy>,
}

impl Keystore {
    /// A key store with one ring for good. In production `entropy` is [`bursar_access::OsEntropy`].
    #[must_use]
    pub fn new(ring: KeyRing, schemes: Schemes, stops: SigningStops, entropy: Arc<dyn Entropy>) -> Keystore {
        let ring = Arc::new(ring);
        Keystore::following(Arc::new(move || Arc::clone(&ring)), schemes, stops, entropy)
    }

    /// A key store whose ring follows `rings`.
    #[must_use]
    pub fn following(
        rings: Rings,
        schemes: Schemes,
        stops: SigningStops,
        entropy: Arc<dyn Entropy>,
    ) -> Keystore {
        Keystore { rings, schemes, stops, entropy, remote_time: REMOTE_TIME }
    }

    /// The same, waiting this long for a remote signer instead of 10 s.
    #[must_use]
    pub fn with_remote_time(self, remote_time: Duration) -> Keystore {
        Keystore { remote_time, ..self }
    }

    /// The ring as it stands now.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        (self.rings)()
    }

    /// One key.
    pub fn key(&self, tx: &mut Tx<'_>, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        let caps = sql::limits::caps(tx, &[id])?.remove(id);
        Ok(sql::keys(tx, &[id])?.into_iter().next().map(|row| record(row, caps)))
    }

    /// Every key, retired ones too, in the order of names.
    pub fn keys(&self, tx: &mut Tx<'_>) -> Result<Vec<KeyRecord>, StoreError> {
        let rows = sql::all_keys(tx)?;
        let ids: Vec<&KeyId> = rows.iter().map(|row| &row.key.id).collect();
        let mut caps = sql::limits::caps(tx, &ids)?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let caps = caps.remove(&row.key.id);
                record(row, caps)
            })
            .collect())
    }

    /// How many secrets each key-encryption key seals, and which of them this process holds.
    pub fn kek_uses(&self, tx: &mut Tx<'_>) -> Result<Vec<KekUse>, StoreError> {
        let ring = self.ring();
        let uses = sql::rotation::uses(tx)?.into_iter().map(|(kek, secrets)| KekUse {
            secrets: u64::try_from(secrets).unwrap_or(0),
            is_held: ring.get(&kek).is_some(),
            is_current: *ring.current_id() == kek,
            kek,
        });
        Ok(uses.collect())
    }

    pub(crate) fn scheme(&self, name: &str) -> Result<&Arc<dyn KeyScheme>, Rejection> {
        self.schemes.get(name).ok_or_else(|| Rejection::SchemeUnknown(name.to_owned()))
    }

    /// Opens the secret of a key in the state that its row shows.
    pub(crate) fn open(&self, tx: &mut Tx<'_>, key: &SigningKey) -> Outcome<(KeySecret, SecretRow)> {
        let row = accepted!(secret_row(tx, key)?);
        let secret = accepted!(self.open_as(key, &row, key.retired.is_some()));
        Ok(Ok((secret, row)))
    }

    /// Opens the secret of a key to seal it anew. That of a retired key may still be sealed to the state before, since a
    /// key is retired whether its secret opens or not: which of the two it was comes with it. Nothing is signed with it.
    pub(crate) fn open_to_seal(
        &self,
        tx: &mut Tx<'_>,
        key: &SigningKey,
    ) -> Outcome<(KeySecret, SecretRow, bool)> {
        let row = accepted!(secret_row(tx, key)?);
        let is_retired = key.retired.is_some();
        let opened = match self.open_as(key, &row, is_retired) {
            Err(SealError::Altered(_)) if is_retired => {
                self.open_as(key, &row, false).map(|secret| (secret, false))
            }
            opened => opened.map(|secret| (secret, is_retired)),
        };
        let (secret, is_sealed_retired) = accepted!(opened);
        Ok(Ok((secret, row, is_sealed_retired)))
    }

    fn open_as(&self, key: &SigningKey, row: &SecretRow, is_retired: bool) -> Result<KeySecret, SealError> {
        seal::open(&self.ring(), &key.binding(row.row, is_retired), &row.sealed)
    }
}

fn secret_row(tx: &mut Tx<'_>, key: &SigningKey) -> Outcome<SecretRow> {
    Ok(sql::secret(tx, &key.id)?.ok_or_else(|| SealError::Missing(key.id.clone()).into()))
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystore")
            .field("ring", &self.ring())
            .field("schemes", &self.schemes)
            .finish_non_exhaustive()
    }
}

fn record(row: sql::KeyRow, caps: Option<Vec<crate::RollingCap>>) -> KeyRecord {
    let policy = row.policy.map(|policy| Policy { caps: caps.unwrap_or_default(), ..policy });
    KeyRecord { key: row.key, policy }
}
