//! The address of a remote signer and the kind of its credential.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;
use ureq::http::uri::Scheme;

use crate::Rejection;

/// Longest URL, in bytes.
const URL_LENGTH_MAX: usize = 2_048;

/// How a remote signer knows that the request is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer SECRET`.
    Bearer,
    /// `X-Bursar-Signature: t=<unix>,v1=<hex HMAC-SHA256 of "t.body">`; the secret never leaves.
    Hmac,
}

/// URL of a remote signer: https, or http on the loopback address; without user name, query and fragment, so that it
/// holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`Rejection::Invalid`]; the text is not repeated.
    pub fn parse(text: &str) -> Result<Endpoint, Rejection> {
        let rule =
            "it is https:// (or http:// on the loopback address), without user name, query and fragment";
        let fits = is_endpoint(text).unwrap_or(false);
        fits.then(|| Endpoint(text.to_owned())).ok_or(Rejection::Invalid { field: "signer's URL", rule })
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_endpoint(text: &str) -> Option<bool> {
    if text.len() > URL_LENGTH_MAX || text.contains(['#', '@']) {
        return None;
    }
    let uri: Uri = text.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    if uri.query().is_some() {
        return None;
    }
    let address: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let is_loopback = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    let scheme = uri.scheme()?;
    Some(*scheme == Scheme::HTTPS || (*scheme == Scheme::HTTP && is_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signer_is_called_over_tls_or_on_the_loopback_address() {
        for good in
            ["https://signer.example/sign", "http://127.0.0.1:9/x", "http://[::1]:9", "http://localhost"]
        {
            assert_eq!(Endpoint::parse(good).unwrap().as_str(), good);
        }
        let long = format!("https://signer.example/{}", "a".repeat(2_048));
        for bad in [
            "",
            "signer.example",
            "http://signer.example",
            "http://10.0.0.1/",
            "http://127.0.0.1.example/",
            "ftp://127.0.0.1",
            "https://user:s3cret@signer.example",
            "https://a://user:s3cret@signer.example",
            "https://signer.example/?token=s3cret",
            "https://signer.example/#s3cret",
            &long,
        ] {
            let refused = Endpoint::parse(bad).unwrap_err();
            assert!(!refused.to_string().contains("s3cret"), "{refused}");
        }
    }
}
