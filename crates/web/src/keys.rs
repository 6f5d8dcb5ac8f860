//! Shared keys in headers: reading them and comparing them in constant time.

use axum::http::{HeaderMap, header};
use secrecy::SecretString;

use crate::live_secret::{CallerSecret, LiveSecret};

/// A configured service key, and its predecessor while both are valid. Follows a secret that is replaced.
#[derive(Clone, Default)]
pub struct ServiceKey(LiveSecret);

/// What the presented key is worth. Each route maps this to its own status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyCheck {
    /// No key is configured on the server.
    Unset,
    /// A key is configured, the caller sent none.
    Missing,
    /// The caller's key is neither the current nor the previous one.
    Wrong,
    /// The caller's key is valid.
    Accepted,
}

impl ServiceKey {
    /// Takes a configured key that stays as it is, and the one it replaces. An empty key counts as unset; a previous
    /// key without a current one is ignored.
    pub fn new(current: Option<&SecretString>, previous: Option<&SecretString>) -> Self {
        let secret =
            current.map(|current| CallerSecret { current: current.clone(), previous: previous.cloned() });
        Self(LiveSecret::new(secret))
    }

    /// Whether a key is configured.
    pub fn is_set(&self) -> bool {
        self.0.is_set()
    }

    /// Judges a presented key. An empty one counts as missing.
    pub fn check(&self, presented: Option<&str>) -> KeyCheck {
        self.0.check(presented)
    }

    /// Judges the key in the named header.
    pub fn check_header(&self, headers: &HeaderMap, name: &str) -> KeyCheck {
        self.check(headers.get(name).and_then(|value| value.to_str().ok()))
    }
}

impl From<LiveSecret> for ServiceKey {
    fn from(secret: LiveSecret) -> Self {
        Self(secret)
    }
}

impl std::fmt::Debug for ServiceKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ServiceKey").field(&self.0).finish()
    }
}

/// The token of `Authorization: Bearer …`. The scheme's name is read in any case.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The token of `Authorization: Bearer …`, else of the header `X-API-Key`.
pub fn bearer_or_api_key(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).or_else(|| headers.get("x-api-key")?.to_str().ok().filter(|key| !key.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(current: &str, previous: &str) -> ServiceKey {
        ServiceKey::new(Some(&current.into()), Some(&previous.into()))
    }

    #[test]
    fn an_unset_or_empty_key_is_unset_whatever_is_presented() {
        for unset in [ServiceKey::default(), key("", ""), key("", "old")] {
            for presented in [None, Some(""), Some("old")] {
                assert_eq!(unset.check(presented), KeyCheck::Unset);
            }
        }
    }

    #[test]
    fn a_set_key_accepts_itself_only() {
        let set = key("k3y", "");
        for (presented, expected) in [
            (None, KeyCheck::Missing),
            (Some(""), KeyCheck::Missing),
            (Some("k3"), KeyCheck::Wrong),
            (Some("k3y "), KeyCheck::Wrong),
            (Some("K3Y"), KeyCheck::Wrong),
            (Some("k3y"), KeyCheck::Accepted),
        ] {
            assert_eq!(set.check(presented), expected, "{presented:?}");
        }
    }

    #[test]
    fn v1_the_old_key_is_valid_only_while_it_is_named_as_previous() {
        assert_eq!(key("new", "old").check(Some("old")), KeyCheck::Accepted);
        assert_eq!(key("new", "old").check(Some("new")), KeyCheck::Accepted);
        assert_eq!(key("new", "").check(Some("old")), KeyCheck::Wrong);
    }

    #[test]
    fn keys_do_not_show_in_debug_output() {
        let shown = format!("{:?}", key("s3cret", ""));
        assert_eq!(shown, "ServiceKey(LiveSecret(current set, previous unset))");
    }

    #[test]
    fn bearer_and_api_key_headers_are_read() {
        let headers = |name: &'static str, value: &str| {
            HeaderMap::from_iter([(axum::http::HeaderName::from_static(name), value.parse().unwrap())])
        };
        assert_eq!(bearer(&headers("authorization", "Bearer abc")), Some("abc"));
        assert_eq!(bearer(&headers("authorization", "bearer  abc")), Some("abc"));
        for other in ["Basic abc", "Bearer", "Bearer ", "Bearerabc", "abc"] {
            assert_eq!(bearer(&headers("authorization", other)), None, "{other}");
        }
        assert_eq!(bearer(&headers("x-api-key", "abc")), None);
        assert_eq!(bearer_or_api_key(&headers("x-api-key", "abc")), Some("abc"));
        assert_eq!(bearer_or_api_key(&headers("authorization", "Bearer abc")), Some("abc"));
        assert_eq!(bearer_or_api_key(&headers("x-api-key", "")), None);
    }
}
