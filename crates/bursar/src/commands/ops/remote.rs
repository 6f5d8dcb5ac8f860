//! Asking a running server over HTTP, with the operators' key.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use ureq::Agent;
use ureq::http::HeaderValue;

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
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent("bursar")
        .accept("application/json")
        .build()
        .into();
    let mut request = agent.get(url);
    if let Some(key) = key {
        let mut value = HeaderValue::from_str(key.expose_secret())
            .map_err(|_| "OPS_API_KEY holds characters that no header may hold; copy it again".to_owned())?;
        value.set_sensitive(true);
        request = request.header(KEY, value);
    }
    let mut response = request.call().map_err(|error| error.to_string())?;
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
    let body = body.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok(Reply { status, body })
}
