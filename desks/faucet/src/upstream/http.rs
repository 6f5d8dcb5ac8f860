//! One question over HTTP: sent, timed, limited in size, told to the observer.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use ureq::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use ureq::http::uri::Scheme;
use ureq::http::{HeaderValue, Response, Uri};
use ureq::{Agent, Body};

use super::observer::Observer;
use super::reading::{Problem, Unavailable, Upstream, UpstreamConfigError};
use super::retry_after::retry_after;

/// Longest body that is read, in bytes.
const BODY_LIMIT_BYTES: u64 = 1 << 20;

/// The media type of JSON.
pub(super) const JSON: &str = "application/json";
/// The media type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// A question.
pub(super) struct Question<'a> {
    /// What follows the service's address.
    pub path: &'a str,
    /// Who is asking, mostly.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// Media type and body; with a body the question is a `POST`.
    pub body: Option<(&'static str, String)>,
}

/// What came back.
pub(super) struct Answer {
    /// The status.
    pub status: u16,
    body: Vec<u8>,
    retry_after: Option<Duration>,
}

impl Answer {
    /// One that came in no way.
    #[cfg(feature = "fuzz")]
    pub fn made_up(status: u16, body: &[u8]) -> Answer {
        Answer { status, body: body.to_vec(), retry_after: retry_after(None, body) }
    }

    /// The body as JSON of the given shape. What is wrong with it is not told: it may quote the body.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body)
            .map_err(|_| Problem::Invalid("it is no JSON of the documented shape"))
    }
}

/// A service behind HTTP. Follows no redirects and uses no proxy.
pub(super) struct Client {
    agent: Agent,
    url: String,
    host: String,
    upstream: Upstream,
    observer: Arc<dyn Observer>,
}

impl Client {
    /// A service with paths below `base_url`, which has no query. `timeout` is for one whole question, connection and
    /// body included.
    pub fn below(
        upstream: Upstream,
        base_url: &str,
        timeout: Duration,
        observer: Arc<dyn Observer>,
    ) -> Result<Client, UpstreamConfigError> {
        if base_url.contains('?') {
            return Err(UpstreamConfigError::Url(upstream));
        }
        Client::at(upstream, base_url.trim_end_matches('/'), timeout, observer)
    }

    /// A service at exactly this address, which may have a query.
    pub fn at(
        upstream: Upstream,
        url: &str,
        timeout: Duration,
        observer: Arc<dyn Observer>,
    ) -> Result<Client, UpstreamConfigError> {
        let agent = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent("bursar")
            .accept(JSON)
            .build();
        let host = host_of(url).ok_or(UpstreamConfigError::Url(upstream))?;
        Ok(Client { agent: agent.into(), url: url.to_owned(), host, upstream, observer })
    }

    /// The only part of the address that is shown.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Asks, and lets `read` judge what came back.
    pub fn ask<T>(
        &self,
        question: Question<'_>,
        read: impl FnOnce(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Unavailable> {
        let begun = Instant::now();
        let answer = self.send(question);
        let result = match &answer {
            Ok(answer) => read(answer),
            Err(problem) => Err(*problem),
        };
        let retry_after = answer.ok().and_then(|answer| answer.retry_after);
        let result = result.map_err(|problem| Unavailable { upstream: self.upstream, problem, retry_after });
        self.observer.called(self.upstream, begun.elapsed(), result.as_ref().err());
        result
    }

    fn send(&self, question: Question<'_>) -> Result<Answer, Problem> {
        let url = format!("{}{}", self.url, question.path);
        let sent = match question.body {
            None => {
                let request = self.agent.get(url);
                match question.header {
                    Some((name, value)) => request.header(name, value).call(),
                    None => request.call(),
                }
            }
            Some((media_type, body)) => {
                let request = self.agent.post(url).header(CONTENT_TYPE, media_type);
                match question.header {
                    Some((name, value)) => request.header(name, value).send(body),
                    None => request.send(body),
                }
            }
        };
        received(sent.map_err(|error| problem_of(&error))?)
    }
}

fn received(mut reply: Response<Body>) -> Result<Answer, Problem> {
    let status = reply.status().as_u16();
    // The reader refuses at its limit, not above it.
    let read = reply.body_mut().with_config().limit(BODY_LIMIT_BYTES + 1).read_to_vec();
    let body = match read {
        Ok(body) => body,
        // Of a refusal the status says enough.
        Err(_) if status != 200 => Vec::new(),
        Err(error) => {
            return Err(match problem_of(&error) {
                Problem::Unreachable => Problem::Broken,
                other => other,
            });
        }
    };
    let header = reply.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = matches!(status, 429 | 503).then(|| retry_after(header, &body)).flatten();
    Ok(Answer { status, body, retry_after })
}

/// A header's value that is kept out of logs.
pub(super) fn secret_header(
    upstream: Upstream,
    secret: &SecretString,
) -> Result<HeaderValue, UpstreamConfigError> {
    let secret = secret.expose_secret();
    let value = HeaderValue::from_str(secret).ok().filter(|_| !secret.is_empty());
    let mut value = value.ok_or(UpstreamConfigError::Key(upstream))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether a text may stand in a path as it is: letters, digits, `_` and `-`, at most 64 of them.
pub(super) fn is_plain_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Whether a stranger's text may be kept as a name.
pub(super) fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn host_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme()?;
    let known = *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
    let authority = uri.authority()?;
    let plain = !authority.as_str().contains('@') && !url.contains('#');
    (known && plain).then(|| authority.host().to_owned()).filter(|host| !host.is_empty())
}

/// Errors of the library may quote the URL, which can hold a token: only their kind is kept.
fn problem_of(error: &ureq::Error) -> Problem {
    match error {
        ureq::Error::Timeout(_) => Problem::Timeout,
        ureq::Error::Io(error) if timed_out(error) => Problem::Timeout,
        ureq::Error::BodyExceedsLimit(_) => Problem::TooLarge,
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => Problem::Broken,
        _ => Problem::Unreachable,
    }
}

fn timed_out(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}
