//! What the fuzz targets call: opening a sealed secret, and reading a remote signer's answer.

use crate::seal::{self, Binding, Sealed};
use crate::{KekId, KeyId, KeyRing, KeySecret, SealError, remote};

/// Opens `bytes` (ciphertext and tag) that stand in the row of a local key called `key`, sealed with the ring's
/// current key-encryption key.
///
/// # Errors
/// Whatever opening a stored secret ends in.
pub fn open_sealed(ring: &KeyRing, key: &KeyId, nonce: &[u8], bytes: &[u8]) -> Result<KeySecret, SealError> {
    let kek = KekId::stored(ring.current_id().to_string());
    let sealed = Sealed { kek, nonce: nonce.to_vec(), bytes: bytes.to_vec() };
    seal::open(ring, &binding(key), &sealed)
}

/// Seals `secret` for the same row; nonce, then ciphertext and tag.
///
/// # Errors
/// Whatever sealing ends in.
pub fn sealed(
    ring: &KeyRing,
    key: &KeyId,
    secret: &KeySecret,
    entropy: &dyn bursar_access::Entropy,
) -> Result<(Vec<u8>, Vec<u8>), SealError> {
    seal::seal(ring, &binding(key), secret, entropy).map(|sealed| (sealed.nonce, sealed.bytes))
}

/// The signature in a remote signer's answer; `None` = there is none that could be meant.
#[must_use]
pub fn remote_signature(body: &[u8]) -> Option<Vec<u8>> {
    remote::signature(body)
}

fn binding(key: &KeyId) -> Binding<'_> {
    Binding {
        row: 1,
        key,
        desk: "faucet",
        chain: "banano",
        purpose: "payouts",
        scheme: "ed25519",
        holder: "local",
        endpoint: "",
        public_key: &[0; 32],
        is_retired: false,
    }
}
