//! Keys of the simulated chain: no cryptography, only something that tells a signature from none, quickly.

use bursar_chain::Address;
use bursar_keys::{KeyScheme, KeySecret, PublicKey};

/// Its name in records.
pub const SCHEME: &str = "sim";
const PREFIX: &str = "sim1";

/// See the module.
pub struct SimScheme;

impl KeyScheme for SimScheme {
    fn name(&self) -> &'static str {
        SCHEME
    }

    fn public_key(&self, secret: &KeySecret) -> Option<PublicKey> {
        Some(PublicKey(blake3::hash(secret.expose()).as_bytes().to_vec()))
    }

    fn address(&self, public_key: &PublicKey) -> Option<Address> {
        Some(Address::from_canonical(format!("{PREFIX}{public_key}")))
    }

    fn sign(&self, secret: &KeySecret, message: &[u8]) -> Option<Vec<u8>> {
        self.public_key(secret).map(|key| signature(&key.0, message))
    }

    fn verifies(&self, public_key: &PublicKey, message: &[u8], given: &[u8]) -> bool {
        signature(&public_key.0, message) == given
    }
}

fn signature(public_key: &[u8], message: &[u8]) -> Vec<u8> {
    let key: [u8; 32] = public_key.try_into().unwrap_or([0; 32]);
    blake3::keyed_hash(&key, message).as_bytes().to_vec()
}

/// Whether `given` signs `message` for the account at `address`.
pub fn is_signed(address: &str, message: &[u8], given: &[u8]) -> bool {
    let digits = address.strip_prefix(PREFIX).unwrap_or_default();
    hex::decode(digits).is_ok_and(|public_key| signature(&public_key, message) == given)
}

/// An address of somebody's, by number.
pub fn address_of(number: u64) -> Address {
    let digits = blake3::hash(&number.to_be_bytes()).to_hex();
    Address::from_canonical(format!("{PREFIX}{digits}"))
}

/// Whether text is an address: its prefix and 64 small hexadecimal digits.
pub fn is_address(text: &str) -> bool {
    let digits = text.strip_prefix(PREFIX).unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}
