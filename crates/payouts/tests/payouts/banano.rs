//! Banano's keys as a scheme of the key store: a seed, its account 0, and Ed25519 over BLAKE2b.

use bursar_banano::{PublicKey as BananoKey, Seed, Signature};
use bursar_chain::Address;
use bursar_keys::{KeyScheme, KeySecret, PublicKey};

pub struct BananoScheme;

fn key_of(secret: &KeySecret) -> Option<bursar_banano::SecretKey> {
    let seed: [u8; 32] = secret.expose().try_into().ok()?;
    Some(Seed::from_bytes(seed).secret_key(0))
}

fn public(key: &PublicKey) -> Option<BananoKey> {
    key.0.as_slice().try_into().ok().map(BananoKey)
}

impl KeyScheme for BananoScheme {
    fn name(&self) -> &'static str {
        "banano_seed"
    }

    fn public_key(&self, secret: &KeySecret) -> Option<PublicKey> {
        key_of(secret).map(|key| PublicKey(key.public_key().0.to_vec()))
    }

    fn address(&self, public_key: &PublicKey) -> Option<Address> {
        let key = public(public_key).filter(BananoKey::can_sign)?;
        Some(Address::from_canonical(key.address()))
    }

    fn sign(&self, secret: &KeySecret, message: &[u8]) -> Option<Vec<u8>> {
        key_of(secret).map(|key| key.sign(message).0.to_vec())
    }

    fn verifies(&self, public_key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        let (Some(key), Ok(signature)) = (public(public_key), signature.try_into()) else { return false };
        key.verifies(message, &Signature(signature))
    }
}
