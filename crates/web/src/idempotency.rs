//! Idempotency keys: the header, and the hash that tells a repeated request from a different one (G1).

use axum::http::{HeaderMap, HeaderName};

use crate::error::ApiError;
use crate::platform_codes::{IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_KEY_REUSED};

/// The header of faucet, commitments and the platform.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const KEY_CHARACTERS_MAX: usize = 255;

/// The client's key, if it sent one.
///
/// # Errors
/// 400 `idempotency_key_invalid` when the header is empty, longer than 255 characters, not visible ASCII, or
/// sent more than once: guessing which one was meant could pay twice.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let fits = (1..=KEY_CHARACTERS_MAX).contains(&value.len());
    let visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if fits && visible && values.next().is_none() => Ok(Some(key)),
        _ => Err(ApiError::of(&IDEMPOTENCY_KEY_INVALID)),
    }
}

/// The refusal for a key that was first used with another request.
pub fn key_reused() -> ApiError {
    ApiError::of(&IDEMPOTENCY_KEY_REUSED)
}

/// The hash stored beside a key: of everything that makes two requests the same one.
///
/// Each part is hashed with its length, so that no two different requests run together.
pub fn request_hash(desk: &str, route: &str, principal: &str, body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in [desk.as_bytes(), route.as_bytes(), principal.as_bytes(), body] {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hasher.update(&length.to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, value.parse().unwrap());
        }
        let key = idempotency_key(&headers).map(|key| key.map(str::to_owned));
        key.map_err(|error| error.code())
    }

    #[test]
    fn one_visible_key_is_taken_and_anything_doubtful_refused() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["7f0c"]), Ok(Some("7f0c".to_owned())));
        let (longest, too_long) = ("k".repeat(255), "k".repeat(256));
        assert_eq!(read(&[&longest]), Ok(Some(longest)));
        for bad in [&[""][..], &["a b"], &[&too_long], &["a", "a"]] {
            assert_eq!(read(bad), Err("idempotency_key_invalid"), "{bad:?}");
        }
    }

    #[test]
    fn the_request_hash_depends_on_every_part_and_on_where_they_part() {
        let hash = request_hash("faucet", "POST /admin/flags", "admin@example.org", b"{}");
        assert_eq!(hash, request_hash("faucet", "POST /admin/flags", "admin@example.org", b"{}"));
        for other in [
            request_hash("arena", "POST /admin/flags", "admin@example.org", b"{}"),
            request_hash("faucet", "POST /admin/flagsa", "dmin@example.org", b"{}"),
            request_hash("faucet", "POST /admin/flags", "admin@example.org", b"{ }"),
        ] {
            assert_ne!(hash, other);
        }
    }
}
