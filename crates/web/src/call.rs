//! One request as a handler sees it: the head, who sent it, and a body that is read when the handler asks.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::platform_codes::INVALID_QUERY;
use crate::request_id::RequestIdentity;
use crate::{body, cookies, keys, url_text};

/// One request. Nothing was checked or read yet but its head: each handler runs its guards in its own order (H4).
pub struct Call {
    pub(crate) head: Parts,
    pub(crate) body: Body,
    pub(crate) origin: Origin,
    pub(crate) identity: RequestIdentity,
    pub(crate) parameters: Vec<String>,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) deadline: Instant,
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// The client's address, behind trusted proxies (H7).
    pub client: IpAddr,
    /// Whether the peer is a proxy whose word about the client is believed.
    pub through_proxy: bool,
}

impl Call {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// The path as sent, without the query.
    pub fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// A header's text; `None` when it is missing or not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// A parameter of the path template, decoded. Empty when the template has no such parameter.
    pub fn parameter(&self, name: &str) -> &str {
        let names = self.endpoint.parameter_names.iter();
        let found = names.zip(&self.parameters).find(|(known, _)| known.as_str() == name);
        found.map_or("", |(_, value)| value)
    }

    /// The first query parameter of this name, decoded.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// All query parameters in order, decoded.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        url_text::query_pairs(self.head.uri.query().unwrap_or_default())
    }

    /// The query as a value of type `T`.
    ///
    /// # Errors
    /// 400 `invalid_query` that names the parameter.
    pub fn query_as<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        match axum::extract::Query::try_from_uri(&self.head.uri) {
            Ok(axum::extract::Query(value)) => Ok(value),
            Err(error) => Err(ApiError::because(&INVALID_QUERY, format!("{error}; correct the query."))),
        }
    }

    /// Where the request came from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The client's address: the key of limits per address.
    pub fn client(&self) -> IpAddr {
        self.origin.client
    }

    /// The header `X-Region`, when a trusted proxy sent it (H7).
    pub fn region(&self) -> Option<&str> {
        self.origin.through_proxy.then(|| self.header("x-region")).flatten()
    }

    /// The ids of the request.
    pub fn identity(&self) -> &RequestIdentity {
        &self.identity
    }

    /// When the answer must be ready; pass it on to what the handler waits for.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookies::cookie(&self.head.headers, name)
    }

    /// The bearer token.
    pub fn bearer(&self) -> Option<&str> {
        keys::bearer(&self.head.headers)
    }

    /// Whether `Accept` names this type with a weight no lower than any other type it names.
    pub fn prefers(&self, media_type: &str) -> bool {
        self.header("accept").is_some_and(|accept| prefers(accept, media_type))
    }

    /// The whole body, up to the route's limit. A second call finds it empty.
    ///
    /// # Errors
    /// See [`body::read`].
    pub async fn bytes(&mut self) -> Result<Bytes, ApiError> {
        let taken = std::mem::take(&mut self.body);
        let deadline = self.deadline.min(Instant::now() + self.endpoint.body_time_max);
        body::read(taken, self.endpoint.body_bytes_max, deadline).await
    }

    /// The same request with another body: for a route that translates what it read and hands it to another route's
    /// handler.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::from(body.into());
        self
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// See [`body::read_json`].
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T, ApiError> {
        body::parse_json(&self.bytes().await?)
    }

    /// The body as JSON, or `None` when it is empty.
    ///
    /// # Errors
    /// See [`body::read_json`].
    pub async fn optional_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ApiError> {
        let text = self.bytes().await?;
        if text.is_empty() { Ok(None) } else { body::parse_json(&text).map(Some) }
    }
}

fn prefers(accept: &str, media_type: &str) -> bool {
    let weights = accept.split(',').map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1_000, thousandths);
        (name, weight)
    });
    let best = weights.clone().map(|(_, weight)| weight).max().unwrap_or(0);
    weights
        .into_iter()
        .any(|(name, weight)| name.eq_ignore_ascii_case(media_type) && weight > 0 && weight == best)
}

/// A quality value such as `0.8` in thousandths; what does not parse counts as refused.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse::<u32>()) {
        ("1", _) => 1_000,
        ("0", Ok(value)) => value,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_prefers_html_and_a_client_that_takes_anything_does_not() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert!(prefers(browser, "text/html"));
        assert!(!prefers("*/*", "text/html"));
        assert!(!prefers("application/json, text/html;q=0.5", "text/html"));
        assert!(prefers("application/json;q=0.2, TEXT/HTML;q=0.25", "text/html"));
        assert!(!prefers("text/html;q=0", "text/html"));
    }
}
