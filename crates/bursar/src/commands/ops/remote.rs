//! Asking a running server over HTTP, with the operators' key.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use ureq::http::{HeaderValue, Response};
use ureq::{Agent, Body};

/// Time for one whole question.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The header of the operators' key.
const KEY: &str = "x-ops-key";

/// What the server said.
pub(super) struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    /// Whether the status is 2xx.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Asks `url`; redirects are not followed and no proxy is used, so that the key goes to nobody else.
pub(super) fn ask(url: &str, key: Option<&SecretString>) -> Result<Reply, String> {
    let mut request = agent().get(url);
    if let Some(key) = key {
        request = request.header(KEY, secret_header(key.expose_secret(), "OPS_API_KEY")?);
    }
    let (status, body) = read(request.call())?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok(Reply { status, body })
}

/// Sends JSON to a webhook, whose URL may hold a token and stands in no error.
pub(super) fn post(url: &SecretString, body: &Value) -> Result<(), String> {
    let request = agent().post(url.expose_secret()).content_type("application/json");
    match request.send(body.to_string()) {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("it answered {}", answer.status().as_u16())),
        Err(ureq::Error::Timeout(_)) => Err(format!("it did not answer within {} s", TIMEOUT.as_secs())),
        Err(ureq::Error::BadUri(_)) => Err("its URL is unusable".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn agent() -> Agent {
    Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent("bursar")
        .accept("application/json")
        .build()
        .into()
}

fn secret_header(text: &str, name: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| format!("{name} holds characters that no header may hold; copy it again"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn read(answer: Result<Response<Body>, ureq::Error>) -> Result<(u16, Vec<u8>), String> {
    let mut response = answer.map_err(|error| error.to_string())?;
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
    Ok((response.status().as_u16(), body.map_err(|error| error.to_string())?))
}
