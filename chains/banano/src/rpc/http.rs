//! A node behind HTTP.

use std::fmt;
use std::io;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Uri;
use ureq::http::header::CONTENT_TYPE;
use ureq::http::uri::Scheme;

use super::transport::{Answer, BODY_LIMIT_BYTES, Transport, TransportError};

/// The URL cannot be used. It is not repeated, since it may hold a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a Banano node's URL must be http:// or https:// with a host, and without user name or fragment")]
pub struct HttpNodeError;

/// A node behind HTTP. Follows no redirects and uses no proxy.
pub struct HttpNode {
    agent: Agent,
    url: String,
    name: String,
}

impl HttpNode {
    /// A node at `url`, with `timeout` for each whole question, connection and body included. Nothing is sent yet.
    pub fn new(url: &str, timeout: Duration) -> Result<HttpNode, HttpNodeError> {
        let agent = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent("bursar")
            .accept("application/json")
            .build();
        let name = name_of(url).ok_or(HttpNodeError)?;
        Ok(HttpNode { agent: agent.into(), url: url.to_owned(), name })
    }
}

impl Transport for HttpNode {
    fn name(&self) -> &str {
        &self.name
    }

    fn call(&self, request: &str) -> Result<Answer, TransportError> {
        let posted = self.agent.post(&self.url).header(CONTENT_TYPE, "application/json").send(request);
        let mut reply = posted.map_err(|error| problem(&error))?;
        // The reader refuses at its limit, not above it.
        let limit = u64::try_from(BODY_LIMIT_BYTES + 1).unwrap_or(u64::MAX);
        let body = reply.body_mut().with_config().limit(limit).read_to_vec();
        let body = body.map_err(|error| match problem(&error) {
            TransportError::Unreachable(_) => TransportError::Broken,
            other => other,
        })?;
        Ok(Answer { status: reply.status().as_u16(), body })
    }
}

impl fmt::Debug for HttpNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpNode").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Host and port: two nodes on one machine are two nodes.
fn name_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme()?;
    let known = *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
    let authority = uri.authority()?.as_str();
    let plain = !authority.contains('@') && !url.contains('#') && !uri.host()?.is_empty();
    (known && plain).then(|| authority.to_owned())
}

fn problem(error: &ureq::Error) -> TransportError {
    match error {
        ureq::Error::Timeout(_) => TransportError::Timeout,
        ureq::Error::Io(error) if timed_out(error) => TransportError::Timeout,
        ureq::Error::Io(error) => TransportError::Unreachable(error.kind().to_string()),
        ureq::Error::BodyExceedsLimit(_) => TransportError::TooLarge,
        ureq::Error::HostNotFound => TransportError::Unreachable("host not found".to_owned()),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => TransportError::Unreachable("TLS failed".to_owned()),
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => TransportError::Broken,
        // Other variants may quote the URL, which can hold a token.
        _ => TransportError::Unreachable("connection failed".to_owned()),
    }
}

fn timed_out(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_by_host_and_port_and_nothing_else_of_its_url_shows() {
        let node = HttpNode::new("https://node.example:7072/token/s3cret?key=s3cret", Duration::from_secs(1));
        let node = node.unwrap();
        assert_eq!(node.name(), "node.example:7072");
        assert!(!format!("{node:?}").contains("s3cret"));
    }

    #[test]
    fn urls_that_cannot_be_meant_are_refused() {
        for url in [
            "",
            "node.example",
            "ftp://node.example",
            "http://",
            "http://u:p@node.example",
            "http://n.example/#x",
        ] {
            assert_eq!(HttpNode::new(url, Duration::from_secs(1)).unwrap_err(), HttpNodeError, "{url}");
        }
    }
}
