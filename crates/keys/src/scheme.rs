//! Signature schemes: how a chain makes public keys, addresses and signatures out of secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bursar_chain::Address;

use crate::KeySecret;

/// A public key in its scheme's bytes. Shown in hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(pub Vec<u8>);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A signature scheme with a chain's addresses. Implemented beside the chain and handed to the key store at start.
pub trait KeyScheme: Send + Sync {
    /// Its name in records. Never changes.
    fn name(&self) -> &'static str;

    /// Bytes of a secret that is drawn.
    fn secret_length(&self) -> usize {
        32
    }

    /// The public key of a secret; `None` = the bytes are no secret of this scheme.
    fn public_key(&self, secret: &KeySecret) -> Option<PublicKey>;

    /// The account of a public key; `None` = nobody can hold it.
    fn address(&self, public_key: &PublicKey) -> Option<Address>;

    /// The signature over `message`, always the same one; `None` = the bytes are no secret of this scheme.
    fn sign(&self, secret: &KeySecret, message: &[u8]) -> Option<Vec<u8>>;

    /// Whether a signature over `message` is that key's.
    fn verifies(&self, public_key: &PublicKey, message: &[u8], signature: &[u8]) -> bool;
}

/// The schemes that a process knows, by name.
#[derive(Clone, Default)]
pub struct Schemes(BTreeMap<&'static str, Arc<dyn KeyScheme>>);

impl Schemes {
    /// These schemes.
    #[must_use]
    pub fn new(schemes: impl IntoIterator<Item = Arc<dyn KeyScheme>>) -> Schemes {
        Schemes(schemes.into_iter().map(|scheme| (scheme.name(), scheme)).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<dyn KeyScheme>> {
        self.0.get(name)
    }
}

impl fmt::Debug for Schemes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
