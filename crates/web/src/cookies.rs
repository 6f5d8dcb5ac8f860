//! Reading and setting cookies with the attributes that every desk uses (H10).

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

/// The value of a cookie; the first one when the name is sent twice.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A `Set-Cookie` value with `Path=/; HttpOnly; SameSite=Lax`; `Secure` as asked.
///
/// `None` when the name or value holds a character that a cookie cannot carry (encode it first).
pub fn set_cookie(name: &str, value: &str, max_age: Duration, secure: bool) -> Option<HeaderValue> {
    let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
    if name.is_empty() || name.contains('=') || !name.bytes().chain(value.bytes()).all(allowed) {
        return None;
    }
    let secure = if secure { "; Secure" } else { "" };
    let age_s = max_age.as_secs();
    let text = format!("{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).ok()
}

/// A `Set-Cookie` value that makes the browser forget the cookie.
pub fn clear_cookie(name: &str, secure: bool) -> Option<HeaderValue> {
    set_cookie(name, "", Duration::ZERO, secure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("x_p2s_session=no; p2s_session=a.b=c"));
        headers.append(header::COOKIE, HeaderValue::from_static("p2s_admin=second; p2s_session=later"));
        assert_eq!(cookie(&headers, "p2s_session"), Some("a.b=c"));
        assert_eq!(cookie(&headers, "p2s_admin"), Some("second"));
        assert_eq!(cookie(&headers, "session"), None);
    }

    #[test]
    fn h10_the_attributes_exactly() {
        let hour = Duration::from_secs(3600);
        assert_eq!(
            set_cookie("p2s_admin", "abc", hour, true).unwrap(),
            "p2s_admin=abc; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            clear_cookie("p2s_admin", false).unwrap(),
            "p2s_admin=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        );
        assert_eq!(set_cookie("p2s_admin", "a; Domain=evil", hour, true), None);
        assert_eq!(set_cookie("a=b", "c", hour, true), None);
    }
}
