//! Proving that every key is there: its secret opens, and the public key that follows from it is the recorded one.

use bursar_store::{StoreError, Tx};

use crate::key::{Holder, KeyId, SigningKey};
use crate::{KeyError, Keystore, SealError};

/// What is wrong with a key, or that nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFinding {
    /// The secret opens and gives the recorded public key and account.
    Sound,
    /// The credential of a remote signer opens; the private key is elsewhere, and its signatures are verified one by one.
    Remote,
    /// The secret does not open.
    Closed(SealError),
    /// The key is retired, and its secret is sealed as before: it did not open then, or the key was retired by hand.
    RetiredUnsealed,
    /// The secret opens and gives another public key.
    OtherPublicKey,
    /// The public key gives another account.
    OtherAddress,
    /// This program does not know the scheme.
    SchemeUnknown,
}

/// One key and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCheck {
    /// The key.
    pub key: KeyId,
    /// Whether it is retired: those are proven too.
    pub is_retired: bool,
    /// What was found.
    pub finding: KeyFinding,
}

impl KeyFinding {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        match self {
            KeyFinding::Sound | KeyFinding::Remote => true,
            KeyFinding::Closed(_)
            | KeyFinding::RetiredUnsealed
            | KeyFinding::OtherPublicKey
            | KeyFinding::OtherAddress
            | KeyFinding::SchemeUnknown => false,
        }
    }

    /// A stable word for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            KeyFinding::Sound => "sound",
            KeyFinding::Remote => "remote",
            KeyFinding::Closed(SealError::KekMissing { .. }) => "kek_missing",
            KeyFinding::Closed(SealError::Altered(_) | SealError::Length(_)) => "altered",
            KeyFinding::Closed(SealError::Missing(_)) => "secret_missing",
            KeyFinding::RetiredUnsealed => "retired_unsealed",
            KeyFinding::OtherPublicKey => "other_public_key",
            KeyFinding::OtherAddress => "other_address",
            KeyFinding::SchemeUnknown => "scheme_unknown",
        }
    }
}

impl Keystore {
    /// Opens every key's secret, retired ones too, and compares what follows from it. Call it in a transaction that only
    /// reads: it sees one moment, and works beside a rotation.
    pub fn verify(&self, tx: &mut Tx<'_>) -> Result<Vec<KeyCheck>, StoreError> {
        let mut checks = Vec::new();
        for row in crate::sql::all_keys(tx)? {
            let finding = match self.open_to_seal(tx, &row.key)? {
                Ok((secret, _, is_sealed_retired)) => match self.compare(&row.key, &secret) {
                    found if found.is_sound() && row.key.retired.is_some() != is_sealed_retired => {
                        KeyFinding::RetiredUnsealed
                    }
                    found => found,
                },
                Err(KeyError::Sealed(error)) => KeyFinding::Closed(error),
                Err(KeyError::Rejected(_)) => KeyFinding::Closed(SealError::Missing(row.key.id.clone())),
            };
            checks.push(KeyCheck { is_retired: row.key.retired.is_some(), key: row.key.id, finding });
        }
        Ok(checks)
    }

    fn compare(&self, key: &SigningKey, secret: &crate::KeySecret) -> KeyFinding {
        let Ok(scheme) = self.scheme(&key.scheme) else { return KeyFinding::SchemeUnknown };
        if scheme.address(&key.public_key).as_ref() != Some(&key.address) {
            return KeyFinding::OtherAddress;
        }
        match key.holder {
            Holder::Remote { .. } => KeyFinding::Remote,
            Holder::Local if scheme.public_key(secret).as_ref() == Some(&key.public_key) => KeyFinding::Sound,
            Holder::Local => KeyFinding::OtherPublicKey,
        }
    }
}
