//! Secrets of credentials: drawing them, reading what a caller presents, and the digests that are kept instead.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::entropy::Entropy;

/// Hex digits of the public part: 64 bits.
const ID_DIGITS: usize = 16;
/// Hex digits of the secret part: 256 bits.
const SECRET_DIGITS: usize = 64;
/// Domain of the digests; another version would be another kind of digest.
const DIGEST_CONTEXT: &str = "bursar access credential digest v1";

/// The public part of a credential, by which people and logs refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialId(u64);

impl CredentialId {
    /// Reads 16 lower-case hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<CredentialId> {
        is_hex(text, ID_DIGITS).then(|| u64::from_str_radix(text, 16).ok().map(CredentialId)).flatten()
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl serde::Serialize for CredentialId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a secret is for. A secret of one purpose is worth nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Token,
    Session,
    Bootstrap,
}

impl Purpose {
    /// What the text of such a credential begins with.
    fn prefix(self) -> &'static str {
        match self {
            Purpose::Token => "bur_",
            Purpose::Session => "burses_",
            Purpose::Bootstrap => "burone_",
        }
    }
}

/// A freshly drawn credential. It is shown once, with [`IssuedSecret::reveal`]; `Debug` and `Display` hide the secret.
pub struct IssuedSecret {
    id: CredentialId,
    prefix: &'static str,
    text: SecretString,
}

impl IssuedSecret {
    /// Draws a credential, and the digest that is kept of it.
    pub(crate) fn draw(purpose: Purpose, entropy: &dyn Entropy) -> (IssuedSecret, [u8; 32]) {
        let (mut id, mut secret) = ([0; 8], [0; 32]);
        entropy.fill(&mut id);
        entropy.fill(&mut secret);
        let id = CredentialId(u64::from_be_bytes(id));
        let secret = hex::encode(secret);
        let digest = digest(purpose, id, &secret);
        let prefix = purpose.prefix();
        (IssuedSecret { id, prefix, text: format!("{prefix}{id}_{secret}").into() }, digest)
    }

    /// The public part.
    #[must_use]
    pub fn id(&self) -> CredentialId {
        self.id
    }

    /// The whole text, for the one person it is meant for. Never log it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Display for IssuedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}_[redacted]", self.prefix, self.id)
    }
}

impl fmt::Debug for IssuedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedSecret({self})")
    }
}

/// A credential that a caller presents: well-formed, not yet known to be genuine.
pub(crate) struct Presented {
    pub(crate) id: CredentialId,
    digest: [u8; 32],
}

impl Presented {
    /// Reads a caller's text; anything not of the purpose's exact form is `None`.
    pub(crate) fn read(purpose: Purpose, text: &str) -> Option<Presented> {
        let (id, secret) = text.strip_prefix(purpose.prefix())?.split_once('_')?;
        let id = CredentialId::parse(id)?;
        is_hex(secret, SECRET_DIGITS).then(|| Presented { id, digest: digest(purpose, id, secret) })
    }

    /// Whether its digest is the one kept, compared in constant time. Without one the comparison is made all the same.
    pub(crate) fn matches(&self, kept: Option<&[u8]>) -> bool {
        let same = self.digest.as_slice().ct_eq(kept.unwrap_or(&[0; 32]));
        bool::from(same) && kept.is_some()
    }
}

fn digest(purpose: Purpose, id: CredentialId, secret: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(DIGEST_CONTEXT);
    hasher.update(purpose.prefix().as_bytes()).update(&id.0.to_be_bytes()).update(secret.as_bytes());
    *hasher.finalize().as_bytes()
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::SeededEntropy;

    fn drawn() -> (IssuedSecret, [u8; 32]) {
        IssuedSecret::draw(Purpose::Token, &SeededEntropy::new(1))
    }

    #[test]
    fn a_token_is_bur_id_secret_with_256_bits_of_secret() {
        let (issued, _) = drawn();
        let parts: Vec<&str> = issued.reveal().split('_').collect();
        assert_eq!(parts[0], "bur");
        assert_eq!(parts[1], issued.id().to_string());
        assert_eq!((parts[1].len(), parts[2].len(), parts.len()), (16, 64, 3));
    }

    #[test]
    fn printing_a_token_hides_its_secret() {
        let (issued, _) = drawn();
        let hidden = format!("bur_{}_[redacted]", issued.id());
        assert_eq!(issued.to_string(), hidden);
        assert_eq!(format!("{issued:?}"), format!("IssuedSecret({hidden})"));
    }

    #[test]
    fn only_the_whole_secret_matches_its_digest() {
        let (issued, digest) = drawn();
        let text = issued.reveal();
        let presented = Presented::read(Purpose::Token, text).unwrap();
        assert!(presented.matches(Some(&digest)));
        assert!(!presented.matches(None));
        let last = if text.ends_with('0') { "1" } else { "0" };
        let altered = format!("{}{last}", &text[..text.len() - 1]);
        assert!(!Presented::read(Purpose::Token, &altered).unwrap().matches(Some(&digest)));
    }

    #[test]
    fn a_secret_is_of_no_use_for_another_purpose() {
        let (issued, digest) = drawn();
        assert!(Presented::read(Purpose::Session, issued.reveal()).is_none());
        let as_session = issued.reveal().replacen("bur_", "burses_", 1);
        assert!(!Presented::read(Purpose::Session, &as_session).unwrap().matches(Some(&digest)));
    }

    #[test]
    fn malformed_credentials_are_not_read() {
        let (issued, _) = drawn();
        let text = issued.reveal();
        let bad = [
            String::new(),
            "bur_".into(),
            text[..text.len() - 1].into(),
            format!("{text}0"),
            format!(" {text}"),
            text.to_uppercase(),
            text.replacen('_', "-", 2),
        ];
        for text in bad {
            assert!(Presented::read(Purpose::Token, &text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_any_text_is_safe(text in "(bur_)?[0-9a-f_é]{0,90}") {
            let _ = Presented::read(Purpose::Token, &text);
        }
    }
}
