//! The operator's key: a Banano seed and its account 0, as a scheme of the key store (docs/spec/faucet.md 5.1).

use bursar_banano::{PublicKey as BananoKey, Seed, Signature};
use bursar_chain::Address;
use bursar_keys::{KeyScheme, KeySecret, PublicKey};

/// Name of the operator's key and wallet.
pub const OPERATOR: &str = "faucet-operator";
/// Name of the scheme in records.
pub const SCHEME: &str = "banano_seed";

/// Ed25519 over BLAKE2b with account 0 of a 32-byte seed.
#[derive(Clone, Copy, Debug)]
pub struct BananoSeed;

impl KeyScheme for BananoSeed {
    fn name(&self) -> &'static str {
        SCHEME
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

fn key_of(secret: &KeySecret) -> Option<bursar_banano::SecretKey> {
    let seed: [u8; 32] = secret.expose().try_into().ok()?;
    Some(Seed::from_bytes(seed).secret_key(0))
}

fn public(key: &PublicKey) -> Option<BananoKey> {
    key.0.as_slice().try_into().ok().map(BananoKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    #[test]
    fn example_e1_account_0_of_the_seed_of_zeros() {
        let secret = KeySecret::from_hexadecimal(&SecretString::from("00".repeat(32))).unwrap();
        let key = BananoSeed.public_key(&secret).unwrap();
        let address = "ban_3i1aq1cchnmbn9x5rsbap8b15akfh7wj7pwskuzi7ahz8oq6cobd99d4r3b7";
        assert_eq!(BananoSeed.address(&key).unwrap().as_str(), address);
        let signature = BananoSeed.sign(&secret, &[7; 32]).unwrap();
        assert!(BananoSeed.verifies(&key, &[7; 32], &signature));
        assert!(!BananoSeed.verifies(&key, &[8; 32], &signature));
    }
}
