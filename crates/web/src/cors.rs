//! Which foreign origins may read a desk's answers (H9).

use axum::http::{HeaderMap, HeaderValue, header};

const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, x-correlation-id, x-bursar-build, retry-after, x-ratelimit-limit, x-ratelimit-remaining, \
     x-ratelimit-reset",
);
const PREFLIGHT_AGE_S: HeaderValue = HeaderValue::from_static("600");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// A desk's answer to foreign origins. Cookies are never shared: no credentials header is ever sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CorsPolicy {
    /// No CORS headers at all.
    #[default]
    Closed,
    /// Every origin may read (arena outside production, when no list is set).
    AnyOrigin,
    /// Exactly these origins may read.
    Origins(Vec<HeaderValue>),
}

impl CorsPolicy {
    /// The request's origin, when this policy looks at it.
    pub fn origin(&self, request: &HeaderMap) -> Option<HeaderValue> {
        if *self == Self::Closed { None } else { request.get(header::ORIGIN).cloned() }
    }

    /// Adds the headers of an ordinary answer.
    pub fn write_to(&self, origin: Option<&HeaderValue>, response: &mut HeaderMap) {
        if let Some(allowed) = self.allowed(origin, response) {
            response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }

    /// Adds the headers of the answer to a preflight; `methods` is the path's `Allow` list.
    pub fn write_preflight(&self, request: &HeaderMap, response: &mut HeaderMap, methods: &HeaderValue) {
        let origin = request.get(header::ORIGIN);
        let Some(allowed) = self.allowed(origin, response) else { return };
        response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        response.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods.clone());
        response.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE_S);
        if let Some(wanted) = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            response.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
    }

    fn allowed(&self, origin: Option<&HeaderValue>, response: &mut HeaderMap) -> Option<HeaderValue> {
        match self {
            Self::Closed => None,
            Self::AnyOrigin => origin.is_some().then_some(ANY),
            Self::Origins(origins) => {
                response.append(header::VARY, HeaderValue::from_static("origin"));
                let origin = origin?;
                origins.contains(origin).then(|| origin.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed_origin(policy: &CorsPolicy, origin: &str) -> Option<String> {
        let mut response = HeaderMap::new();
        policy.write_to(Some(&origin.parse().unwrap()), &mut response);
        response.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn only_listed_origins_get_an_allow_header() {
        let listed = CorsPolicy::Origins(vec!["https://a.example".parse().unwrap()]);
        assert_eq!(allowed_origin(&listed, "https://a.example").as_deref(), Some("https://a.example"));
        assert_eq!(allowed_origin(&listed, "https://b.example"), None);
        assert_eq!(allowed_origin(&listed, "https://a.example.evil.example"), None);
        assert_eq!(allowed_origin(&CorsPolicy::AnyOrigin, "https://b.example").as_deref(), Some("*"));
        assert_eq!(allowed_origin(&CorsPolicy::Closed, "https://a.example"), None);
    }

    #[test]
    fn a_preflight_names_the_paths_methods_and_grants_the_asked_headers() {
        let request = HeaderMap::from_iter([
            (header::ORIGIN, HeaderValue::from_static("https://a.example")),
            (header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("x-request-id")),
        ]);
        let mut response = HeaderMap::new();
        let methods = HeaderValue::from_static("GET, HEAD, OPTIONS, POST");
        CorsPolicy::AnyOrigin.write_preflight(&request, &mut response, &methods);
        assert_eq!(response[header::ACCESS_CONTROL_ALLOW_METHODS], methods);
        assert_eq!(response[header::ACCESS_CONTROL_ALLOW_HEADERS], "x-request-id");
        assert_eq!(response[header::ACCESS_CONTROL_MAX_AGE], "600");
        assert!(!response.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }
}
