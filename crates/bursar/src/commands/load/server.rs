//! The server as a player sees it: JSON over one keep-alive connection, with a time limit for each request.

use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use ureq::http::{HeaderValue, Response};
use ureq::{Agent, Body};

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Bodies are small; the default buffers of thousands of connections are not.
const BUFFER_BYTES: usize = 16 * 1024;

/// Where the server is and how long it may take.
#[derive(Clone, Debug)]
pub struct Server {
    base: String,
    timeout: Duration,
}

/// One keep-alive connection.
pub struct Connection {
    agent: Agent,
    base: String,
}

/// What the server said.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Seconds of `Retry-After`.
    pub retry_after_s: Option<u64>,
    /// The body; null when it is no JSON.
    pub body: Value,
    /// From the first byte sent to the last byte read.
    pub took: Duration,
}

impl Server {
    /// The server at `base`.
    pub fn new(base: &str, timeout: Duration) -> Server {
        Server { base: base.trim_end_matches('/').to_owned(), timeout }
    }

    /// Its address, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same, with more time for each request.
    pub fn with_timeout(&self, timeout: Duration) -> Server {
        Server { timeout, ..self.clone() }
    }

    /// A connection of its own; it opens at the first request. Redirects are not followed and no proxy is used.
    pub fn connect(&self) -> Connection {
        let agent = Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .no_delay(true)
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .input_buffer_size(BUFFER_BYTES)
            .output_buffer_size(BUFFER_BYTES)
            .user_agent("bursar")
            .accept("application/json")
            .build()
            .new_agent();
        Connection { agent, base: self.base.clone() }
    }
}

impl Connection {
    /// `GET`; the error is for people.
    pub fn get(&self, path: &str) -> Result<Reply, String> {
        self.get_with_key(path, None)
    }

    /// `GET` with the operators' key in `header`, if there is one.
    pub fn get_with_key(&self, path: &str, key: Option<(&str, &SecretString)>) -> Result<Reply, String> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some((header, key)) = key {
            request = request.header(header, secret_header(key)?);
        }
        read(|| request.call())
    }

    /// `POST` of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Result<Reply, String> {
        self.post_with_key(path, body, None)
    }

    /// `POST` of JSON with the operators' key in `header`, if there is one.
    pub fn post_with_key(
        &self,
        path: &str,
        body: &Value,
        key: Option<(&str, &SecretString)>,
    ) -> Result<Reply, String> {
        let mut request = self.agent.post(format!("{}{path}", self.base)).content_type("application/json");
        if let Some((header, key)) = key {
            request = request.header(header, secret_header(key)?);
        }
        read(|| request.send(body.to_string()))
    }
}

impl Reply {
    /// Whether the status is 2xx.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The stable code of a refusal, or nothing.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Status and code, such as `503 joins_paused`.
    pub fn outcome(&self) -> String {
        format!("{} {}", self.status, self.code()).trim_end().to_owned()
    }
}

fn secret_header(key: &SecretString) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(key.expose_secret())
        .map_err(|_| "OPS_API_KEY holds characters that no header may hold; copy it again".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

fn read(send: impl FnOnce() -> Result<Response<Body>, ureq::Error>) -> Result<Reply, String> {
    let begun = Instant::now();
    let mut response = send().map_err(|error| error.to_string())?;
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
    let body = body.map_err(|error| error.to_string())?;
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    Ok(Reply {
        status: response.status().as_u16(),
        retry_after_s: retry_after.and_then(|text| text.trim().parse().ok()),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        took: begun.elapsed(),
    })
}
