//! Credentials and keys as they come from outside: tokens, key sources, sealed secrets, a remote signer's answers.

use std::sync::LazyLock;

use bursar_access::{CredentialId, SeededEntropy};
use bursar_keys::{Endpoint, Kek, KekSource, KeyId, KeyRing, KeySecret, fuzz};
use secrecy::SecretString;

use crate::input::text;

/// Nonce, then ciphertext and tag.
type Sealed = (Vec<u8>, Vec<u8>);

/// A credential that is read has one spelling: the text itself begins with its kind and its public part.
pub fn presented(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Some(id) = bursar_access::fuzz::presented(text) {
        let kind = ["bur_", "burses_", "burone_"].into_iter().find(|kind| text.starts_with(kind));
        let secret = text.strip_prefix(&format!("{}{id}_", kind.unwrap())).unwrap();
        assert!(secret.len() == 64 && secret.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    }
    assert!(CredentialId::parse(text).is_none_or(|id| id.to_string() == text));
}

/// A key's name has one spelling, and neither a source nor a refusal shows what may be a secret.
pub fn key_sources(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    assert!(KeyId::parse(text).ok().is_none_or(|id| id.as_str() == text));
    match text.parse::<KekSource>() {
        // The arguments of a command are not shown: one of them may be a secret.
        Ok(source) => assert!(text.trim().starts_with(&source.to_string()), "{source}"),
        // A refusal says the same whatever it refuses.
        Err(error) => assert_eq!(error.to_string(), "".parse::<KekSource>().unwrap_err().to_string()),
    }
    let kek = Kek::from_hexadecimal(&SecretString::from(text.to_owned()));
    assert_eq!(kek.is_some(), text.trim().len() == 64 && text.trim().bytes().all(|b| b.is_ascii_hexdigit()));
    assert!(kek.is_none_or(|kek| !text.contains(kek.id().as_str())));
}

/// Only what was sealed opens: nonce and bytes as they were.
pub fn sealed_key(bytes: &[u8]) {
    static SEALED: LazyLock<(KeyRing, KeyId, Sealed)> = LazyLock::new(|| {
        let kek = Kek::from_hexadecimal(&SecretString::from("1".repeat(64))).unwrap();
        let (ring, key) = (KeyRing::new(kek, []), KeyId::parse("hot-1").unwrap());
        let secret = KeySecret::from_bytes(vec![0xAB; 32].into());
        let sealed = fuzz::sealed(&ring, &key, &secret, &SeededEntropy::new(1)).unwrap();
        (ring, key, sealed)
    });
    let (ring, key, (nonce, sealed)) = &*SEALED;
    assert!(fuzz::open_sealed(ring, key, nonce, bytes).is_err() || bytes == sealed);
    let (head, rest) = bytes.split_at(bytes.len().min(24));
    assert!(fuzz::open_sealed(ring, key, head, rest).is_err() || (head, rest) == (nonce, sealed));
    // The true bytes, with one of them changed as the input says.
    if let [place, mask, ..] = bytes
        && *mask != 0
    {
        let mut bent = sealed.clone();
        let place = usize::from(*place) % bent.len();
        bent[place] ^= mask;
        assert!(fuzz::open_sealed(ring, key, nonce, &bent).is_err(), "byte {place}");
    }
    assert!(fuzz::open_sealed(ring, key, nonce, sealed).is_ok());
}

/// An endpoint that is taken is https or loopback and holds no secret; a signature is 1 to 256 bytes.
pub fn remote_signer(bytes: &[u8]) {
    if let Some(signature) = fuzz::remote_signature(bytes) {
        assert!((1..=256).contains(&signature.len()));
        let text = bursar_web::strict_json::parse::<serde_json::Value>(bytes);
        assert!(text.is_err() || text.unwrap()["signature"].is_string());
    }
    let Some(text) = text(bytes) else { return };
    if let Ok(endpoint) = Endpoint::parse(text) {
        assert_eq!(endpoint.as_str(), text);
        assert!(text.len() >= 8 && !text.contains(['@', '#', '?']), "{text}");
        let lower = text.to_ascii_lowercase();
        assert!(lower.starts_with("https://") || lower.starts_with("http://"), "{text}");
    }
}
