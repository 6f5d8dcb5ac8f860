//! Secret bytes: wiped when dropped, never printed.

use std::fmt;

use bursar_access::Entropy;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use subtle::ConstantTimeEq;

/// Longest secret, in bytes.
pub const SECRET_LENGTH_MAX: usize = 4_096;

/// A private key, a seed or a credential. `Debug` hides it; dropping it wipes it from memory.
pub struct KeySecret(SecretSlice<u8>);

impl KeySecret {
    /// Takes bytes over, without leaving a copy behind.
    #[must_use]
    pub fn from_bytes(bytes: Box<[u8]>) -> KeySecret {
        KeySecret(bytes.into())
    }

    /// Reads hexadecimal digits, two a byte; white space around them does not matter. `None` = it is something else.
    #[must_use]
    pub fn from_hexadecimal(text: &SecretString) -> Option<KeySecret> {
        let digits = text.expose_secret().trim();
        let length = digits.len() / 2;
        if length == 0 || length > SECRET_LENGTH_MAX {
            return None;
        }
        // Wiped on the way out whether the text is good or not.
        let mut secret = KeySecret::zeros(length);
        hex::decode_to_slice(digits, secret.expose_mut()).ok()?;
        Some(secret)
    }

    /// The bytes of a text, such as a bearer token.
    #[must_use]
    pub fn from_text(text: &SecretString) -> KeySecret {
        KeySecret::from_bytes(text.expose_secret().as_bytes().into())
    }

    /// Draws a new secret.
    #[must_use]
    pub fn draw(length: usize, entropy: &dyn Entropy) -> KeySecret {
        let mut secret = KeySecret::zeros(length);
        entropy.fill(secret.expose_mut());
        secret
    }

    /// The bytes, for whoever signs or seals. Never log them, never copy them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    pub(crate) fn zeros(length: usize) -> KeySecret {
        KeySecret::from_bytes(vec![0; length].into_boxed_slice())
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8] {
        secrecy::ExposeSecretMut::expose_secret_mut(&mut self.0)
    }

    pub(crate) fn is_same(&self, other: &KeySecret) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_read_whole_or_not_at_all() {
        let read = |text: &str| KeySecret::from_hexadecimal(&SecretString::from(text.to_owned()));
        assert_eq!(read(" 00fF\n").unwrap().expose(), [0, 255]);
        for bad in ["", "0", "0g", "00 ff", "0x00", &"00".repeat(SECRET_LENGTH_MAX + 1)] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
