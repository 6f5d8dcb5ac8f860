//! Key-encryption keys, the ids that follow from them, and the ring that a process holds.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

use crate::{KekError, KekSource, KeySecret};

/// Bytes of a key-encryption key.
const KEK_LENGTH: usize = 32;
const ID_CONTEXT: &str = "bursar keys 2026-10 id of a key-encryption key";
const ID_DIGITS: usize = 16;

/// Id of a key-encryption key: 16 hexadecimal digits of a one-way hash of it. One id cannot come to mean another key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct KekId(String);

impl KekId {
    pub(crate) fn stored(text: String) -> KekId {
        KekId(text)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key-encryption key: 32 random bytes that never enter the database. `Debug` shows its id alone.
pub struct Kek {
    id: KekId,
    secret: KeySecret,
}

impl Kek {
    /// Reads 64 hexadecimal digits; white space around them does not matter. `None` = it is something else.
    #[must_use]
    pub fn from_hexadecimal(text: &SecretString) -> Option<Kek> {
        let secret =
            KeySecret::from_hexadecimal(text).filter(|secret| secret.expose().len() == KEK_LENGTH)?;
        let mut hasher = blake3::Hasher::new_derive_key(ID_CONTEXT);
        hasher.update(secret.expose());
        let id = hasher.finalize().to_hex().chars().take(ID_DIGITS).collect();
        Some(Kek { id: KekId(id), secret })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &KekId {
        &self.id
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.secret.expose()
    }
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kek({})", self.id)
    }
}

/// The key-encryption keys of a process: one seals, all open. During a rotation it holds the old one and the new one.
#[derive(Debug)]
pub struct KeyRing {
    current: KekId,
    keks: BTreeMap<KekId, Kek>,
}

impl KeyRing {
    /// A ring that seals with `current` and opens with the `former` ones too.
    #[must_use]
    pub fn new(current: Kek, former: impl IntoIterator<Item = Kek>) -> KeyRing {
        let id = current.id.clone();
        let keks = former.into_iter().chain([current]).map(|kek| (kek.id.clone(), kek)).collect();
        KeyRing { current: id, keks }
    }

    /// Reads a ring whose first source is the current one. `environment` looks variables up.
    ///
    /// # Errors
    /// [`KekError`], which names the source and never what it gave.
    pub fn read(
        sources: &[KekSource],
        environment: &dyn Fn(&str) -> Option<SecretString>,
    ) -> Result<KeyRing, KekError> {
        let mut keks = Vec::with_capacity(sources.len());
        for source in sources {
            keks.push(source.read(environment)?);
        }
        let mut keks = keks.into_iter();
        let current = keks.next().ok_or(KekError::Empty)?;
        Ok(KeyRing::new(current, keks))
    }

    /// The id of the one that seals.
    #[must_use]
    pub fn current_id(&self) -> &KekId {
        &self.current
    }

    /// Every id it can open with, ascending.
    pub fn ids(&self) -> impl Iterator<Item = &KekId> {
        self.keks.keys()
    }

    pub(crate) fn get(&self, id: &KekId) -> Option<&Kek> {
        self.keks.get(id)
    }

    pub(crate) fn current(&self) -> Option<&Kek> {
        self.keks.get(&self.current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kek(digit: &str) -> Option<Kek> {
        Kek::from_hexadecimal(&SecretString::from(digit.to_owned()))
    }

    #[test]
    fn a_kek_is_64_hexadecimal_digits_and_its_id_follows_from_them() {
        let one = kek(&"1".repeat(64)).unwrap();
        assert_eq!(one.id(), kek(&format!(" {}\n", "1".repeat(64))).unwrap().id());
        assert_ne!(one.id(), kek(&"2".repeat(64)).unwrap().id());
        assert_eq!((one.id().as_str().len(), format!("{one:?}")), (16, format!("Kek({})", one.id())));
        assert!(!one.id().as_str().contains("111"));
        for bad in ["", &"1".repeat(62), &"1".repeat(66), &"g".repeat(64)] {
            assert!(kek(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_ring_seals_with_the_first_and_knows_them_all() {
        let [one, two] = ["1", "2"].map(|digit| kek(&digit.repeat(64)).unwrap());
        let ids = [one.id().clone(), two.id().clone()];
        let ring = KeyRing::new(two, [one]);
        assert_eq!(ring.current_id(), &ids[1]);
        assert!(ids.iter().all(|id| ring.get(id).is_some()));
    }
}
