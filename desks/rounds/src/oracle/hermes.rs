//! Asks a Pyth Hermes service over HTTP.

use std::fmt;
use std::io;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use ureq::Agent;
use ureq::http::header::{AUTHORIZATION, RETRY_AFTER};
use ureq::http::uri::Scheme;
use ureq::http::{HeaderMap, HeaderValue, Uri};

use super::source::{BODY_LIMIT_BYTES, PriceSource, UpstreamError};
use crate::market::Market;

/// Where and how to ask. The URL may carry a provider's token in its path and is never shown whole.
pub struct HermesConfig {
    /// `http` or `https`, optionally with a path, without query.
    pub base_url: String,
    /// Time for one whole question, connection and body included.
    pub timeout: Duration,
    /// Sent as a bearer token where the service wants one.
    pub api_key: Option<SecretString>,
}

impl HermesConfig {
    /// A service without API key and with 5 s for each question.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> HermesConfig {
        HermesConfig { base_url: base_url.into(), timeout: Duration::from_secs(5), api_key: None }
    }
}

/// Why a configuration cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HermesConfigError {
    /// Not a usable base URL.
    #[error("HERMES_URL must be http:// or https:// with a host, and without user name, query or fragment")]
    BaseUrl,
    /// The key holds characters that no header may hold.
    #[error("the price service's API key holds characters that no HTTP header may hold; copy it again")]
    ApiKey,
}

/// A Hermes service behind HTTP. Follows no redirects and uses no proxy.
pub struct HermesClient {
    agent: Agent,
    base_url: String,
    host: String,
    authorization: Option<HeaderValue>,
}

impl HermesClient {
    /// A client for the configured service; nothing is sent yet.
    pub fn new(config: HermesConfig) -> Result<HermesClient, HermesConfigError> {
        let agent = Agent::config_builder()
            .timeout_global(Some(config.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent("bursar")
            .accept("application/json")
            .build();
        Ok(HermesClient {
            agent: agent.into(),
            host: host_of(&config.base_url).ok_or(HermesConfigError::BaseUrl)?,
            base_url: config.base_url.trim_end_matches('/').to_owned(),
            authorization: config.api_key.map(|key| bearer(&key)).transpose()?,
        })
    }

    fn ask(&self, when: &str, market: Market) -> Result<String, UpstreamError> {
        let url = format!("{}/v2/updates/price/{when}?ids[]={}&parsed=true", self.base_url, market.feed_id());
        let mut request = self.agent.get(url);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let mut reply = request.call().map_err(before_the_answer)?;
        match reply.status().as_u16() {
            200 => {}
            404 => return Err(UpstreamError::NotFound),
            429 => return Err(UpstreamError::RateLimited { retry_after_s: retry_after(reply.headers()) }),
            status => return Err(UpstreamError::Status(status)),
        }
        // The reader refuses at its limit, not above it.
        let limit = u64::try_from(BODY_LIMIT_BYTES + 1).unwrap_or(u64::MAX);
        let body = reply.body_mut().with_config().limit(limit).read_to_vec().map_err(within_the_body)?;
        String::from_utf8(body).map_err(|_| UpstreamError::BrokenBody)
    }
}

impl PriceSource for HermesClient {
    fn at(&self, market: Market, second: i64) -> Result<String, UpstreamError> {
        self.ask(&second.to_string(), market)
    }

    fn latest(&self, market: Market) -> Result<String, UpstreamError> {
        self.ask("latest", market)
    }
}

impl fmt::Debug for HermesClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HermesClient").field("host", &self.host).finish_non_exhaustive()
    }
}

fn host_of(base_url: &str) -> Option<String> {
    let uri: Uri = base_url.parse().ok()?;
    let scheme = uri.scheme()?;
    let known = *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
    let authority = uri.authority()?;
    let plain = !authority.as_str().contains('@') && uri.query().is_none() && !base_url.contains('#');
    (known && plain).then(|| authority.host().to_owned()).filter(|host| !host.is_empty())
}

fn bearer(key: &SecretString) -> Result<HeaderValue, HermesConfigError> {
    let text = format!("Bearer {}", key.expose_secret());
    let mut value = HeaderValue::from_str(&text).map_err(|_| HermesConfigError::ApiKey)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The seconds form of `Retry-After`; its date form is not worth a parser here.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

fn before_the_answer(error: ureq::Error) -> UpstreamError {
    match error {
        ureq::Error::Timeout(_) => UpstreamError::Timeout,
        ureq::Error::Io(error) if timed_out(&error) => UpstreamError::Timeout,
        ureq::Error::Io(error) => UpstreamError::Unreachable(error.kind().to_string()),
        ureq::Error::HostNotFound => UpstreamError::Unreachable("host not found".to_owned()),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => UpstreamError::Unreachable("TLS failed".to_owned()),
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => UpstreamError::BrokenBody,
        // Other variants may quote the URL, which can hold a token.
        _ => UpstreamError::Unreachable("connection failed".to_owned()),
    }
}

fn within_the_body(error: ureq::Error) -> UpstreamError {
    match error {
        ureq::Error::Timeout(_) => UpstreamError::Timeout,
        ureq::Error::Io(error) if timed_out(&error) => UpstreamError::Timeout,
        ureq::Error::BodyExceedsLimit(_) => UpstreamError::BodyTooLarge,
        _ => UpstreamError::BrokenBody,
    }
}

fn timed_out(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}
