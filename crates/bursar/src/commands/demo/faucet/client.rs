//! A browser of one person, as far as the demo needs one: it keeps a cookie and follows nothing.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Asks the demo's server.
pub(super) struct Client {
    agent: Agent,
    base: String,
}

/// What came back.
pub(super) struct Answer {
    pub status: u16,
    pub location: String,
    /// `name=value` of the cookie that was set; empty = none.
    pub cookie: String,
    pub body: Value,
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        let config = Agent::config_builder()
            .timeout_global(Some(ANSWER_TIME_MAX))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent("bursar-demo")
            .build();
        Client { agent: config.into(), base: format!("http://{address}") }
    }

    pub fn get(&self, path: &str, cookie: &str) -> Result<Answer, ureq::Error> {
        answer(self.agent.get(format!("{}{path}", self.base)).header("cookie", cookie).call()?)
    }

    pub fn post(&self, path: &str, cookie: &str, body: &Value) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("cookie", cookie);
        answer(request.header("content-type", "application/json").send(body.to_string())?)
    }
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let header = |name: &str| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let (location, set) = (header("location"), header("set-cookie"));
    let cookie = set.split(';').next().unwrap_or_default().to_owned();
    let status = response.status().as_u16();
    let text = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()?;
    Ok(Answer { status, location, cookie, body: serde_json::from_str(&text).unwrap_or_default() })
}
