//! HMAC-SHA256, as webhooks and anchors are signed with.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The code of `parts`, one after the other, under `key`.
pub fn code(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    started(key, parts).finalize().into_bytes().into()
}

/// Whether `code` is the code of `parts`, told in constant time.
pub fn is_code(code: &[u8], key: &[u8], parts: &[&[u8]]) -> bool {
    started(key, parts).verify_slice(code).is_ok()
}

fn started(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    // HMAC takes keys of every length (RFC 2104, section 2).
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(key) else {
        bursar_store::fail_stop("HMAC refused a key for its length")
    };
    parts.iter().for_each(|part| hmac.update(part));
    hmac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_that_of_rfc_4231_case_2() {
        let code = code(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(hex::encode(code), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(is_code(&code, b"Jefe", &[b"what do ya want for nothing?"]));
        assert!(!is_code(&code, b"jefe", &[b"what do ya want for nothing?"]));
        assert!(!is_code(&code[..31], b"Jefe", &[b"what do ya want for nothing?"]));
    }
}
