//! `ban_` addresses: a key in base 32 with a checksum.

use bursar_chain::AddressError;
use bursar_money::U256;

use crate::digest::blake2b_40;
use crate::keys::PublicKey;

/// What every address begins with.
pub const PREFIX: &str = "ban_";
/// Digits of base 32, without those that look alike.
const ALPHABET: [u8; 32] = *b"13456789abcdefghijkmnopqrstuwxyz";
/// 260 bits: four zero bits, then the key.
const KEY_DIGITS: usize = 52;
/// 40 bits.
const CHECKSUM_DIGITS: usize = 8;

impl PublicKey {
    /// The address: 64 characters, lower case.
    #[must_use]
    pub fn address(&self) -> String {
        let mut text = String::with_capacity(PREFIX.len() + KEY_DIGITS + CHECKSUM_DIGITS);
        text.push_str(PREFIX);
        push_digits(&mut text, U256::from_be_bytes(self.0), KEY_DIGITS);
        push_digits(&mut text, U256::from(checksum(self)), CHECKSUM_DIGITS);
        text
    }

    /// The key of an address, with its length, characters and checksum verified. Burn addresses have a key as well; ask
    /// [`PublicKey::can_sign`] before paying to one.
    pub fn from_address(text: &str) -> Result<PublicKey, AddressError> {
        let body = text.strip_prefix(PREFIX).ok_or(AddressError::Malformed)?;
        if body.len() != KEY_DIGITS + CHECKSUM_DIGITS {
            return Err(AddressError::Malformed);
        }
        let (key_text, checksum_text) = body.split_at_checked(KEY_DIGITS).ok_or(AddressError::Malformed)?;
        // 52 digits hold 260 bits; with another first digit the key would not fit its 256.
        if !key_text.starts_with(['1', '3']) {
            return Err(AddressError::Malformed);
        }
        let key = PublicKey(read_digits(key_text)?.to_be_bytes());
        if read_digits(checksum_text)? != U256::from(checksum(&key)) {
            return Err(AddressError::Checksum);
        }
        Ok(key)
    }
}

/// BLAKE2b-40 of the key, its bytes reversed.
fn checksum(key: &PublicKey) -> u64 {
    let [a, b, c, d, e] = blake2b_40(&[&key.0]);
    u64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
}

fn push_digits(text: &mut String, value: U256, count: usize) {
    for place in (0..count).rev() {
        let digit = (value >> (5 * place)) & U256::from(31);
        let mark = usize::try_from(digit).ok().and_then(|digit| ALPHABET.get(digit));
        text.extend(mark.map(|&mark| char::from(mark)));
    }
}

fn read_digits(text: &str) -> Result<U256, AddressError> {
    text.bytes().try_fold(U256::ZERO, |value, mark| {
        let digit = ALPHABET.iter().position(|&known| known == mark).ok_or(AddressError::Malformed)?;
        Ok((value << 5) | U256::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GENESIS: &str = "ban_1bananobh5rat99qfgt1ptpieie5swmoth87thi74qgbfrij7dcgjiij94xr";

    #[test]
    fn an_address_is_read_whole_or_not_at_all() {
        assert_eq!(PublicKey::from_address(GENESIS).unwrap().address(), GENESIS);
        let long = format!("{GENESIS}1");
        let upper = GENESIS.to_uppercase();
        let nano = GENESIS.replace("ban_", "nano_");
        let spaced = format!(" {GENESIS}");
        let wide = GENESIS.replace("ban_1", "ban_4");
        let foreign = GENESIS.replace('q', "ß");
        for text in ["", "ban_", &GENESIS[..63], &long, &upper, &nano, &spaced, &wide, &foreign] {
            assert_eq!(PublicKey::from_address(text), Err(AddressError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn one_wrong_character_is_found() {
        for place in PREFIX.len()..GENESIS.len() {
            let mut bytes = GENESIS.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'1' { b'3' } else { b'1' };
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(PublicKey::from_address(&text), Err(AddressError::Checksum), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_key_comes_back_from_its_address(key: [u8; 32]) {
            let address = PublicKey(key).address();
            prop_assert_eq!(address.len(), 64);
            prop_assert!(address.starts_with("ban_1") || address.starts_with("ban_3"));
            prop_assert_eq!(PublicKey::from_address(&address), Ok(PublicKey(key)));
        }

        #[test]
        fn no_text_makes_the_parser_stumble(text in ".{0,80}", body in "ban_[13][13456789abcdefghijkmnopqrstuwxyz]{59}") {
            let _ = PublicKey::from_address(&text);
            if let Ok(key) = PublicKey::from_address(&body) {
                prop_assert_eq!(key.address(), body);
            }
        }
    }
}
