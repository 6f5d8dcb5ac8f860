//! A signing key as it is recorded: whose, for what, where its secret is, and whether it may sign.

use std::fmt;

use bursar_chain::Address;
use bursar_store::Timestamp;

use crate::remote::{Credential, Endpoint};
use crate::seal::Binding;
use crate::{KekId, PublicKey, Rejection};

/// Longest name of a key, desk, chain or purpose, in bytes.
const NAME_LENGTH_MAX: usize = 40;

/// Name of a signing key: 2 to 40 characters of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// Reads a name.
    ///
    /// # Errors
    /// [`Rejection::Invalid`].
    pub fn parse(text: &str) -> Result<KeyId, Rejection> {
        check_name("key name", text).map(|()| KeyId(text.to_owned()))
    }

    pub(crate) fn stored(text: String) -> KeyId {
        KeyId(text)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses a name that is not 2 to 40 characters of a-z, 0-9, `.`, `_` and `-`.
pub(crate) fn check_name(field: &'static str, text: &str) -> Result<(), Rejection> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_well = text.bytes().next().is_some_and(letter);
    let goes_on_well = text.bytes().all(|byte| letter(byte) || matches!(byte, b'.' | b'_' | b'-'));
    let fits = (2..=NAME_LENGTH_MAX).contains(&text.len());
    let rule = "it is 2 to 40 characters of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit";
    (starts_well && goes_on_well && fits).then_some(()).ok_or(Rejection::Invalid { field, rule })
}

/// Who holds the private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// This store, sealed.
    Local,
    /// A signer behind HTTP; what this store seals is the credential it is called with.
    Remote {
        /// Where it is.
        endpoint: Endpoint,
        /// How it is called.
        credential: Credential,
    },
}

impl Holder {
    /// Its stored name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Holder::Local => "local",
            Holder::Remote { credential: Credential::Bearer, .. } => "remote_bearer",
            Holder::Remote { credential: Credential::Hmac, .. } => "remote_hmac",
        }
    }

    /// The remote signer's URL; empty = none.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        match self {
            Holder::Local => "",
            Holder::Remote { endpoint, .. } => endpoint.as_str(),
        }
    }
}

/// That something happened: who, when, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Who, as the audit log calls them.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    pub reason: String,
}

/// A signing key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name.
    pub id: KeyId,
    /// The one desk whose wallet it is.
    pub desk: String,
    /// The chain it signs for.
    pub chain: String,
    /// What it is for.
    pub purpose: String,
    /// Name of its signature scheme.
    pub scheme: String,
    /// Who holds the private key.
    pub holder: Holder,
    /// The public key.
    pub public_key: PublicKey,
    /// Its account.
    pub address: Address,
    /// Who added it, as the audit log calls them.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Retired for good.
    pub retired: Option<Noted>,
    /// Stopped until it is resumed.
    pub stopped: Option<Noted>,
}

impl SigningKey {
    /// Whether it signs nothing whatever the policy says, and why.
    ///
    /// # Errors
    /// [`Rejection::KeyRetired`] and [`Rejection::KeyStopped`].
    pub fn check_standing(&self) -> Result<(), Rejection> {
        match (&self.retired, &self.stopped) {
            (Some(_), _) => Err(Rejection::KeyRetired),
            (None, Some(stopped)) => Err(Rejection::KeyStopped { reason: stopped.reason.clone() }),
            (None, None) => Ok(()),
        }
    }

    pub(crate) fn binding(&self, row: i64, is_retired: bool) -> Binding<'_> {
        Binding {
            row,
            key: &self.id,
            desk: &self.desk,
            chain: &self.chain,
            purpose: &self.purpose,
            scheme: &self.scheme,
            holder: self.holder.name(),
            endpoint: self.holder.endpoint(),
            public_key: &self.public_key.0,
            is_retired,
        }
    }
}

/// How many secrets a key-encryption key seals.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KekUse {
    /// Which.
    pub kek: KekId,
    /// Secrets sealed with it.
    pub secrets: u64,
    /// Whether this process can open them.
    pub is_held: bool,
    /// Whether this process seals with it.
    pub is_current: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_name_is_2_to_40_characters_of_lower_case() {
        for good in ["ab", "hot-1", "0x", "a_b.c", &"a".repeat(40)] {
            assert_eq!(KeyId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a", "-a", ".a", "Hot", "a b", "a\0", "ä1", &"a".repeat(41)] {
            assert_eq!(KeyId::parse(bad).unwrap_err().code(), "invalid_body", "{bad}");
        }
    }
}
