//! The security headers that each desk's responses carry, and the build header (H8, H16).

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Names the commit that answered, on every response.
pub const BUILD: HeaderName = HeaderName::from_static("x-bursar-build");
/// The policy of commitments and platform pages, and of every desk that asks for nothing else.
pub const DEFAULT_CONTENT_SECURITY_POLICY: &str = "default-src 'self'; frame-ancestors 'none'";

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const HSTS_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains; preload");

/// Headers that are the same on every response of one desk.
#[derive(Debug, Clone)]
pub struct HeaderPolicy {
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl HeaderPolicy {
    /// The common headers, without HSTS.
    pub fn new() -> Self {
        let fixed = HeaderValue::from_static;
        Self {
            headers: vec![
                (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
                (header::REFERRER_POLICY, fixed("strict-origin-when-cross-origin")),
                (PERMISSIONS_POLICY, fixed("camera=(), microphone=(), geolocation=()")),
                (header::CONTENT_SECURITY_POLICY, fixed(DEFAULT_CONTENT_SECURITY_POLICY)),
            ],
        }
    }

    /// Tells browsers to use TLS only for a year: commitments always, other desks in production.
    #[must_use]
    pub fn with_hsts(self) -> Self {
        self.with(header::STRICT_TRANSPORT_SECURITY, HSTS_YEAR)
    }

    /// Replaces the content security policy (faucet's images, arena's frames).
    #[must_use]
    pub fn with_content_security_policy(self, policy: HeaderValue) -> Self {
        self.with(header::CONTENT_SECURITY_POLICY, policy)
    }

    /// Sets one header of the policy, in place of an earlier value.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.retain(|(present, _)| *present != name);
        self.headers.push((name, value));
        self
    }

    /// Puts the policy on a response. What the handler itself has set stays.
    pub fn write_to(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}

impl Default for HeaderPolicy {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(policy: &HeaderPolicy) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        policy.write_to(&mut headers);
        headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn h8_the_common_headers_exactly() {
        let mut found = written(&HeaderPolicy::new().with_hsts());
        found.sort();
        let expected = [
            pair("content-security-policy", "default-src 'self'; frame-ancestors 'none'"),
            pair("permissions-policy", "camera=(), microphone=(), geolocation=()"),
            pair("referrer-policy", "strict-origin-when-cross-origin"),
            pair("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
            pair("x-content-type-options", "nosniff"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn h8_without_tls_there_is_no_hsts() {
        assert!(!written(&HeaderPolicy::new()).iter().any(|(name, _)| name == "strict-transport-security"));
    }

    #[test]
    fn a_desk_or_a_handler_may_set_another_content_security_policy() {
        let telegram = HeaderValue::from_static("frame-ancestors 'self' https://web.telegram.org");
        let policy = HeaderPolicy::new().with_content_security_policy(telegram.clone());
        let mut headers = HeaderMap::new();
        policy.write_to(&mut headers);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], telegram);
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("own"));
        policy.write_to(&mut headers);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], "own");
        assert_eq!(headers.get_all(header::CONTENT_SECURITY_POLICY).iter().count(), 1);
    }
}
