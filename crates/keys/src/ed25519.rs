//! Plain Ed25519, with the public key's hexadecimal digits for an address: what signs claims and tests.

use bursar_chain::Address;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::{KeyScheme, KeySecret, PublicKey};

/// Ed25519 (RFC 8032) over secrets of 32 bytes. Verification is strict: degenerate keys and other forms of one signature
/// are refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ed25519;

fn signing_key(secret: &KeySecret) -> Option<SigningKey> {
    let bytes: &[u8; 32] = secret.expose().try_into().ok()?;
    Some(SigningKey::from_bytes(bytes))
}

fn verifying_key(public_key: &PublicKey) -> Option<VerifyingKey> {
    let bytes: &[u8; 32] = public_key.0.as_slice().try_into().ok()?;
    VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak())
}

impl KeyScheme for Ed25519 {
    fn name(&self) -> &'static str {
        "ed25519"
    }

    fn public_key(&self, secret: &KeySecret) -> Option<PublicKey> {
        signing_key(secret).map(|key| PublicKey(key.verifying_key().to_bytes().to_vec()))
    }

    fn address(&self, public_key: &PublicKey) -> Option<Address> {
        verifying_key(public_key).map(|_| Address::from_canonical(public_key.to_string()))
    }

    fn sign(&self, secret: &KeySecret, message: &[u8]) -> Option<Vec<u8>> {
        signing_key(secret).map(|key| key.sign(message).to_bytes().to_vec())
    }

    fn verifies(&self, public_key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        let (Some(key), Ok(signature)) = (verifying_key(public_key), Signature::from_slice(signature)) else {
            return false;
        };
        key.verify_strict(message, &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn keys_and_signatures_are_those_of_rfc_8032_test_2() {
        let text = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let secret = KeySecret::from_hexadecimal(&SecretString::from(text)).unwrap();
        let public_key = Ed25519.public_key(&secret).unwrap();
        assert_eq!(
            public_key.to_string(),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        let signature = Ed25519.sign(&secret, &[0x72]).unwrap();
        assert_eq!(
            hex::encode(&signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert!(Ed25519.verifies(&public_key, &[0x72], &signature));
        assert!(!Ed25519.verifies(&public_key, &[0x73], &signature));
        assert!(!Ed25519.verifies(&public_key, &[0x72], &signature[1..]));
    }

    #[test]
    fn bytes_that_are_no_key_give_none() {
        assert!(Ed25519.public_key(&KeySecret::zeros(31)).is_none());
        assert!(Ed25519.sign(&KeySecret::zeros(33), b"").is_none());
        assert!(Ed25519.address(&PublicKey(vec![0; 32])).is_none());
    }
}
