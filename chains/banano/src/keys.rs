//! From a seed to keys and signatures: Ed25519 with BLAKE2b-512 in place of SHA-512.

use std::fmt;

use blake2::{Blake2b512, Digest};
use bursar_chain::{Address, SignError, Signer};
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign, raw_verify};
use ed25519_dalek::{VerifyingKey, ed25519};
use zeroize::Zeroizing;

use crate::digest::blake2b_256;
use crate::hexadecimal::{self, hexadecimal_newtype};

hexadecimal_newtype!(
    /// An account's key. As text of a person it is an address: [`PublicKey::address`].
    PublicKey,
    32,
    PublicKeyError
);

hexadecimal_newtype!(
    /// A signature over a block hash.
    Signature,
    64,
    SignatureError
);

impl PublicKey {
    /// Whether the signature over `message` is this key's. False too for a key that is no point of the curve.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.0) else { return false };
        let signature = ed25519::Signature::from_bytes(&signature.0);
        raw_verify::<Blake2b512>(&key, message, &signature).is_ok()
    }

    /// Whether someone can hold the secret of this key: it is a point of the curve, and none of the few degenerate ones
    /// (among them the all-zero key of the best-known burn address).
    #[must_use]
    pub fn can_sign(&self) -> bool {
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| !key.is_weak())
    }
}

/// 32 bytes from which any number of accounts follow. Wiped from memory when dropped, and never shown.
pub struct Seed(Zeroizing<[u8; 32]>);

/// Text that is no seed; the text itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a seed takes 64 hexadecimal digits")]
pub struct SeedError;

impl Seed {
    /// A seed of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Seed {
        Seed(Zeroizing::new(bytes))
    }

    /// A seed from 64 hexadecimal digits.
    pub fn from_hexadecimal(text: &str) -> Result<Seed, SeedError> {
        hexadecimal::parse(text).map(Seed::from_bytes).ok_or(SeedError)
    }

    /// The secret key of account number `index`.
    #[must_use]
    pub fn secret_key(&self, index: u32) -> SecretKey {
        let bytes = Zeroizing::new(blake2b_256(&[self.0.as_slice(), &index.to_be_bytes()]));
        SecretKey::from_bytes(&bytes)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What signs for one account. Wiped from memory when dropped, and never shown.
pub struct SecretKey {
    expanded: ExpandedSecretKey,
    verifying: VerifyingKey,
}

impl SecretKey {
    /// The key of these 32 secret bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> SecretKey {
        let hash: Zeroizing<[u8; 64]> = Zeroizing::new(Blake2b512::digest(bytes).into());
        let expanded = ExpandedSecretKey::from_bytes(&hash);
        let verifying = VerifyingKey::from(&expanded);
        SecretKey { expanded, verifying }
    }

    /// The account's key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.verifying.to_bytes())
    }

    /// The signature over `message`, always the same one.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(raw_sign::<Blake2b512>(&self.expanded, message, &self.verifying).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public_key().address())
    }
}

/// A signer that holds the key in this process.
#[derive(Debug)]
pub struct LocalSigner {
    key: SecretKey,
    address: Address,
}

impl LocalSigner {
    /// A signer with this key.
    #[must_use]
    pub fn new(key: SecretKey) -> LocalSigner {
        let address = Address::from_canonical(key.public_key().address());
        LocalSigner { key, address }
    }
}

impl Signer for LocalSigner {
    fn address(&self) -> &Address {
        &self.address
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.key.sign(message).0.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let seed = Seed::from_bytes([0xAB; 32]);
        assert_eq!(format!("{seed:?}"), "Seed(..)");
        assert!(format!("{:?}", seed.secret_key(0)).starts_with("SecretKey(of ban_"));
        assert_eq!(
            Seed::from_hexadecimal("AB").unwrap_err().to_string(),
            "a seed takes 64 hexadecimal digits"
        );
    }

    #[test]
    fn degenerate_keys_cannot_sign() {
        assert!(!PublicKey([0; 32]).can_sign());
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(!PublicKey(identity).can_sign());
        let mut off_the_curve = [0; 32];
        off_the_curve[0] = 2;
        assert!(!PublicKey(off_the_curve).can_sign());
        assert!(Seed::from_bytes([7; 32]).secret_key(0).public_key().can_sign());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_signature_verifies_for_its_key_and_message_alone(seed: [u8; 32], other: [u8; 32], message: [u8; 32], bit in 0_usize..512) {
            let key = SecretKey::from_bytes(&seed);
            let signature = key.sign(&message);
            prop_assert!(key.public_key().verifies(&message, &signature));
            let mut bent = signature;
            bent.0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!key.public_key().verifies(&message, &bent));
            if other != seed {
                prop_assert!(!SecretKey::from_bytes(&other).public_key().verifies(&message, &signature));
            }
            if other != message {
                prop_assert!(!key.public_key().verifies(&other, &signature));
            }
        }
    }
}
