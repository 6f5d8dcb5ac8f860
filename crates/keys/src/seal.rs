//! Sealing: a secret under XChaCha20-Poly1305, bound to the row that it stands in and to the key that it belongs to.

use bursar_access::Entropy;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Key, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::secret::SECRET_LENGTH_MAX;
use crate::{Kek, KekId, KeyId, KeyRing, KeySecret};

const NONCE_LENGTH: usize = 24;
const TAG_LENGTH: usize = 16;
const FORMAT: &str = "bursar keys sealed secret v1";

/// Why a sealed secret does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The ring lacks the key-encryption key.
    #[error(
        "key {key} is sealed with the key-encryption key {kek}, which this process does not have; name its source"
    )]
    KekMissing {
        /// Whose secret.
        key: KeyId,
        /// What it is sealed with.
        kek: KekId,
    },
    /// The row is not as it was sealed.
    #[error(
        "the sealed secret of key {0} does not open: its row was altered, swapped, or un-retired by hand; restore \
         it from a backup or retire the key"
    )]
    Altered(KeyId),
    /// There is no row, or it holds what cannot be a sealed secret.
    #[error("key {0} has no sealed secret that can be read; restore it from a backup or retire the key")]
    Missing(KeyId),
    /// It cannot be sealed.
    #[error("the secret of key {0} cannot be sealed: it is empty or too long")]
    Length(KeyId),
}

/// What a sealed secret belongs to. It opens for exactly this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a> {
    pub row: i64,
    pub key: &'a KeyId,
    pub desk: &'a str,
    pub chain: &'a str,
    pub purpose: &'a str,
    pub scheme: &'a str,
    pub holder: &'a str,
    pub endpoint: &'a str,
    pub public_key: &'a [u8],
    pub is_retired: bool,
}

/// A sealed secret as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub kek: KekId,
    pub nonce: Vec<u8>,
    /// Ciphertext and tag.
    pub bytes: Vec<u8>,
}

impl Binding<'_> {
    /// Every part with its length, so that no two bindings have the same bytes.
    fn associated_data(&self, kek: &KekId) -> Vec<u8> {
        let row = self.row.to_be_bytes();
        let parts: [&[u8]; 12] = [
            FORMAT.as_bytes(),
            kek.as_str().as_bytes(),
            &row,
            self.key.as_str().as_bytes(),
            self.desk.as_bytes(),
            self.chain.as_bytes(),
            self.purpose.as_bytes(),
            self.scheme.as_bytes(),
            self.holder.as_bytes(),
            self.endpoint.as_bytes(),
            self.public_key,
            &[u8::from(self.is_retired)],
        ];
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// Seals with a nonce of its own, and opens the result again before anybody relies on it.
pub(crate) fn seal(
    ring: &KeyRing,
    binding: &Binding<'_>,
    secret: &KeySecret,
    entropy: &dyn Entropy,
) -> Result<Sealed, SealError> {
    let length = || SealError::Length(binding.key.clone());
    let kek = ring.current().ok_or_else(length)?;
    if secret.expose().is_empty() || secret.expose().len() > SECRET_LENGTH_MAX {
        return Err(length());
    }
    let mut nonce = [0; NONCE_LENGTH];
    entropy.fill(&mut nonce);
    // Filled with the secret and encrypted in place, so that only ciphertext is ever left in it.
    let mut bytes = Zeroizing::new(Vec::with_capacity(secret.expose().len() + TAG_LENGTH));
    bytes.extend_from_slice(secret.expose());
    let data = binding.associated_data(kek.id());
    let tag = cipher(kek)
        .and_then(|cipher| {
            cipher.encrypt_inout_detached(&XNonce::from(nonce), &data, bytes.as_mut_slice().into()).ok()
        })
        .ok_or_else(length)?;
    bytes.extend_from_slice(&tag);
    let sealed = Sealed { kek: kek.id().clone(), nonce: nonce.to_vec(), bytes: std::mem::take(&mut *bytes) };
    match open(ring, binding, &sealed) {
        Ok(opened) if opened.is_same(secret) => Ok(sealed),
        Ok(_) => Err(SealError::Altered(binding.key.clone())),
        Err(error) => Err(error),
    }
}

/// Opens a sealed secret.
pub(crate) fn open(ring: &KeyRing, binding: &Binding<'_>, sealed: &Sealed) -> Result<KeySecret, SealError> {
    let altered = || SealError::Altered(binding.key.clone());
    let kek = ring.get(&sealed.kek);
    let kek =
        kek.ok_or_else(|| SealError::KekMissing { key: binding.key.clone(), kek: sealed.kek.clone() })?;
    let nonce = <[u8; NONCE_LENGTH]>::try_from(sealed.nonce.as_slice()).map_err(|_| altered())?;
    let length = sealed.bytes.len().checked_sub(TAG_LENGTH).ok_or_else(altered)?;
    let (ciphertext, tag) = sealed.bytes.split_at_checked(length).ok_or_else(altered)?;
    let tag = <[u8; TAG_LENGTH]>::try_from(tag).map_err(|_| altered())?;
    let mut secret = KeySecret::zeros(length);
    secret.expose_mut().copy_from_slice(ciphertext);
    let data = binding.associated_data(&sealed.kek);
    let cipher = cipher(kek).ok_or_else(altered)?;
    cipher
        .decrypt_inout_detached(&XNonce::from(nonce), &data, secret.expose_mut().into(), &Tag::from(tag))
        .map_err(|_| altered())?;
    Ok(secret)
}

fn cipher(kek: &Kek) -> Option<XChaCha20Poly1305> {
    let key: &Key = kek.expose().try_into().ok()?;
    Some(XChaCha20Poly1305::new(key))
}

#[cfg(test)]
mod tests;
