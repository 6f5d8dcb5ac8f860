//! What the community calls its faucet and shows of itself, and where its pictures may come from.

use axum::http::{HeaderValue, Uri};
use bursar_faucet::http::Product;

use crate::CONTENT_SECURITY_POLICY;

/// The name of a faucet that has none.
const NAMELESS: &str = "Faucet";

/// The faucet's name.
pub(super) fn name(product: &Product) -> &str {
    if product.app_name.is_empty() { NAMELESS } else { &product.app_name }
}

/// An address that a page may point to: `https://`, `http://`, or a path of this server. What else somebody configured,
/// such as `javascript:`, is not shown.
pub(super) fn address(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_path = text.starts_with('/') && !text.starts_with("//");
    (is_path || is_elsewhere(text)).then_some(text)
}

/// Whether it is an address of a host elsewhere.
fn is_elsewhere(text: &str) -> bool {
    let uri = text.parse::<Uri>().ok();
    uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("https" | "http")) && uri.host().is_some())
}

/// The page's content policy: pictures may also come from these hosts (docs/spec/platform.md H8).
pub(super) fn content_security_policy(picture_origins: &[String]) -> HeaderValue {
    if picture_origins.is_empty() {
        return CONTENT_SECURITY_POLICY;
    }
    let common = CONTENT_SECURITY_POLICY;
    let base = common.to_str().unwrap_or_default();
    let text = format!("{base}; img-src 'self' {}", picture_origins.join(" "));
    HeaderValue::try_from(text).unwrap_or(CONTENT_SECURITY_POLICY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h8_pictures_come_from_here_and_the_configured_hosts_alone() {
        assert_eq!(content_security_policy(&[]), CONTENT_SECURITY_POLICY);
        let policy =
            content_security_policy(&["https://img.example".to_owned(), "https://press.example".to_owned()]);
        let expected = "; img-src 'self' https://img.example https://press.example";
        assert!(policy.to_str().unwrap().ends_with(expected), "{policy:?}");
    }

    #[test]
    fn only_addresses_of_the_web_and_paths_of_ours_are_shown() {
        assert_eq!(address(" https://a.example/kit "), Some("https://a.example/kit"));
        assert_eq!(address("/static/x.png"), Some("/static/x.png"));
        for bad in ["", "javascript:alert(1)", "//evil.example", "data:text/html,x", "kit.html"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
